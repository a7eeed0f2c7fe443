"""Changes pushed to open pages."""
