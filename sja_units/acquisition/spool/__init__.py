"""What was read, on disk until the database has it."""
