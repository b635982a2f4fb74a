"""Many groups at once: the same call for each of thousands of tables, on as many cores or machines as there are."""
