"""What one step does in one partition, in memory only: phases 1 and 4 of `streams.step`. A crash in either has written nothing."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from handover.cases.advance import advance, derived_anew, live_feeds
from handover.cases.agency_filter import sieve_of
from handover.cases.case import Case
from handover.cases.codec import encode_view
from handover.cases.compaction import fold
from handover.facts.forwarding import WHOEVER_HOLDS_IT
from schemas.alert import Alert
from schemas.dead_letter import REDRIVES
from schemas.instants import from_millis, millis
from streams import metrics
from streams.case_cache import next_ms
from streams.engine.store import digest
from streams.engine.transport import Output
from streams.input_buffer import BufferedEvent
from streams.outputs import CaseWrite, encode_alert, encode_case_write
from streams.quarantine import Unreadable, refusal
from streams.repartition import home, routed
from streams.worker_state import EVER, WorkerState

log = logging.getLogger(__name__)

FACTS_A_STEP = 2_000  # so that heartbeats, the web and the lease live
DUE_A_STEP = 500
REVIEWED_A_STEP = 200  # a change of the shared state must not hold up timers


@dataclass(slots=True)
class PartitionWork:
    """One step's work in one partition, and what came of it for `streams.commit`."""

    partition: int
    state: WorkerState
    before: datetime = EVER  # everything with an arrival before this is known
    is_whole: bool = False  # every case has come as far: none is left for the next step
    is_cut: bool = False  # the step ends before what is known
    is_busy: bool = False  # there is more to do at once
    repeated: list[BufferedEvent] = field(default_factory=list)
    facts: list[BufferedEvent] = field(default_factory=list)  # processed
    due: list[bytes] = field(default_factory=list)
    woken: frozenset[bytes] = frozenset()  # whose own timer has come: they are written, which sets the next one
    changed: set[bytes] = field(default_factory=set)
    broken: set[bytes] = field(default_factory=set)  # failed: as it is in the table until news come
    loaded: dict[bytes, Case] = field(default_factory=dict)
    writes: dict[bytes, CaseWrite] = field(default_factory=dict)  # what changed, encoded
    alerts: list[Alert] = field(default_factory=list)
    alert_outputs: list[Output] = field(default_factory=list)  # the same, encoded
    refused: list[BufferedEvent] = field(default_factory=list)  # actions without authority, among `facts`: dead letters

    # --- 1, take: facts go to their cases, and what these tell other cases to the output buffer, before any case is advanced.
    # A crash here or after it: nothing is written, no offset is marked, the same records are read again.

    def take(self, read_ms: int) -> None:
        """Take the facts that nothing can come before any more: `read_ms` bounds what the partition's own topics have brought."""
        inbox = self.state.inbox
        routed_below = inbox.markers.bound(self.partition, 0)
        if routed_below is None:
            return
        before, waiting = min(read_ms, routed_below), inbox.waiting[self.partition]
        for told in waiting.until(before, FACTS_A_STEP):
            self._take_fact(told)
        self.is_busy = waiting.first_ms is not None and waiting.first_ms < before

    def _take_fact(self, told: BufferedEvent) -> None:
        inbox, cases = self.state.inbox, self.state.cases
        key = told.subject.encode()
        try:
            if told.subject == WHOEVER_HOLDS_IT:
                holder = cases.holding(self.partition, told.event.source, str(told.event.corrects))
                if holder is None:
                    self.repeated.append(told)
                    return
                told, key = told._replace(subject=holder.decode()), holder
            if (why := self._find_refusal(key, told)) is not None:
                self._bury([told], why, "quarantined")
                return
            case = cases.load(self.partition, key)
            changed = case.take(told.event, from_millis(told.arrival_ms))
            sent = [
                (place, routed(subject, event, millis(arrival)))
                for subject, event, arrival in case.take_outgoing()
                for place in self._find_places(subject)
            ]
        except Unreadable as error:
            self._set_aside(error.key, [told], error)
            return
        except Exception as error:  # noqa: BLE001  # whatever it is, it is told loudly and the others go on
            self._set_aside(key, [told], error)
            return
        if not changed:
            self.repeated.append(told)
            return
        inbox.taken[self.partition].add(told)
        for place, output in sent:
            inbox.send_on(place, output)

    def _find_refusal(self, key: bytes, told: BufferedEvent) -> str | None:
        """Why a fact is not taken: its subject is set aside, and nobody has redriven the fact."""
        quarantine = self.state.quarantine
        why = quarantine.why(self.partition, key)
        if why is not None and REDRIVES in dict(told.record.headers):
            quarantine.release(self.partition, key)
            return quarantine.why(self.partition, key)
        return why

    def _find_places(self, subject: str) -> Iterable[int]:
        partitions = self.state.config.partitions
        return range(partitions) if subject == WHOEVER_HOLDS_IT else (home(subject, partitions),)

    # --- 4, advance: after 2 and 3, for what cases tell each other is on its way before any of them goes on.
    # A crash here or after it: what was raised is raised again from the same facts, with the same ids and revisions.

    def advance(self, known_ms: int) -> None:
        """Process the cases with facts and the due ones up to a bound, or as far as one step may go."""
        state, taken = self.state, self.state.inbox.taken[self.partition]
        before_ms = self._find_end(known_ms)
        self.facts = list(taken.until(before_ms, FACTS_A_STEP))
        if len(self.facts) >= FACTS_A_STEP and taken.first_ms is not None:
            before_ms = min(before_ms, taken.first_ms)  # no case may run ahead of its facts
        self.is_cut = before_ms < known_ms
        self.before = max(from_millis(before_ms), state.processed.get(self.partition, EVER))
        for key in {told.subject.encode() for told in self.facts}:
            self.changed.add(key)
            self._load(key)
        self._wake(millis(self.before))
        self._restore_hidden()
        for key, case in list(self.loaded.items()):
            self._advance_case(key, case)
        metrics.WATERMARK.labels(self.partition).set(state.clock.broker_ms(self.before) / 1000)
        self.is_busy = self.is_busy or self.is_cut

    def _find_end(self, known_ms: int) -> int:
        timers, taken = self.state.timers[self.partition], self.state.inbox.taken[self.partition]
        firsts = [one for one in (timers.first(), taken.first_ms) if one]
        processed = self.state.processed.get(self.partition, EVER)
        return self.state.slice.end(min(firsts, default=None), millis(processed), known_ms)

    def _wake(self, before_ms: int) -> None:
        """Load cases whose own timer has come, and those that a change of the shared state may touch."""
        partition, state, part = self.partition, self.state, self.state.store.parts[self.partition]
        due = list(state.timers[partition].due(before_ms, lambda key: state.cases.next_of(partition, key), DUE_A_STEP))
        self.due, self.woken = due, frozenset(due)
        metrics.UNFIRED.labels(partition).set(len(due))
        to_review = state.to_review[partition]
        self._add_concerned(to_review)
        for key in list(islice(to_review, REVIEWED_A_STEP)):
            del to_review[key]
            due.append(key)
        self.is_whole = len(self.woken) < DUE_A_STEP and not to_review
        self.is_busy = self.is_busy or not self.is_whole
        for key in due:
            if key not in self.loaded and key not in self.broken and key in part:
                self._load(key)

    def _add_concerned(self, to_review: dict[bytes, None]) -> None:
        """Add the cases that a change of the shared state up to `before` may touch."""
        partition, state = self.partition, self.state
        live_feeds(state.shared, self.before)  # before asking: what a feed does in this step moves others in it
        # After a restart it may have changed unseen: from the beginning then.
        change = state.shared.changes(state.processed.get(partition) or EVER, self.before)
        if change.everything:
            to_review.update(dict.fromkeys(state.store.parts[partition]))
        elif change.feeds:
            to_review.update(dict.fromkeys(state.cases.awaiting(partition, change.feeds)))
        state.processed[partition] = self.before

    def _load(self, key: bytes) -> None:
        """Load a case that is to be advanced. One that is set aside is not, whatever comes: its timer waits for the next owner."""
        if self.state.quarantine.why(self.partition, key) is not None:
            self.changed.discard(key)
            self.broken.add(key)
            return
        try:
            self.loaded[key] = self.state.cases.load(self.partition, key)
        except Unreadable as error:
            self._break(key, error)

    def _restore_hidden(self) -> None:
        """Let cases that a foreign record hides on the topic be written again."""
        shared = self.state.shared
        for key in self.state.hidden[self.partition] & self.state.store.parts[self.partition].keys():
            self.changed.add(key)
            self._load(key)
            case = self.loaded.get(key)
            if case is not None and case.derived is None and case.lived is not None:
                case.derived = derived_anew(case, shared, shared.frame(case.lived))

    def _advance_case(self, key: bytes, case: Case) -> None:
        processed = case.lived
        try:
            found = advance(case, self.state.shared, self.before)
            if found or self._must_write(key, case, processed):
                epoch = self.state.store.own[self.partition]
                retention = self.state.config.case_retention
                self.writes[key] = encode_case_write(key, case, epoch, self.before, retention)
                outputs = [encode_alert(case, one, epoch) for one in found]
        except Exception as error:  # noqa: BLE001  # whatever it is, it is told loudly and the others go on
            self._break(key, error)
            return
        self._collect_refused(key, case)
        if key in self.writes:
            self.changed.add(key)
            self.alerts.extend(found)
            self.alert_outputs.extend(outputs)

    def _collect_refused(self, key: bytes, case: Case) -> None:
        """Actions without authority become dead letters, where their records are in hand."""
        actions = {(action.source, action.id) for action in case.take_refusals()}
        if not actions:
            return
        mine = [
            one for one in self.facts if one.subject.encode() == key and (one.event.source, one.event.id) in actions
        ]
        self.refused.extend(mine)
        for source, _ in actions - {(one.event.source, one.event.id) for one in mine}:
            log.warning(
                "an action of %s has lost its authority by a fact that was told late; nothing is heard of it", source
            )

    def _must_write(self, key: bytes, case: Case, processed: datetime | None) -> bool:
        """Whether a case has changed. One that has only been told what is yet to be processed is written when it is."""
        changed, woken = key in self.changed, key in self.woken
        folded = (changed or woken) and fold(case, self.state.shared, self.before)
        if folded or changed or (woken and case.derived is not None):
            return True
        return case.lived != processed and self._differs_from_table(key, case)

    def _differs_from_table(self, key: bytes, case: Case) -> bool:
        """Whether the table has another next instant of a case, other feeds, or shows it otherwise."""
        cases, at = self.state.cases, next_ms(case, self.state.config.case_retention)
        if at != cases.next_of(self.partition, key) or sieve_of(case) != cases.feeds_of(self.partition, key):
            return True
        return digest(encode_view(case)) != cases.digest_of(self.partition, key)

    # --- a bug of one subject, in 1 or 4: the step goes on without it

    def _break(self, key: bytes, error: Exception) -> None:
        subject = key.decode()
        facts = [one for one in self.facts if one.subject == subject]
        self.facts = [one for one in self.facts if one.subject != subject]
        self._set_aside(key, facts, error)
        self.loaded.pop(key, None)
        self.changed.discard(key)
        self.broken.add(key)

    def _set_aside(self, key: bytes, facts: list[BufferedEvent], error: Exception) -> None:
        """The facts of this case go to the dead letters, and those still to come; the case stays as the table has it."""
        why = self.state.quarantine.add(self.partition, key, error)
        self.state.cases.drop(self.partition, key)
        self._bury([*facts, *self.state.inbox.withdraw(self.partition, key.decode())], why, "bug")

    def _bury(self, facts: list[BufferedEvent], why: str, outcome: str) -> None:
        inbox = self.state.inbox
        inbox.applied(facts)
        for told in facts:
            inbox.bury(told.record, refusal(why), why.partition(":")[0], outcome)
