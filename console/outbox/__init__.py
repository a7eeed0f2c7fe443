"""Officers' actions that wait to be published."""
