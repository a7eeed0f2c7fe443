"""The ways in for senders without a Kafka client: events over HTTP, spreadsheets, signed bundles; and receipts for all senders."""
