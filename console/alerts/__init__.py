"""One alert: its page, its story, what an officer decides about it."""
