"""What a schema cannot say of one event: how its fields stand to each other. A typing error must not make work without bound."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta

from schemas.envelope import Event
from schemas.payload import MOST_OF_A_DAY

LONGEST_PLAN = timedelta(
    days=5 * 365
)  # no plan is made so long before; one from 1926 would owe a check-in each week since
LONGEST_TERM = timedelta(days=50 * 366)  # no term is longer; a year is mistyped
LONGEST_LEAVE = timedelta(days=2 * 366)  # of days excused, a leave, one term of monitoring

Errors = Sequence[str]


def errors_of(event: Event) -> Errors:
    """One error for each pair of fields of a valid payload that cannot both be right; empty for nearly all."""
    check = _CHECKS.get(event.type)
    return () if check is None else check(event)


def _survivor(event: Event) -> Errors:
    return () if event.data["survivor_ref"] == event.subject else ("data.survivor_ref: must equal subject",)


def _plan(event: Event) -> Errors:
    years = f"{LONGEST_PLAN.days // 365} years"
    began, told = date.fromisoformat(event.data["from"]), event.time.date()
    if began < told - LONGEST_PLAN:
        return (f"data.from: more than {years} before time",)
    return (f"data.from: more than {years} after time",) if began > told + LONGEST_PLAN else ()


def _reported(event: Event) -> Errors:
    if date.fromisoformat(event.data["to"]) < date.fromisoformat(event.data["from"]):
        return ("data.to: comes before from",)
    return _span("from", "to", LONGEST_LEAVE)(event)


def _manifest(event: Event) -> Errors:
    return [
        f"data.topics.{number}.last_sequence: {wrong}"
        for number, counted in enumerate(event.data["topics"])
        if (wrong := _range_error(counted.get("first_sequence"), counted.get("last_sequence")))
    ]


def _range_error(first: str | None, last: str | None) -> str:
    if first is None or last is None:
        return ""
    if int(last) < int(first):
        return "comes before first_sequence"
    if int(last) - int(first) >= MOST_OF_A_DAY:
        return f"more than {MOST_OF_A_DAY} after first_sequence, which no day can hold; count events one by one"
    return ""


def _span(first: str, last: str, longest: timedelta) -> Callable[[Event], Errors]:
    def check(event: Event) -> Errors:
        if date.fromisoformat(event.data[last]) - date.fromisoformat(event.data[first]) <= longest:
            return ()
        return (f"data.{last}: more than {longest.days // 366} years after {first}",)

    return check


_CHECKS: Mapping[str, Callable[[Event], Errors]] = {
    "reentry.release.person_merged.v1": _survivor,
    "reentry.release.person_split.v1": _survivor,
    "reentry.release.decision_effective.v1": _span("term_start", "term_end", LONGEST_TERM),
    "reentry.checkin.plan_set.v1": _plan,
    "reentry.checkin.excused.v1": _span("from", "until", LONGEST_LEAVE),
    "reentry.checkin.leave_approved.v1": _span("from", "until", LONGEST_LEAVE),
    "reentry.checkin.em_started.v1": _span("on", "until", LONGEST_LEAVE),
    "reentry.checkin.em_extended.v1": _span("on", "until", LONGEST_LEAVE),
    "reentry.work.duty_set.v1": _plan,
    "reentry.work.reported.v1": _reported,
    "reentry.system.publisher_manifest.v1": _manifest,
}
