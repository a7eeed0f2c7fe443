"""Events through the rules with no broker and no database: the same domain code as the live pipeline, all at once."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from handover.calendar import Calendar
from handover.case import Case
from handover.life import advance
from handover.links import outbox, routes
from handover.rulebook import RuleBook
from handover.tally import Tally
from handover.world import World
from schemas.alert import Alert
from schemas.envelope import Event

MILLISECOND = timedelta(milliseconds=1)
Told = tuple[Event, datetime]  # an event and its arrival


@dataclass(frozen=True, slots=True)
class Lived:
    """What came of a history: every alert snapshot, ordered by (`changed_at`, `alert_id`), and the cases as they are at its end."""

    alerts: tuple[Alert, ...]
    cases: Mapping[str, Case]


def replay(
    events: Iterable[Told], book: RuleBook, calendar: Calendar, until: datetime | None = None
) -> Iterator[Alert]:
    """Every alert snapshot up to and including `until` (default: the last arrival), ordered by (`changed_at`, `alert_id`)."""
    yield from live_all(events, book, calendar, until).alerts


def live_all(events: Iterable[Told], book: RuleBook, calendar: Calendar, until: datetime | None = None) -> Lived:
    """Let every case live up to and including `until` (default: the last arrival).

    Cases are independent once facts are where they belong, so each lives its whole life in turn; the order is made at the end.
    """
    told = sorted(events, key=lambda one: one[1])
    if not told:
        return Lived((), {})
    end = (until or told[-1][1]) + MILLISECOND
    world, cases = World(book, calendar), Cases(told)
    for event, arrival in (*told, *_judged(told)):
        _share(world, event, arrival)
        cases.take(event, arrival)
    found = [alert for case in cases.by_subject.values() for alert in advance(case, world, end)]
    found.sort(key=lambda alert: (alert.changed_at, alert.alert_id, alert.revision))
    return Lived(tuple(found), cases.by_subject)


def _share(world: World, event: Event, arrival: datetime) -> None:
    if event.fact.startswith("system.") or (event.fact.startswith("action.") and event.subject.startswith("/")):
        world.take(event, arrival)


class Cases:
    """Cases by subject, with what one case tells others."""

    def __init__(self, told: Iterable[Told]) -> None:
        self.by_subject: dict[str, Case] = {}
        corrected = {(event.source, event.corrects) for event, _ in told if event.corrects is not None}
        self._corrected = {key: event.subject for event, _ in told if (key := (event.source, event.id)) in corrected}

    def take(self, event: Event, arrival: datetime) -> None:
        """Bring an event to its case, and whatever follows from that to the others'."""
        told_to = {event.subject, *routes(event)}
        if event.corrects is not None:  # also where the corrected event stood under another subject
            told_to.add(self._corrected.get((event.source, event.corrects), event.subject))
        queue = deque((subject, event, arrival) for subject in sorted(told_to))
        while queue:
            subject, one, at = queue.popleft()
            case = self.by_subject.get(subject)
            if case is None:
                case = self.by_subject[subject] = Case.empty(subject)
            case.take(one, at)
            queue.extend(outbox(case))


def _judged(told: Iterable[Told]) -> list[Told]:
    """The manifests, judged against everything that was told (semantics.md 9.2)."""
    tally = Tally()
    manifests = []
    for event, arrival in told:
        tally.count(event, arrival)
        if event.fact == "system.publisher_manifest":
            manifests.append((event, arrival))
    return [(tally.judged(event, arrival), arrival) for event, arrival in manifests]
