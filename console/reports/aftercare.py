"""Help after release (domain.md 4.9, 帮教率 and 安置率), from the nearest facts that the contract has; it has none that says "settled".

Counted are people, each once: of open handovers of released persons, as known at an instant.
"""

from collections import Counter

from console.reports.events import Home
from console.reports.indicator import Indicator, IndicatorPart, make_share
from console.reports.person_base import PersonBase
from console.reports.stages import KINDS
from handover.facts.fact import Fact

_NEEDS = (
    "EMPLOYMENT",
    "HOUSING",
    "SCHOOL",
    "RELIEF",
)  # what lets somebody settle; law, health and counsel are other help
_ASSESSED, _ANSWERED = "release.assessment_shared", "intake.help_answered"
_IN_PLACE = ("group_formed", "plan_made", "agreement_signed")


def compute(known: PersonBase) -> list[Indicator]:
    """Help in place, and needs met."""
    return [_compute_helped(known), _compute_settled(known)]


def _read_by_person(known: PersonBase, *facts: str) -> dict[str, list[tuple[Fact, Home]]]:
    """What was told of open handovers of released persons, by person, in order of time."""
    still_open = {home.handover_id for home in known.list_open() if home.kind in KINDS["A"]}
    found: dict[str, list[tuple[Fact, Home]]] = {}
    for one, home in known.read_all(facts):
        if home.handover_id in still_open:
            found.setdefault(one.subject, []).append((one, home))
    return found


def _compute_helped(known: PersonBase) -> Indicator:
    """Denominator: registered people; numerator: by the last registration, a group is formed, a plan made and the agreement signed."""
    last = [told[-1] for told in _read_by_person(known, "intake.registered").values()]
    return make_share("helped", [home.row(one, holds=all(one.data[name] for name in _IN_PLACE)) for one, home in last])


def _compute_settled(known: PersonBase) -> Indicator:
    """Denominator: people of whom the prison or an office told a need of work, housing, school or relief; numerator: each is met.

    By need: how many people have it, and of how many the agency that was asked says that it has done its part.
    """
    rows, needed, met = [], Counter[str](), Counter[str]()
    for told in _read_by_person(known, _ASSESSED, "intake.help_referred", _ANSWERED).values():
        needs = {need for one, _ in told for need in _list_needs(one)}
        done = needs & {one.data["kind"] for one, _ in told if one.data.get("outcome") == "COMPLETED"}
        if needs:
            last, home = told[-1]
            rows.append(home.row(last, holds=done == needs))
        needed.update(needs)
        met.update(done)
    parts = [
        IndicatorPart(need, {"people": needed[need], "met": met[need]}, needed[need]) for need in _NEEDS if needed[need]
    ]
    return make_share("settled", rows, parts)


def _list_needs(one: Fact) -> set[str]:
    told = one.data["needs"] if one.name == _ASSESSED else [one.data["kind"]]
    return {need for need in told if need in _NEEDS}
