"""Education in prison: assessed after admission, made up after a failure, completed before release."""

from console.reports.events import Home
from console.reports.indicator import Indicator, make_share
from console.reports.person_base import PersonBase
from handover.facts.fact import Fact

_ASSESSED, _COMPLETED = "release.admission_education_assessed", "release.education_completed"


def compute(known: PersonBase) -> list[Indicator]:
    """Each person once."""
    month = known.month
    assessed = _by_person(known.read_events((_ASSESSED,), month.begins, month.ends))
    completed = _by_person(known.read_events((_COMPLETED,), month.begins, month.ends))
    later = known.read_by_person((_ASSESSED,))
    failed = [
        next((one, home) for one, home in told if not one.data["passed"])
        for told in assessed
        if not all(one.data["passed"] for one, _ in told)
    ]
    return [
        make_share("admission_education", [told[-1][1].row(told[-1][0], holds=told[-1][0].data["passed"]) for told in assessed]),
        make_share("made_up", [
            home.row(one, holds=any(other.data["passed"] and other.time > one.time for other in later.get(one.subject, ())))
            for one, home in failed
        ]),
        make_share("release_education", [told[-1][1].row(told[-1][0], holds=told[-1][0].data["passed"]) for told in completed]),
    ]  # fmt: skip


def _by_person(told: list[tuple[Fact, Home]]) -> list[list[tuple[Fact, Home]]]:
    found: dict[str, list[tuple[Fact, Home]]] = {}
    for one, home in told:
        found.setdefault(one.subject, []).append((one, home))
    return list(found.values())
