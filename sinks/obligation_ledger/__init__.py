"""The history of every obligation, from which indicators are computed."""
