"""Every metric of the notifier, declared once."""

from prometheus_client import Counter, Gauge

MESSAGES = Counter(
    "reentry_notice_messages_total",
    "Messages of the notifier by outcome: sent, retried, failed (given up) or dropped (answered before it was sent).",
    ["channel", "outcome"],
)
NOTICES = Counter("reentry_notices_total", "Notices decided, by kind: step, urgent or over.", ["kind"])
WAITING = Gauge("reentry_notice_messages_waiting", "Messages that are not sent yet.")
OLDEST = Gauge("reentry_notice_oldest_waiting_seconds", "How long the oldest message has been waiting.")
FAILED = Gauge("reentry_notice_messages_failed", "Messages given up in the last 24 hours.")
UNMANNED = Counter(
    "reentry_notices_unmanned_total", "Notices of offices where nobody was on duty, told to those above."
)
