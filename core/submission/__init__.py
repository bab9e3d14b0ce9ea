"""The competition's submission: its rows, the file, and what the competition would say of it."""
