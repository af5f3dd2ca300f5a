"""The command line: a file a command declares its parameters, and makes one call into `runner.commands`."""
