"""A file of rows in any format → its rows, in bounded memory."""
