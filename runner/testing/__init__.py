"""A spec's cases + recorded cassettes → verdicts."""
