"""The SQL read model: its tables, their writers, and the position in the log that is stored with the rows."""
