"""Which open duties another rule book would move: derived from what is known now, at the instant the change takes effect."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from handover.alerts.lifecycle import is_open
from handover.analysis.replay import Cases, Told
from handover.cases.advance import live
from handover.cases.case import Case
from handover.cases.shared_state import SharedState
from handover.obligations.derive import Slot
from handover.obligations.obligation import Obligation

Kind = Literal["later", "earlier", "gone", "new"]
KINDS: tuple[Kind, ...] = ("later", "earlier", "gone", "new")


@dataclass(frozen=True, slots=True)
class Move:
    """A duty that is open under at least one of the two books and due at another instant, or no duty at all, under the other."""

    subject: str
    rule_id: str
    occurrence: str
    jurisdiction: str
    owner_agency: str
    before: datetime | None  # when it is due now; None: it is no duty now
    after: datetime | None

    @property
    def kind(self) -> Kind:
        """Which way it moves."""
        if self.before is None or self.after is None:
            return "new" if self.before is None else "gone"
        return "later" if self.after > self.before else "earlier"


def tally(found: Iterable[Move]) -> dict[Kind, int]:
    """How many move which way."""
    counts = Counter(one.kind for one in found)
    return {kind: counts[kind] for kind in KINDS}


def moves(told: Iterable[Told], before: SharedState, after: SharedState, at: datetime) -> Iterator[Move]:
    """Compare the open duties of these subjects at `at`, with nothing more told than `told`; both worlds know what is shared.

    `told` must hold whatever belongs together (see `whatif.linked`).
    """
    events = sorted(told, key=lambda one: one[1])
    old, new = (_duties(events, world, at) for world in (before, after))
    for slot in dict.fromkeys((*old, *new)):
        was, will = old.get(slot), new.get(slot)
        duty = was or will
        assert duty is not None
        if was is None or will is None or was.due_at != will.due_at:
            yield Move(
                duty.subject,
                duty.rule.id,
                duty.occurrence,
                duty.jurisdiction,
                duty.owner,
                was.due_at if was else None,
                will.due_at if will else None,
            )


def _duties(events: Sequence[Told], world: SharedState, at: datetime) -> dict[Slot, Obligation]:
    cases = Cases(events)
    for event, arrival in events:
        cases.take(event, arrival)
    found: dict[Slot, Obligation] = {}
    for case in cases.by_subject.values():
        if case.kind != "SOURCE":
            found |= _of_case(case, world, at)
    return found


def _of_case(case: Case, world: SharedState, at: datetime) -> dict[Slot, Obligation]:
    live(case, world, at)  # one derivation at this instant; what it would raise is not asked
    if case.derived is None:
        return {}
    duties = case.derived.duties.items()
    return {slot: duty for slot, duty in duties if is_open(duty) and case.speaks_for(duty.subject, at)}
