"""`handover rebuild cases`: the topics of cases and alerts made whole again from the log, while no worker runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cli.output import CHECK_FAILED, Bar, fail, say, warn
from cli.runtime import open_database
from handover.analysis.recompute import Recomputed, recall, recompute, remember, remembered, untold, withdrawn
from handover.calendar import MILLISECOND
from handover.cases.case import Case
from handover.cases.codec import decode_case
from handover.cases.shared_state import SharedState
from schemas.alert import Alert
from schemas.instants import show
from schemas.provenance import epoch_of

if TYPE_CHECKING:
    from cli.settings import Settings
    from cli.verify.standing import Alerts
    from handover.analysis.replay import Told
    from streams.rebuild import Cut, Pipeline, Rewriting


@dataclass(slots=True)
class Standing:
    """What stands on the topic of cases: the newest record of each subject, and the greatest revision that any case can have."""

    values: dict[str, bytes] = field(default_factory=dict)  # without tombstones
    epochs: dict[int, int] = field(default_factory=lambda: defaultdict(int))  # of the newest writer, by partition
    revisions: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    readable: dict[str, Case] = field(default_factory=dict)
    older: set[str] = field(default_factory=set)  # cases that began before the log that is left

    def add(self, record: Any) -> None:
        """Take a record; what no worker wrote counts for nothing."""
        self.revisions[record.partition] = max(self.revisions[record.partition], record.offset + 1)
        epoch = epoch_of(record.headers or ())
        if epoch is None or record.key is None:
            return
        self.epochs[record.partition] = max(self.epochs[record.partition], epoch)
        subject = record.key.decode(errors="replace")
        self.values.pop(subject, None)
        if record.value is not None:
            self.values[subject] = record.value

    def read(self, since: datetime | None) -> None:
        """Decode them. `since`: the log has forgotten what arrived before."""
        from cli.verify.standing import is_older
        from schemas import case

        for subject, value in self.values.items():
            try:
                self.readable[subject] = decode_case(value)
                if since is not None and is_older(case.read(value), value, since):
                    self.older.add(subject)
            except (ValueError, KeyError, TypeError):
                warn("a case on its topic cannot be read; it is computed again")


@dataclass(frozen=True, slots=True)
class Log:
    """What all topics hold."""

    told: list[Told]
    since: datetime | None  # the log has forgotten what arrived before; None: nothing
    alerts: Alerts
    standing: Standing
    shown: Mapping[str, int]  # the revision of each alert in the read model


@dataclass(slots=True)
class Plan:
    """What a rebuild writes, and what it cannot."""

    until: datetime
    news: Rewriting
    lost: set[str]  # subjects older than the log whose case is gone
    kept: int
    failed: int


def rebuild_cases(settings: Settings, *, yes: bool) -> None:
    """Read, compute, say what is to be done; with `yes` do it. End with one line where it cannot be."""
    from kafka.errors import KafkaError

    from cli.runtime import no_broker, read_kafka
    from streams.rebuild import Pipeline, WorkersRun

    kafka = read_kafka(settings)
    pipeline = Pipeline(kafka, settings.topic_prefix, settings.partitions)
    try:
        pipeline.refuse_workers()
        cut = pipeline.cut()
        plan = _make_plan(settings, pipeline, cut)
        _say_plan(plan)
        if not yes:
            fail("nothing was changed", "write this with: handover rebuild cases --yes", CHECK_FAILED)
        pipeline.refuse_workers()
        pipeline.write(plan.news)
        pipeline.go_on_from(cut)
        pipeline.report(plan.until, _describe_setup(settings))
    except WorkersRun as error:
        fail(str(error), "stop all workers, wait some seconds, and try again", CHECK_FAILED)
    except OSError:
        no_broker(kafka)
    except KafkaError as error:
        fail(f"the broker refused: {type(error).__name__}", "look at it with: handover doctor", CHECK_FAILED)
    say("the topics of cases and alerts are the log's again: start the workers, then: handover verify")


def _describe_setup(settings: Settings) -> Any:
    from cli.rule_files import read_publishers, read_rules
    from cli.runtime import read_clock, read_kafka
    from streams.admission import cluster_of, describe

    book, days = read_rules(None, None)
    own = describe(book, days, read_clock(settings), settings.partitions, read_publishers(settings.publishers))
    return own.model_copy(update={"cluster": cluster_of(read_kafka(settings))})


def _read_log(settings: Settings) -> Log:
    from cli.kafka.clients import open_consumer
    from cli.kafka.log_reader import find_log_begin, read_records
    from cli.kafka.recorded_events import read_events
    from cli.runtime import read_clock
    from cli.verify.standing import read_alerts
    from schemas.topics import ALERT, BY_NAME, CASE, SOURCES, named

    standing = Standing()
    with open_consumer(settings) as client:
        since_ms = find_log_begin(client, settings, [BY_NAME[topic] for topic in SOURCES])
        since = None if since_ms is None else read_clock(settings).arrival(since_ms)
        told = [(one, one.receivedtime or one.time) for one in read_events(client, settings) if one is not None]
        alerts = read_alerts(client, settings)
        for record in read_records(client, [named(settings.topic_prefix, CASE)], "reading cases"):
            standing.add(record)
        for record in read_records(client, [named(settings.topic_prefix, ALERT)], "reading epochs"):
            standing.epochs[record.partition] = max(
                standing.epochs[record.partition], epoch_of(record.headers or ()) or 0
            )
    standing.read(since)
    return Log(told, since, alerts, standing, _read_shown_revisions(settings))


def _read_shown_revisions(settings: Settings) -> Mapping[str, int]:
    """Return the revisions that the read model shows: what is told must be greater."""
    from sqlalchemy import select
    from sqlalchemy.exc import SQLAlchemyError

    from cli.runtime import has_read_model
    from sinks.readmodel.tables import alert

    if not has_read_model(settings):
        return {}
    engine = open_database(settings)
    try:
        with engine.connect() as connection:
            return {row[0]: row[1] for row in connection.execute(select(alert.c.alert_id, alert.c.revision))}
    except SQLAlchemyError as error:
        warn(f"the read model cannot be read ({type(error).__name__}): what it shows of lost alerts is not known")
        return {}
    finally:
        engine.dispose()


def _make_plan(settings: Settings, pipeline: Pipeline, cut: Cut) -> Plan:
    from cli.rule_files import read_rules
    from cli.runtime import build_worker_config, read_clock
    from cli.verify import find_held_back
    from streams.rebuild import Rewriting

    log, clock = _read_log(settings), read_clock(settings)
    before = clock.arrival(cut.at_ms)
    before = min(before, find_held_back(settings) or before)
    before = max([before, *(one.changed_at + MILLISECOND for one in log.alerts.told)])
    older = _find_older(log)
    kept = {subject: log.standing.readable[subject] for subject in older & log.standing.readable.keys()}
    floors = _find_floors(log)
    with Bar("computing cases", None) as bar:
        found = recompute(log.told, SharedState(*read_rules(None, None)), before, kept, bar.advance)
    news, epochs = Rewriting(), {n: log.standing.epochs[n] + 1 for n in range(pipeline.partitions)}
    revisions = dict(floors)
    for case, alert in _find_missing(found, log, floors, older, before):
        home = pipeline.home(case.subject)
        news.add_alert(case, alert, home, epochs[home])
        revisions[alert.alert_id] = max(alert.revision, revisions.get(alert.alert_id, 0))
    written = _find_case_revisions(settings, log)
    for subject, case in found.cases.items():
        if case.lived is None:
            continue
        remember(case, revisions)
        home = pipeline.home(subject)
        case.revision = max(case.revision, written[home])
        news.add_case(case, home, epochs[home], before, build_worker_config(settings).case_retention)
    return Plan(before, news, older - kept.keys(), len(kept), len(found.failed | news.too_large))


def _find_older(log: Log) -> set[str]:
    """Subjects of which the log has forgotten, or lost, something: their cases and alerts know more than it."""
    keys = {(event.source, event.id) for event, _ in log.told}
    ids = {id_ for _, id_ in keys}
    found = log.standing.older | log.alerts.find_raised_before(log.since)
    for subject, case in log.standing.readable.items():
        if any(not facts <= keys for facts in (one.copies.keys() for one in (case.entries, *case.disputes.values()))):
            found.add(subject)
    return found | {one.subject for one in log.alerts.newest().values() if not ids.issuperset(one.seen)}


def _find_floors(log: Log) -> dict[str, int]:
    """The greatest revision of each alert known anywhere: on its topic, in a case, in the read model."""
    found = dict(log.shown)
    newest = {one.alert_id: one.revision for one in log.alerts.newest().values()}
    for known in (newest, *map(remembered, log.standing.readable.values())):
        for alert_id, revision in known.items():
            found[alert_id] = max(revision, found.get(alert_id, 0))
    return found


def _find_case_revisions(settings: Settings, log: Log) -> Mapping[int, int]:
    """A revision that no case of a partition can have reached: each took an offset of its topic."""
    from brokers.progress_topic import read_newest
    from cli.runtime import read_kafka

    reports = read_newest(read_kafka(settings), settings.topic_prefix)
    ends = {number: one.progress.cases_end for number, one in reports.items()}
    return {number: max(log.standing.revisions[number], ends.get(number, 0)) for number in range(settings.partitions)}


def _find_missing(
    found: Recomputed, log: Log, floors: Mapping[str, int], older: set[str], before: datetime
) -> Iterator[tuple[Case, Alert]]:
    """Yield what the alert topic lacks, in the order in which it became true, with the case that tells it."""
    newest, told = log.alerts.newest(), list[tuple[Case, Alert]]()
    for alert_id, lived in found.lived.items():
        held, floor = newest.get(alert_id), floors.get(alert_id, 0)
        tellers = {alert.changed_at: subject for subject, alert in lived}
        for one in untold([alert for _, alert in lived], held, floor):
            told.append((found.cases[tellers[one.changed_at]], one))
    for alert_id, held in newest.items():
        if alert_id in found.lived or held.subject in older | found.failed:
            continue
        case, ended = found.cases.get(held.subject, Case.empty(held.subject)), held
        if held.state == "firing":
            ended = withdrawn(held, floors.get(alert_id, 0), before - MILLISECOND)
            told.append((case, ended))
        recall(case, ended)
    yield from sorted(told, key=lambda one: (one[1].changed_at, one[1].alert_id, one[1].revision))


def _say_plan(plan: Plan) -> None:
    alerts, cases = (sum(map(len, one.values())) for one in (plan.news.alerts, plan.news.cases))
    say(f"computed from the log up to {show(plan.until)}: {cases} cases, {alerts} snapshots of alerts to be told")
    if plan.kept:
        say(f"{plan.kept} cases are older than the log: their newest record is kept and goes on")
    if plan.lost:
        warn(
            f"{len(plan.lost)} cases are older than the log and on no topic: they cannot be computed; "
            "their alerts stay as they are told"
        )
    if plan.failed:
        warn(f"{plan.failed} cases fail and are left as they are: see handover doctor, quarantine")
