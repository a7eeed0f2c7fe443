"""The local stack: a real Kafka broker, PostgreSQL, workers and sinks on this machine, started and stopped together."""
