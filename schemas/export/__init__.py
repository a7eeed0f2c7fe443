"""The contracts as files: JSON Schema and AsyncAPI."""
