"""What is measured for the rules of form metric (semantics.md 9.8): one function for each metric of a rule book."""

from collections.abc import Mapping

from sinks.monitors.metrics.calendars import missing_calendar
from sinks.monitors.metrics.pace import pipeline_lag, read_model_gaps
from sinks.monitors.metrics.reading import Measure
from sinks.monitors.metrics.tallies import answered_on_time, dead_letters, late_data, open_per_officer

MEASURES: Mapping[str, Measure] = {
    "answered_on_time": answered_on_time,
    "open_per_officer": open_per_officer,
    "arrival_lag": late_data,
    "dead_letters": dead_letters,
    "pipeline_lag": pipeline_lag,
    "read_model_gaps": read_model_gaps,
    "missing_calendar": missing_calendar,
}
