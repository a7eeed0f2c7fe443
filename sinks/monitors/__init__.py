"""What watches SQL and the broker, and publishes verdicts that workers turn into alerts."""
