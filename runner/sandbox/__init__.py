"""HTTP requests → checked, deduplicated, stored events: the platform's event API on this machine."""
