"""The recorded history under another rule book: which alerts come, go or move, found case by case in little memory.

Cases are independent once facts are where they belong (handover/analysis/replay.py). So the history is read once in order, for what
is shared and for which subjects belong together; then each group of subjects lives twice, once under each book.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Literal, NamedTuple, Protocol

from handover.analysis.replay import Cases, Told, share
from handover.calendar import MILLISECOND, Calendar
from handover.cases.advance import advance
from handover.cases.shared_state import SharedState
from handover.feeds.manifest import VERDICT
from handover.feeds.manifest_counts import Tally
from handover.rules.rulebook import RuleBook
from schemas.alert import Alert
from schemas.envelope import Event

Kind = Literal["gone", "new", "later", "earlier", "other"]
KINDS: tuple[Kind, ...] = ("gone", "later", "earlier", "new", "other")
KEY_PERSON = "A+"  # the kind of handover that a key person has
_BATCH = 200  # subjects whose events are read at once
_SHAPE = ("state", "severity", "outcome", "due_at", "stage", "step", "held", "owner_agency", "changed_at")
_TOLD = 1_000  # events read between two words about how far it is
_Key = tuple[str, str]  # (source, id) of an event


class History(Protocol):
    """Recorded events that can be read more than once. What the pipeline found itself may be among them; it is left out here."""

    def all(self) -> Iterator[Told]:
        """Every event with its arrival, in order of arrival."""

    def of(self, subjects: Sequence[str]) -> Iterator[Told]:
        """The events with these subjects, in any order."""

    def subjects_of(self, events: Collection[_Key]) -> Iterator[tuple[_Key, str]]:
        """The subjects of single events, where they are known."""


class Side(NamedTuple):
    """An alert under one of the two books: when it was first raised, and how it stood at the end."""

    raised_at: datetime
    due_at: datetime
    severity: str
    state: str
    outcome: str | None
    step: int


@dataclass(frozen=True, slots=True)
class Change:
    """An alert that is not the same under both books. `before` or `after` is None where it is not raised at all."""

    kind: Kind
    alert_id: str
    subject: str
    handover_id: str | None
    handover_kind: str
    rule_id: str
    occurrence: str
    jurisdiction: str
    owner_agency: str
    before: Side | None
    after: Side | None

    @property
    def county(self) -> str:
        """The county (or what is above it) in which the person or dispute is."""
        return self.jurisdiction[:6]

    @property
    def of_key_person(self) -> bool:
        """Whether it is about a key person."""
        return self.handover_kind == KEY_PERSON


@dataclass(slots=True)
class Cell:
    """How many alerts of one county and rule: under each book, and of each kind of change."""

    before: int = 0
    after: int = 0
    gone: int = 0
    later: int = 0
    earlier: int = 0
    new: int = 0
    other: int = 0

    def add(self, kind: Kind | None) -> None:
        """Count an alert; None: it is the same under both books."""
        self.before += kind != "new"
        self.after += kind != "gone"
        if kind is not None:
            setattr(self, kind, getattr(self, kind) + 1)

    def plus(self, more: "Cell") -> None:
        """Add another one's counts."""
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(more, one.name))


@dataclass(slots=True)
class Result:
    """What a comparison came to. Alerts count that are first raised from `since` on, under either book."""

    events: int = 0
    first: datetime | None = None  # the first arrival
    until: datetime | None = None  # the last instant lived through
    cells: dict[tuple[str, str], Cell] = field(default_factory=dict)  # by (county, rule)
    key_alerts: int = 0  # of key persons, that go or come later
    key_persons: int = 0  # whom they are about
    refused: tuple[str, ...] = ()  # recorded rule changes that cannot be made in the other book

    @property
    def total(self) -> Cell:
        """All cells together."""
        found = Cell()
        for cell in self.cells.values():
            found.plus(cell)
        return found


Keep = Callable[[Sequence[Change]], None]
Tell = Callable[[int, int], None]  # (events lived, events in all); may raise to end it


def compare(
    history: History,
    before: RuleBook,
    after: RuleBook,
    calendar: Calendar,
    keep: Keep,
    tell: Tell = lambda done, total: None,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Result:
    """Let the history live under both books up to and including `until` (default: the last arrival).

    `keep` gets what changes, group by group. Rule changes that were recorded stay: they set keys of either book.
    """
    worlds = (SharedState(before, calendar), SharedState(after, calendar))
    read = _read(history, worlds, until, tell)
    if read.last is None:
        return Result()
    end = until or read.last
    result = Result(read.events, read.first, end)
    persons: set[str] = set()
    lived = 0
    for group in _batches(read.groups()):
        heard = history.of([name for names in group for name in names])
        told = [one for one in heard if one[1] <= end and one[0].fact != VERDICT]
        told += [one for names in group for name in names for one in read.verdicts.get(name, ())]
        found = list(_compared(told, worlds, end, since, result))
        for one in found:
            if one.of_key_person and one.kind in ("gone", "later"):
                result.key_alerts += 1
                persons.add(one.subject)
        keep(found)
        lived += len(told)
        tell(min(lived, read.events), read.events)
    result.key_persons = len(persons)
    result.refused = tuple(dict.fromkeys(worlds[1].refused))
    return result


def _compared(
    told: list[Told], worlds: Sequence[SharedState], end: datetime, since: datetime | None, result: Result
) -> Iterator[Change]:
    told.sort(key=lambda one: one[1])
    before, after = (_alerts(told, world, end) for world in worlds)
    for alert_id in {**before, **after}:
        old: Sequence[Alert] = before.get(alert_id, ())
        new: Sequence[Alert] = after.get(alert_id, ())
        raised = [lives[0].changed_at for lives in (old, new) if lives]
        if since is not None and max(raised) < since:
            continue
        kind = _kind(old, new)
        last = (new or old)[-1]
        cell = result.cells.setdefault((last.jurisdiction[:6], last.rule_id), Cell())
        cell.add(kind)
        if kind is not None:
            yield Change(
                kind,
                alert_id,
                last.subject,
                last.handover_id,
                last.handover_kind,
                last.rule_id,
                last.occurrence,
                last.jurisdiction,
                last.owner_agency,
                _side(old),
                _side(new),
            )


def _alerts(told: Sequence[Told], world: SharedState, end: datetime) -> dict[str, list[Alert]]:
    cases = Cases(told)
    for event, arrival in told:
        cases.take(event, arrival)
    found: dict[str, list[Alert]] = {}
    for case in cases.by_subject.values():
        for alert in advance(case, world, end + MILLISECOND):
            found.setdefault(alert.alert_id, []).append(alert)
    for lives in found.values():
        lives.sort(key=lambda alert: (alert.changed_at, alert.revision))
    return found


def _kind(old: Sequence[Alert], new: Sequence[Alert]) -> Kind | None:
    if not old or not new:
        return "new" if new else "gone"
    for name, index in (("changed_at", 0), ("due_at", -1)):
        was, will = getattr(old[index], name), getattr(new[index], name)
        if was != will:
            return "later" if will > was else "earlier"
    return None if _shape(old) == _shape(new) else "other"


def _shape(lives: Sequence[Alert]) -> list[tuple[object, ...]]:
    return [tuple(getattr(alert, name) for name in _SHAPE) for alert in lives]


def _side(lives: Sequence[Alert]) -> Side | None:
    if not lives:
        return None
    last = lives[-1]
    return Side(lives[0].changed_at, last.due_at, last.severity, last.state, last.outcome, last.step)


# --- the first reading: what is shared, and who belongs together


class _Groups:
    """Subjects that tell each other facts, joined."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}
        self.known: dict[str, None] = {}

    def join(self, one: str, other: str) -> None:
        first, second = self._root(one), self._root(other)
        if first != second:
            self._above[second] = first

    def _root(self, name: str) -> str:
        while name in self._above:
            name = self._above[name]
        return name

    def __iter__(self) -> Iterator[tuple[str, ...]]:
        joined: dict[str, list[str]] = {}
        together = dict.fromkeys((*self._above, *self._above.values()))
        for name in together:
            joined.setdefault(self._root(name), []).append(name)
        yield from ((name,) for name in self.known if name not in together)
        yield from map(tuple, joined.values())


@dataclass(slots=True)
class _Read:
    events: int = 0
    first: datetime | None = None
    last: datetime | None = None
    verdicts: dict[str, list[Told]] = field(default_factory=dict)
    _groups: _Groups = field(default_factory=_Groups)

    def groups(self) -> Iterator[tuple[str, ...]]:
        return iter(self._groups)

    def link(self, event: Event) -> None:
        self._groups.known[event.subject] = None
        for other in linked(event):
            self._groups.join(event.subject, other)

    def join(self, pairs: Iterable[tuple[str, str]]) -> None:
        for one, other in pairs:
            self._groups.join(one, other)


def linked(event: Event) -> tuple[str, ...]:
    """The subjects whose cases may get facts by this event, besides its own."""
    match event.fact:
        case "dispute.reported":
            return tuple(event.data["person_refs"])
        case "release.person_merged" | "release.person_split":
            return tuple(str(event.data[name]) for name in ("removed_ref", "survivor_ref") if event.data.get(name))
        case _:
            return ()


def _read(history: History, worlds: Sequence[SharedState], until: datetime | None, tell: Tell) -> _Read:
    read, tally = _Read(), Tally()
    manifests: list[Told] = []
    corrected: dict[_Key, set[str]] = {}
    for event, arrival in history.all():
        if event.fact == VERDICT:
            continue
        if until is not None and arrival > until:
            break
        read.events += 1
        if read.events % _TOLD == 0:
            tell(0, read.events)
        read.first = read.first or arrival
        read.last = arrival
        read.link(event)
        tally.count(event, arrival)
        for world in worlds:
            share(world, event, arrival)
        if event.fact == "system.publisher_manifest":
            manifests.append((event, arrival))
        if event.corrects is not None:
            corrected.setdefault((event.source, event.corrects), set()).add(event.subject)
    _judge(read, tally, manifests, worlds)
    if corrected:
        read.join((one, subject) for key, subject in history.subjects_of(corrected) for one in corrected[key])
    return read


def _judge(read: _Read, tally: Tally, manifests: Iterable[Told], worlds: Sequence[SharedState]) -> None:
    for manifest, arrival in manifests:
        verdict = tally.judged(manifest, arrival)
        read.verdicts.setdefault(verdict.subject, []).append((verdict, arrival))
        for world in worlds:
            share(world, verdict, arrival)


def _batches(groups: Iterable[tuple[str, ...]]) -> Iterator[list[tuple[str, ...]]]:
    batch: list[tuple[str, ...]] = []
    size = 0
    for group in groups:
        batch.append(group)
        size += len(group)
        if size >= _BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


class Memory:
    """A history that is held in memory."""

    def __init__(self, told: Iterable[Told]) -> None:
        self._told = sorted(told, key=lambda one: one[1])
        self._by_subject: dict[str, list[Told]] = {}
        for one in self._told:
            self._by_subject.setdefault(one[0].subject, []).append(one)

    def all(self) -> Iterator[Told]:
        """Every event in order of arrival."""
        return iter(self._told)

    def of(self, subjects: Sequence[str]) -> Iterator[Told]:
        """The events with these subjects."""
        return (one for subject in subjects for one in self._by_subject.get(subject, ()))

    def subjects_of(self, events: Collection[_Key]) -> Iterator[tuple[_Key, str]]:
        """The subjects of single events."""
        return (
            ((event.source, event.id), event.subject) for event, _ in self._told if (event.source, event.id) in events
        )
