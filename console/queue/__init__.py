"""The queue: what is overdue, due, held or snoozed."""
