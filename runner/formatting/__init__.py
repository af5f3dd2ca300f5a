"""YAML files of a project → one canonical layout, with every comment and every value."""
