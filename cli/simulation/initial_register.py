"""The register on the first day: those who are in the process already, told in one night as a new system is filled.

A person's facts are told at one instant. A broker cannot keep that promise to the millisecond, so they stand backwards,
answers before what they answer: at worst a person is an orphan (X05) for a moment.
"""

from __future__ import annotations

from dataclasses import replace

from cli.simulation import local_time
from cli.simulation.release import HELP_DAYS
from cli.simulation.reported_facts import CORRECTION, DISPUTE, RELEASE, Fact

# How many days before its first day a life can already have facts, and for how long after it can still be open.
LEAD = {RELEASE: 0, CORRECTION: 10, DISPUTE: 0}
HORIZON = {RELEASE: HELP_DAYS + 130, CORRECTION: 1_500, DISPUTE: 100}

_FORGOTTEN = 30 * local_time.DAY  # what nobody has touched for so long is not brought into a new system
_SETTLED = 60 * local_time.DAY  # so long after registration the release itself is told in short
_ENDS = {
    *("intake.closed", "release.cancelled", "intake.death_notified", "dispute.agreed", "dispute.performed"),
    *("dispute.followed_up", "dispute.withdrawn", "dispute.failed", "dispute.referred", "dispute.confirmed_by_court"),
}
_SHORT = {
    *("release.occurred", "release.assessment_shared", "release.person_merged", "release.decision_effective"),
    *("release.decision_notice_sent", "release.decision_documents_sent", "intake.registered", "intake.assigned"),
    *("intake.transfer_arrived", "intake.visit_done", "intake.custody_notified", "intake.measure_applied"),
    *("checkin.em_started", "checkin.em_extended", "checkin.em_ended"),
}
_ONLY_LAST = frozenset(("intake.visit_done", "em"))


def is_open(facts: list[Fact], at: int) -> bool:
    """Say whether somebody still has to do with this life at an instant."""
    if not facts or facts[0].told >= at:
        return bool(facts)
    last = facts[-1]
    return last.told >= at or (last.name not in _ENDS and last.told >= at - _FORGOTTEN)


def as_register(facts: list[Fact], at: int) -> list[Fact]:
    """Return what the register holds of a life at an instant, in the order in which it is told.

    Of those registered long ago each office confirms on the first day who is on its list: what it says happened then.
    """
    known = [fact for fact in facts if fact.told < at]
    settled = any(fact.name == "intake.registered" and fact.told < at - _SETTLED for fact in known)
    if settled:
        known = [_confirmed(fact, at) for fact in known if fact.name in _SHORT]
        if any(fact.name == "release.decision_effective" for fact in known):  # the gate was long ago, the term goes on
            known = [fact for fact in known if fact.name != "release.occurred"]
    last = {_series(fact): fact.id for fact in known}
    return [fact for fact in reversed(known) if _series(fact) not in _ONLY_LAST or last[_series(fact)] == fact.id]


def _series(fact: Fact) -> str:
    """Return the name under which only the last fact is of interest."""
    return "em" if fact.name.startswith("checkin.em_") else fact.name


def _confirmed(fact: Fact, at: int) -> Fact:
    return fact if fact.name.startswith("release.") else replace(fact, at=at, told=at)
