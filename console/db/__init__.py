"""The console's own tables and their migrations."""
