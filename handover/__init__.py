"""The domain, pure: facts, rule books, obligations and the life of alerts. No broker, no database, no clock of its own."""
