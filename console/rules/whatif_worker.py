"""Computing a what-if run: a process of its own beside the console, started by a thread, one run at a time."""

import logging
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, delete, or_, select
from sqlalchemy.exc import SQLAlchemyError

from console.db.rows import Json, WhatIfAlertRow
from console.db.tables import whatif_alert, whatif_cell, whatif_run
from console.rules import change_proposals
from console.rules.whatif_store import DONE, FAILED, RUNNING, WAITING, find, read_book
from console.web.config import real_time
from handover.analysis.rule_impact import tally
from handover.analysis.whatif import Change, Result, Side, compare
from handover.calendar import CALENDAR_FILE, load_calendar
from handover.rules.rulebook import InvalidRuleBook, load
from schemas.instants import show
from sinks.obligation_ledger.history import Recorded
from sinks.obligation_ledger.open_obligations import find_moves
from sinks.readmodel.database import connect

log = logging.getLogger(__name__)
INTERRUPTED = "interrupted"
_TELL_SECONDS, _SILENCE = 1.0, timedelta(minutes=2)
_NICE = 10
_KEPT_AT_ONCE = 500


class _Stopped(Exception):
    pass


class _Job:
    """One run in its process: reads the history, writes what changes as it is found, tells how far it is."""

    def __init__(self, engine: Engine, run_id: str) -> None:
        self._engine, self._run_id = engine, run_id
        self._waiting: list[WhatIfAlertRow] = []
        self._began = self._told = time.monotonic()

    def keep(self, changes: Sequence[Change]) -> None:
        self._waiting += [_make_alert_row(self._run_id, one) for one in changes]
        if len(self._waiting) >= _KEPT_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        if self._waiting:
            with self._engine.begin() as connection:
                connection.execute(whatif_alert.insert(), self._waiting)
            self._waiting = []

    def report(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._told < _TELL_SECONDS:
            return
        self._told = now
        with self._engine.begin() as connection:
            self._update(connection, done=done, total=total)

    def end(self, result: Result) -> None:
        self.flush()
        rows = [
            {"run_id": self._run_id, "county": county, "rule_id": rule, **asdict(cell)}
            for (county, rule), cell in result.cells.items()
        ]
        figures = {
            **asdict(result.total),
            "events": result.events,
            "first": show(result.first) if result.first else None,
            "until": show(result.until) if result.until else None,
            "key_alerts": result.key_alerts,
            "key_persons": result.key_persons,
            "refused": list(result.refused),
        }
        with self._engine.begin() as connection:  # all of the result at once, or none where it was stopped meanwhile
            done = {"done": result.events, "total": result.events, "figures": figures}
            self._update(connection, state=DONE, ended_at=real_time(), **done)
            if rows:
                connection.execute(whatif_cell.insert(), rows)

    def _update(self, connection: Connection, **values: Any) -> None:
        mine = (whatif_run.c.run_id == self._run_id, whatif_run.c.state == RUNNING)
        values |= {"seen_at": real_time(), "seconds": time.monotonic() - self._began}
        if not connection.execute(whatif_run.update().where(*mine).values(**values)).rowcount:
            raise _Stopped


def compute(url: str, run_id: str, rules: str, calendar: Path | None) -> None:
    """Compute a run that has been claimed; whatever goes wrong is kept with it."""
    engine = connect(url)
    try:
        with engine.connect() as connection:
            run = find(connection, run_id)
        if run is None or run["state"] != RUNNING:
            return
        job = _Job(engine, run_id)
        result = compare(
            Recorded(engine),
            load(rules),
            read_book(run),
            load_calendar(calendar or CALENDAR_FILE),
            job.keep,
            job.report,
            since=run["since"],
            until=run["until"],
        )
        job.end(result)
    except _Stopped:
        _forget_alerts(engine, run_id)
    except Exception as error:  # noqa: BLE001 whatever a book may lead to: the run says so, the console goes on
        log.warning("what-if %s failed: %s", run_id, type(error).__name__)
        named = str(error) if isinstance(error, InvalidRuleBook) else type(error).__name__
        _mark_failed(engine, run_id, named)
    finally:
        engine.dispose()


def count_moves(url: str, proposal_id: str, rules: str, calendar: Path | None) -> None:
    """Find how many open obligations a proposal would move, and keep it; an empty answer where that cannot be found."""
    engine = connect(url)
    try:
        with engine.connect() as connection:
            row = change_proposals.find_proposal(connection, proposal_id)
        if row is None:
            return
        book, days, history = load(rules), load_calendar(calendar or CALENDAR_FILE), Recorded(engine)
        before, after = history.world(book, days), history.world(book, days)
        after.take(change_proposals.build_event(row), row["proposed_at"])
        every = [rule.id for rule in book.rules]
        counts = tally(
            find_moves(
                engine,
                before,
                after,
                change_proposals.list_touched_rules(row, every),
                change_proposals.find_effect_time(row),
            )
        )
        change_proposals.set_moves(engine, proposal_id, counts)
    except Exception as error:  # noqa: BLE001 the proposal says that it is not known; the console goes on
        log.warning("moves of proposal %s were not found: %s", proposal_id, type(error).__name__)
        change_proposals.set_moves(engine, proposal_id, {})
    finally:
        engine.dispose()


Work = Callable[[str, str, str, Path | None], None]


def _run_in_process(work: Work, url: str, name: str, rules: str, calendar: Path | None) -> None:
    os.nice(_NICE)  # officers' pages come first
    work(url, name, rules, calendar)


def _mark_failed(engine: Engine, run_id: str, why: str) -> None:
    with engine.begin() as connection:
        connection.execute(
            whatif_run.update()
            .where(whatif_run.c.run_id == run_id, whatif_run.c.state == RUNNING)
            .values(state=FAILED, failure=why[:400], ended_at=real_time())
        )
    _forget_alerts(engine, run_id)


def _forget_alerts(engine: Engine, run_id: str) -> None:
    """A run that did not end has no result, also no half of one."""
    with engine.begin() as connection:
        connection.execute(delete(whatif_alert).where(whatif_alert.c.run_id == run_id))


def _make_alert_row(run_id: str, one: Change) -> WhatIfAlertRow:
    sides = [side for side in (one.before, one.after) if side is not None]
    return {
        "run_id": run_id,
        "alert_id": one.alert_id,
        "kind": one.kind,
        "key_person": one.of_key_person,
        "subject": one.subject,
        "handover_kind": one.handover_kind,
        "rule_id": one.rule_id,
        "occurrence": one.occurrence,
        "jurisdiction": one.jurisdiction,
        "county": one.county,
        "owner_agency": one.owner_agency,
        "step": max(side.step for side in sides),
        "at": sides[0].raised_at,
        "before": _to_json(one.before),
        "after": _to_json(one.after),
    }


def _to_json(side: Side | None) -> Json | None:
    if side is None:
        return None
    return {**side._asdict(), "raised_at": show(side.raised_at), "due_at": show(side.due_at)}


# --- the thread that starts it


class Runs:
    """Starts what waits, one run at a time: a thread that sleeps until it is woken, and a process for each run."""

    def __init__(
        self, engine: Engine, url: str, rules: str, calendar: Path | None, wall: Callable[[], datetime]
    ) -> None:
        self._engine, self._url, self._rules, self._calendar, self._wall = engine, url, rules, calendar, wall
        self._stop, self._wake = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._processes = multiprocessing.get_context("spawn")

    def start(self) -> None:
        """End what an earlier process left behind, and look for what waits."""
        with self._engine.begin() as connection:
            silent = or_(whatif_run.c.seen_at.is_(None), whatif_run.c.seen_at < self._wall() - _SILENCE)
            left = whatif_run.update().where(whatif_run.c.state == RUNNING, silent)
            connection.execute(left.values(state=FAILED, failure=INTERRUPTED, ended_at=self._wall()))
            waiting = select(whatif_run.c.run_id).where(whatif_run.c.state == WAITING).limit(1)
            waits = connection.execute(waiting).first() is not None
        if waits or change_proposals.list_uncounted(self._engine):
            self.wake()

    def wake(self) -> None:
        """There is something to do. The thread begins with the first run: most consoles never compute one."""
        self._wake.set()
        if self._thread is None and not self._stop.is_set():
            self._thread = threading.Thread(target=self._run, name="what-if", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the run that goes on; the next start names it interrupted."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=10)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.wait()
            self._wake.clear()
            try:
                self._work()
            except SQLAlchemyError as error:  # it is tried again when somebody asks for more
                log.warning("what-if waits, the database is away: %s", type(error).__name__)

    def _work(self) -> None:
        while not self._stop.is_set() and (run_id := self._claim()) is not None:
            status = self._compute(compute, run_id)
            if status != 0:
                _mark_failed(self._engine, run_id, INTERRUPTED if status is None else f"exit {status}")
        for proposal_id in change_proposals.list_uncounted(self._engine):
            if self._stop.is_set() or self._compute(count_moves, proposal_id) == 0:
                continue
            change_proposals.set_moves(self._engine, proposal_id, {})

    def _claim(self) -> str | None:
        with self._engine.begin() as connection:
            waiting = select(whatif_run.c.run_id).where(whatif_run.c.state == WAITING).order_by(whatif_run.c.asked_at)
            for run_id in connection.execute(waiting).scalars().all():
                mine = (whatif_run.c.run_id == run_id, whatif_run.c.state == WAITING)
                taken = whatif_run.update().where(*mine).values(state=RUNNING, seen_at=self._wall())
                if connection.execute(taken).rowcount:
                    return str(run_id)
        return None

    def _compute(self, work: Work, name: str) -> int | None:
        """Do it in a process, ended with this one; its exit status, None where it was cut short."""
        arguments = (work, self._url, name, self._rules, self._calendar)
        process = self._processes.Process(target=_run_in_process, args=arguments, daemon=True)
        process.start()
        while process.is_alive() and not self._stop.is_set():
            process.join(timeout=0.2)
        if process.is_alive():
            process.terminate()
            process.join(timeout=5)
            return None
        return process.exitcode
