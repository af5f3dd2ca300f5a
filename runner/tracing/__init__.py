"""What a command did → spans of OpenTelemetry. Loaded only with `--trace`."""
