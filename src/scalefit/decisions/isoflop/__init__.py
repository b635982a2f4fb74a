"""Best sizes for compute from raw runs: isoFLOP vertices, the envelope, and all three approaches side by side."""
