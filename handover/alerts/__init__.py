"""The lifecycle of an alert: fire, escalate, resolve; and the alert as others see it."""
