"""Runs and cases → a self-contained HTML file, which is read in a browser without a network."""
