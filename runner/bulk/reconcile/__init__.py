"""A recorded run and an export of messages → what became of each row."""
