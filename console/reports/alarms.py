"""Alarms of location checks (domain.md 4.9): how many, what share was confirmed, how soon somebody did something.

An alarm is a check that does not find the person in the area; each counts, as the location systems count them. The contract ties no
finding to its alarm, so one that the office tells about the person within days confirms it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from console.reports.events import Home
from console.reports.indicator import Indicator, IndicatorPart, PartValue, compute_quantiles, group_by_name, make_share
from console.reports.person_base import PersonBase
from handover.calendar import DAY
from handover.facts.fact import Fact
from schemas.catalogue import PAYLOADS_BY_FACT
from sinks.readmodel.tables import alert, event

CONFIRMED_WITHIN = 7 * DAY
_CHECKED = "checkin.location_checked"
_FINDINGS = ("intake.search_opened", "intake.measure_applied")
_ANSWERS = (*_FINDINGS, "intake.visit_done", "checkin.excused", "checkin.leave_approved")
_ACTIONS = tuple(sorted(fact for fact in PAYLOADS_BY_FACT if fact.startswith("action.")))
_SIGNALS = ("out_of_contact", "out_of_area")  # of the alerts that location checks raise


@dataclass(frozen=True, slots=True)
class Alarm:
    """One check. `confirmed`: a finding followed; `acted_at`: when somebody first did something after it (None: not yet)."""

    told: Fact
    home: Home
    confirmed: bool
    acted_at: datetime | None


def compute(known: PersonBase) -> Indicator:
    """Denominator: alarms of the month; numerator: a search or a measure followed within a week.

    Parts: all, then by result: how many, confirmed, without an action, and the time to the first action, those without one as open.
    """
    alarms = _read_alarms(known)
    parts = [
        IndicatorPart(name, _compute_values(group, known.at), len({one.told.subject for one in group}))
        for name, group in group_by_name(alarms, lambda one: str(one.told.data["result"])).items()
    ]
    return make_share("alarms", [one.home.row(one.told, holds=one.confirmed) for one in alarms], parts)


def _read_alarms(known: PersonBase) -> list[Alarm]:
    begins = known.month.begins
    outside = event.c.body[("data", "result")].as_string() != "IN_AREA"
    checks = known.read_events((_CHECKED,), begins, known.month.ends, outside)
    of_alarms = select(alert.c.alert_id).where(alert.c.rule_id.in_(known.book.policies.list_signalling(*_SIGNALS)))
    actions = known.read_by_person(
        _ACTIONS, event.c.body[("data", "alert_id")].as_string().in_(of_alarms), begins=begins
    )
    answers = known.read_by_person(_ANSWERS, begins=begins)
    return [
        _make_alarm(told, home, answers.get(told.subject, ()), actions.get(told.subject, ())) for told, home in checks
    ]


def _make_alarm(told: Fact, home: Home, answers: Sequence[Fact], actions: Sequence[Fact]) -> Alarm:
    after = [one for one in answers if one.time >= told.time and one.data.get("kind", "LOCATION") == "LOCATION"]
    confirmed = any(one.name in _FINDINGS and one.time < told.time + CONFIRMED_WITHIN for one in after)
    acted = [one.time for one in (*after, *actions) if one.time >= told.time]
    return Alarm(told, home, confirmed, min(acted, default=None))


def _compute_values(alarms: Sequence[Alarm], at: datetime) -> Mapping[str, PartValue]:
    acted = [one.acted_at - one.told.time for one in alarms if one.acted_at is not None]
    waiting = [at - one.told.time for one in alarms if one.acted_at is None]
    confirmed = sum(one.confirmed for one in alarms)
    return {"n": len(alarms), "confirmed": confirmed, "waiting": len(waiting), **compute_quantiles(acted, waiting)}
