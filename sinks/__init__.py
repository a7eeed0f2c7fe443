"""Consumers of the topics that keep a read model in SQL: each can be stopped, replayed and deployed alone."""

from schemas.topics import ALERT, CASE, DLQ, PROGRESS, SOURCES
from sinks import alert_table, case_table, dead_letter_table, event_table, tables, watermark_table
from sinks.sink import Sink

SINKS = (
    Sink("alerts", (ALERT,), alert_table.write, (tables.alert, tables.alert_history)),
    Sink("cases", (CASE,), case_table.write, (tables.case,)),
    Sink("events", SOURCES, event_table.write, (tables.event, tables.publisher), (tables.ledger,)),
    Sink("dead-letters", (DLQ,), dead_letter_table.write, set_aside=dead_letter_table.set_aside),
    Sink("watermarks", (PROGRESS,), watermark_table.write, (tables.watermark,)),
)
