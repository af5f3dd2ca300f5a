"""What exists already → specs: events as sources show them, merged by their names, written as YAML, and proved to render the same."""
