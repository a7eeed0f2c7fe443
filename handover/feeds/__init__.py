"""Publishers: their heartbeats, manifests, outages, and verdicts on metrics."""
