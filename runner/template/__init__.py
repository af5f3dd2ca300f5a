"""Templates: the language of a spec's texts, bounded in time and size."""
