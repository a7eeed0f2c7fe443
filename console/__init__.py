"""The operations console: reads the SQL read model, publishes what officers decide; it never writes state itself."""
