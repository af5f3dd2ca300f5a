"""A spec → advice; the levels of rules, and the comments that switch them off."""
