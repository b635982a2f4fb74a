"""The scale at which a law reaches a target, and the scale from which little is left to gain."""
