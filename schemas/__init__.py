"""What is on the wire: every topic, every event type, the alert and the case, and how bytes become events."""
