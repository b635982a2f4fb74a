"""Where one family overtakes another: by their laws, and in the raw runs."""
