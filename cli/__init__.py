"""The `handover` command: reads the settings, starts the parts, speaks to people."""
