"""A person's way in words and as a chart: expected beside actual, step by step."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from markupsafe import Markup

from console.alerts.story import describe_lag
from console.db.alert_rows import AlertRow
from console.db.rows import EventRow
from console.people.query import Person
from console.queue.row_view import present_deadline
from console.text import svg_charts
from console.text.formatter import Words
from console.web.site import Site
from handover.calendar import DAY, due_day_of, start_of

Shown = dict[str, Any]
_BEFORE, _AFTER, _LEAST, _MOST = 14, 10, 28, 120  # days of the chart
_LINES = 14


def describe_state(site: Site, words: Words, person: Person) -> str:
    """The state of the handover in one sentence."""
    late = [one for one in person.obligations if one["late"] and not one["outcome"]]
    coming = [one for one in person.obligations if not one["late"] and one["state"] == "open"]
    data = site.data_time()
    if late:
        first = late[0]
        return words.t(
            "person.say.late", n=len(late), rule=_name_rule(words, first), owner=words.agency(first["owner_agency"])
        )
    if coming:
        first = coming[0]
        values = {
            "rule": _name_rule(words, first),
            "limit": words.before(first["due_at"]),
            "owner": words.agency(first["owner_agency"]),
        }
        is_judged = first["due_at"] > site.now() and not data.is_late
        return words.t("person.say.good" if is_judged else "person.say.unjudged", **values)
    return words.t("person.say.unknown" if data.is_late else "person.say.none")


def summarize(words: Words, obligations: Sequence[AlertRow]) -> str:
    """How many obligations are late, to come, ended."""
    late = sum(bool(one["late"] and not one["outcome"]) for one in obligations)
    ended = sum(bool(one["outcome"]) for one in obligations)
    return words.t("person.duties.sum", late=late, ended=ended, open=len(obligations) - late - ended)


def list_steps(site: Site, words: Words, person: Person) -> list[Shown]:
    """Everything in order of time: what happened, what is missing, today, what is still to come."""
    now = site.now()
    answered = _find_answers(person)
    found: list[tuple[datetime, int, Shown]] = [
        (one["time"], 0, _present_event(words, one, answered.get(one["id"]))) for one in person.events
    ]
    for obligation in person.obligations:
        if obligation["outcome"]:
            continue
        if obligation["late"]:
            found.append((obligation["due_at"], 1, _present_missing(site, words, obligation, now)))
        else:
            found.append((obligation["due_at"], 2, _present_coming(site, words, obligation, now)))
    found.append((now, 3, {"cls": "now", "kind": "now", "at": words.at(now)}))
    found.sort(key=lambda one: (one[0], one[1]))
    return [shown for _, _, shown in found]


def _find_answers(person: Person) -> dict[str, AlertRow]:
    """Ended alerts by the last event that counted: their answer."""
    return {one["seen"][-1]: one for one in person.obligations if one["outcome"] and one["seen"]}


def _name_rule(words: Words, row: AlertRow) -> str:
    return words.rule(row["rule_id"], row["occurrence"])


def _present_event(words: Words, event: EventRow, ended: AlertRow | None) -> Shown:
    late = ended is not None and ended["outcome"] == "met_late"
    expected = {}
    if ended is not None:
        outcome = words.t("person.met_late", outcome=words.t(f"outcome.{ended['outcome']}"))
        expected = _present_expected(words, ended, outcome)
    return {
        "cls": "",
        "kind": "event",
        "dot": "late" if late else "on",
        "expected": expected,
        "at": words.at(event["time"]),
        "what": words.fact(event["type"]),
        "details": _describe_details(words, event),
        "source": words.source(event["source"]),
        "lag": words.t("person.lag", lag=describe_lag(words, event)),
        "lag_long": event["arrival"] - event["time"] > DAY,
    }


def _present_expected(words: Words, obligation: AlertRow, outcome: str = "") -> Shown:
    return {
        "rule": _name_rule(words, obligation),
        "rule_id": obligation["rule_id"],
        "limit": words.t("person.due", limit=words.before(obligation["due_at"])),
        "outcome": outcome,
        "alert": obligation["alert_id"],
    }


def _describe_details(words: Words, event: EventRow) -> str:
    fact = event["type"].removeprefix("reentry.").removesuffix(".v1")
    shown = [
        words.t("said", what=words.field(name), value=words.value(fact, name, value))
        for name, value in event["body"]["data"].items()
        if isinstance(value, str | bool) and words.t.has(f"field.{name}") and not name.endswith(("_ref", "_id"))
    ]
    return words.t("said.next").join(shown[:3])


def _present_missing(site: Site, words: Words, obligation: AlertRow, now: datetime) -> Shown:
    due = present_deadline(words, obligation, now, site)
    return {
        "cls": "gapr",
        "kind": "gap",
        "dot": "miss",
        "expected": _present_expected(words, obligation),
        "from_": words.t("person.gap", from_=words.at(obligation["due_at"])),
        "due": words.t("person.gap.what", due=due.words),
        "owner": words.agency(obligation["owner_agency"]),
        "alert": obligation["alert_id"],
    }


def _present_coming(site: Site, words: Words, obligation: AlertRow, now: datetime) -> Shown:
    due = present_deadline(words, obligation, now, site)
    return {
        "cls": "fut",
        "kind": "due",
        "dot": "",
        "expected": _present_expected(words, obligation),
        "state": words.t("person.paused") if obligation["state"] == "paused" else due.words if due.judging or due.over else words.t("person.not_yet"),
        "owner": words.agency(obligation["owner_agency"]),
    }  # fmt: skip


def draw_chart(site: Site, words: Words, person: Person) -> Markup:
    """One line for each obligation near today: window, deadline, answer, gap."""
    now = site.now()
    obligations = [one for one in person.obligations if not (one["outcome"] and now - one["due_at"] > _MOST * DAY)][
        :_LINES
    ]
    if not obligations:
        return Markup()
    first, last = _choose_range(obligations, now)
    origin = start_of(first)

    def at(instant: datetime) -> float:
        return (instant - origin) / DAY

    lines = [_make_line(site, words, one, at, now) for one in obligations]
    length = (last - first).days
    every = [first + timedelta(days=number) for number in range(length)]
    weeks = [((one - first).days * 1.0, f"{one.month}/{one.day}") for one in every if one.weekday() == 0]
    off = [(one - first).days * 1.0 for one in every if not site.calendar.is_working(one)]
    span = svg_charts.ChartSpan(
        length, at(now), weeks if length < 80 else weeks[::2], off, words.t("person.today", day=f"{now:%m-%d}")
    )
    return svg_charts.draw_overview(lines, span, words.t("person.chart.say", n=len(lines)))


def _choose_range(obligations: Sequence[AlertRow], now: datetime) -> tuple[date, date]:
    today = now.date()
    first = min([today - _BEFORE * DAY, *(one["anchor_at"].date() for one in obligations)])
    last = max([today + _AFTER * DAY, *(due_day_of(one["due_at"]) + 5 * DAY for one in obligations)])
    first = max(first, today - _MOST // 2 * DAY)
    last = min(last, today + _MOST // 2 * DAY)
    return first, max(last, first + _LEAST * DAY)


def _make_line(site: Site, words: Words, obligation: AlertRow, at: Any, now: datetime) -> svg_charts.ObligationLine:
    firing = obligation["late"] and not obligation["outcome"]
    met = at(obligation["resolved_at"]) if obligation["outcome"] == "met_late" else None
    note = (
        words.t(f"outcome.{obligation['outcome']}")
        if obligation["outcome"]
        else present_deadline(words, obligation, now, site).words
    )
    return svg_charts.ObligationLine(
        name=_name_rule(words, obligation),
        below=f"{obligation['rule_id']} {words.agency(obligation['owner_agency'])}",
        start=at(obligation["anchor_at"]),
        due=at(obligation["due_at"]),
        met=met,
        late=bool(firing or met is not None),
        future=not obligation["late"],
        note=note,
    )
