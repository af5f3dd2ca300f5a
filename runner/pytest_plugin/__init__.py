"""pytest's collection → cases → verdicts → pytest's reports."""
