"""Every metric of the worker, declared once."""

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

disable_created_metrics()  # type: ignore[no-untyped-call]  # as it comes

# Each record ends in one outcome: applied, duplicate, routed, invalid, bug (its subject fails) or quarantined (it failed before).
RECORDS = Counter("reentry_records_total", "Records read, by outcome.", ["topic", "outcome"])
DEAD_LETTERS = Counter("reentry_dead_letters_total", "Dead letters written.", ["topic", "reason"])
EVENT_AGE = Histogram(
    "reentry_event_age_seconds",
    "Arrival minus the event's own time.",
    ["topic"],
    buckets=(1, 10, 60, 600, 3600, 86400, 604800),
)
STEP = Histogram(
    "reentry_step_seconds",
    "One step: take, advance, alerts and cases acknowledged.",
    buckets=(0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5),
)
# The promise: how long after the due instant its alert stood on the topic.
DEADLINE_DELAY = Histogram(
    "reentry_deadline_delay_seconds",
    "Alert written minus raised_at.",
    buckets=(0.1, 0.25, 0.5, 1, 2, 5, 15, 60, 300, 3600),
)
UNFIRED = Gauge(
    "reentry_deadlines_unfired", "Instants below the watermark not yet lived through: must return to 0.", ["partition"]
)
WATERMARK = Gauge("reentry_watermark_timestamp_seconds", "All before has been applied, in broker time.", ["partition"])
UNDECIDED = Gauge(
    "reentry_undecided_transaction_seconds",
    "How long an open transaction has held back a partition: nothing behind it is read, no later deadline fires.",
    ["topic", "partition"],
)
OPEN_CASES = Gauge("reentry_open_cases", "Cases kept.", ["partition"])
OPEN_DEADLINES = Gauge("reentry_open_deadlines", "Entries of the heap of next instants.", ["partition"])
QUARANTINED = Gauge(
    "reentry_quarantined_keys", "Subjects that fail: their facts go to the dead letters.", ["partition"]
)
OF_OWNED = UNFIRED, WATERMARK, OPEN_CASES, OPEN_DEADLINES, QUARANTINED  # only of partitions that are ours
ALERT_CHANGES = Counter("reentry_alert_changes_total", "Alert revisions written.", ["rule", "state", "outcome"])
LAST_EVENT = Gauge("reentry_source_last_event_timestamp_seconds", "Arrival of a publisher's latest event.", ["source"])
UNAVAILABLE = Gauge("reentry_broker_unavailable", "1 while the broker does not answer.")
CALENDAR_UNTIL = Gauge("reentry_calendar_until_timestamp_seconds", "End of the last year with a published calendar.")
BUILD = Gauge("reentry_build_info", "The version that runs.", ["version"])
