"""Events through the rules with no broker and no database: the same domain code as the live pipeline, all at once."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from handover.calendar import MILLISECOND, Calendar
from handover.cases.advance import advance
from handover.cases.case import Case
from handover.cases.shared_state import SharedState
from handover.facts.fact import Fact
from handover.facts.forwarding import WHOEVER_HOLDS_IT, routes
from handover.feeds.manifest import VERDICT
from handover.feeds.manifest_counts import Tally
from handover.rules.rulebook import RuleBook
from schemas.alert import Alert
from schemas.envelope import Event

Told = tuple[Event, datetime]  # an event and its arrival


@dataclass(frozen=True, slots=True)
class Lived:
    """What came of a history: every alert snapshot, ordered by (`changed_at`, `alert_id`), the cases as they are at its end,
    and the actions that were not heard (handover/cases/authority.py), in order of arrival.
    """

    alerts: tuple[Alert, ...]
    cases: Mapping[str, Case]
    refused: tuple[Fact, ...] = ()


def replay(
    events: Iterable[Told], book: RuleBook, calendar: Calendar, until: datetime | None = None
) -> Iterator[Alert]:
    """Every alert snapshot up to and including `until` (default: the last arrival), ordered by (`changed_at`, `alert_id`)."""
    yield from live_all(events, book, calendar, until).alerts


def live_all(events: Iterable[Told], book: RuleBook, calendar: Calendar, until: datetime | None = None) -> Lived:
    """Let every case live up to and including `until` (default: the last arrival).

    Cases are independent once facts are where they belong, so each lives its whole life in turn; the order is made at the end.
    Manifests are judged anew; but where the pipeline has told a verdict, a feed goes down or comes back when that came
    (`handover.cases.advance.live_feeds`), and its verdict counts for nothing else.
    """
    ordered = sorted(events, key=lambda one: one[1])
    if not ordered:
        return Lived((), {})
    end = (until or ordered[-1][1]) + MILLISECOND
    told = [one for one in ordered if one[0].fact != VERDICT]
    found = [one for one in ordered if one[0].fact == VERDICT]
    judged = verdicts(told)
    world, cases = SharedState(book, calendar), Cases(told)
    days = {(event.subject, event.data["day"]) for event, _ in found}
    known = [(event, arrival) for event, arrival in judged if (event.subject, event.data["day"]) not in days]
    for event, arrival in (*told, *known, *found):
        share(world, event, arrival)
    for event, arrival in (*told, *judged):
        cases.take(event, arrival)
    alerts = [alert for case in cases.by_subject.values() for alert in advance(case, world, end)]
    alerts.sort(key=lambda alert: (alert.changed_at, alert.alert_id, alert.revision))
    refused = sorted(
        (action for case in cases.by_subject.values() for action in case.take_refusals()),
        key=lambda action: (action.arrival, action.source, action.id),
    )
    return Lived(tuple(alerts), cases.by_subject, tuple(refused))


def share(world: SharedState, event: Event, arrival: datetime) -> None:
    """Tell the world what is not of one subject: system events, and actions on system alerts."""
    if event.fact.startswith("system.") or (event.fact.startswith("action.") and event.subject.startswith("/")):
        world.take(event, arrival)


class Cases:
    """Cases by subject, with what one case tells others."""

    def __init__(self, told: Iterable[Told], *, keep_answered: bool = False) -> None:
        self.by_subject: dict[str, Case] = {}
        self._keep_answered = keep_answered
        corrected = {(event.source, event.corrects) for event, _ in told if event.corrects is not None}
        self._corrected = {key: event.subject for event, _ in told if (key := (event.source, event.id)) in corrected}

    def take(self, event: Event, arrival: datetime) -> None:
        """Bring an event to its case, and whatever follows from that to the others'."""
        queue = deque((subject, event, arrival) for subject in (event.subject, *routes(event)))
        while queue:
            subject, one, at = queue.popleft()
            if subject == WHOEVER_HOLDS_IT:
                subject = self._corrected.get((one.source, str(one.corrects)), one.subject)
            case = self.by_subject.get(subject)
            if case is None:
                case = self.by_subject[subject] = Case.empty(subject)
                case.keeps_answered = self._keep_answered
            case.take(one, at)
            queue.extend(case.take_outgoing())


def verdicts(told: Iterable[Told]) -> list[Told]:
    """The manifests, judged against everything that was told (semantics.md 9.2)."""
    tally = Tally()
    manifests = []
    for event, arrival in told:
        tally.count(event, arrival)
        if event.fact == "system.publisher_manifest":
            manifests.append((event, arrival))
    return [(tally.judged(event, arrival), arrival) for event, arrival in manifests]
