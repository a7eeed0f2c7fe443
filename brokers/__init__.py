"""How every Kafka client of the product reaches its brokers, who it says it is, and what it may read: one description for all."""
