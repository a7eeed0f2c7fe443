"""Consumers of the topics: writers of the SQL read model, what watches it, and the history of obligations."""
