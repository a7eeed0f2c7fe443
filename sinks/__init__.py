"""Consumers of the topics that keep a read model in SQL: each can be stopped, replayed and deployed alone."""

from schemas.topics import ALERT, CASE, DLQ, SOURCES
from sinks import alert_table, case_table, dead_letter_table, event_table
from sinks.sink import Sink

SINKS = (
    Sink("alerts", (ALERT,), alert_table.write),
    Sink("cases", (CASE,), case_table.write),
    Sink("events", SOURCES, event_table.write),
    Sink("dead-letters", (DLQ,), dead_letter_table.write),
)
