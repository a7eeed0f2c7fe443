"""Consumers of the topics that keep a read model in SQL: each can be stopped, replayed and deployed alone."""

from schemas.topics import ALERT, CASE, DLQ, PROGRESS, SOURCES
from sinks.consumer import Sink
from sinks.readmodel import alerts, cases, dead_letters, events, tables, watermarks

SINKS = (
    Sink("alerts", (ALERT,), alerts.write, (tables.alert, tables.alert_history)),
    Sink("cases", (CASE,), cases.write, (tables.case,)),
    Sink("events", SOURCES, events.write, (tables.event, tables.publisher), (tables.ledger,)),
    Sink("dead-letters", (DLQ,), dead_letters.write, set_aside=dead_letters.set_aside),
    Sink("watermarks", (PROGRESS,), watermarks.write, (tables.watermark,)),
)
