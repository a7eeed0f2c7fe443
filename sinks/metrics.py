"""Every metric of the sinks, declared once."""

from prometheus_client import Counter, Gauge, disable_created_metrics

disable_created_metrics()  # type: ignore[no-untyped-call]  # as it comes

RECORDS = Counter(
    "reentry_sink_records_total",
    "Records read by a sink, by outcome: written, invalid or set_aside.",
    ["sink", "outcome"],
)
UNAVAILABLE = Gauge("reentry_sink_unavailable", "1 while the destination of a sink does not answer.", ["sink"])
LAG = Gauge("reentry_consumer_lag_records", "Records of a partition not yet written.", ["group", "topic", "partition"])
GAPS = Gauge("reentry_sink_gaps", "Partitions where the read model does not equal the log, by kind.", ["topic", "kind"])
PROCESSED_UNTIL = Gauge(
    "reentry_processed_until_timestamp_seconds", "Alerts before this instant of the judged time are in SQL."
)
HALTED = Gauge("reentry_sink_halted_partitions", "Partitions that wait for a rebuild of the read model.", ["sink"])
