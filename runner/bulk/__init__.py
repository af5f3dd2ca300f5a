"""A spec, and rows of a file → parts → outcomes, and a ledger of them."""
