"""What was seen: tables of training runs, read from anywhere and checked."""
