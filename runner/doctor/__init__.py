"""Checks of everything that sending and testing depend on, for `runner doctor`: each one is a function that returns a `Finding`."""
