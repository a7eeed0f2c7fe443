"""The Faust app of the worker: topics to read, the table of cases, the engine on its hooks."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from brokers.connection import KafkaConnection
from handover.calendar import load_calendar
from handover.cases.shared_state import SharedState
from handover.rules.rulebook import load
from schemas.topics import CASE, ROUTED, SOURCES, named
from streams.admission import describe
from streams.clock import Clock
from streams.engine.recovery import Tables
from streams.engine.store import URL
from streams.engine.transport import App, credentials
from streams.open_transactions import watch_undecided
from streams.probes import serve
from streams.progress import ProgressReporter, watch_setups
from streams.shared_topic import SystemReader
from streams.step import Engine
from streams.topic_cleanup import purge_routed

PARTITION_TOPICS = (*SOURCES, ROUTED)


@dataclass(frozen=True)
class WorkerConfig:
    """What a worker is given. `web_port` 0: no web."""

    kafka: KafkaConnection
    data_dir: Path
    topic_prefix: str = ""
    partitions: int = 12
    rules: str = "cn-default"
    calendar: Path | None = None
    publishers: Path | None = None
    clock_file: Path | None = None
    grace_seconds: float = 0.5
    commit_interval_seconds: float = 1.0
    purge_seconds: float = 60.0
    session_timeout_seconds: float = 10.0
    standby_replicas: int = 1
    dead_letter_limit: float = 0.5
    behind_seconds: float = 60.0
    decoded_cases: int = 100_000
    case_retention_days: int = 1827
    web_host: str = "127.0.0.1"
    web_port: int = 0
    log_level: str = "WARNING"

    @property
    def case_retention(self) -> timedelta:
        """How long after its last handover was closed anything is kept of a case."""
        return timedelta(days=self.case_retention_days)


def create_app(config: WorkerConfig) -> App:
    """The app, ready to be started. Raise OSError, InvalidRuleBook, InvalidPublishers: nothing starts with a broken book."""
    book, calendar = load(config.rules), load_calendar(config.calendar) if config.calendar else load_calendar()
    world, clock = SharedState(book, calendar), Clock.load(config.clock_file)
    app = _faust(config)
    sources = [named(config.topic_prefix, topic) for topic in PARTITION_TOPICS]
    table = _table(app, config)
    app.stamping = frozenset((named(config.topic_prefix, ROUTED),))
    system = SystemReader(config, world, clock, app.broker_time)
    setup = describe(book, calendar, clock, config.partitions, system.publishers)
    progress = ProgressReporter(app, config.topic_prefix, setup)
    app.engine = Engine(app, table, sources, config, clock, system, progress)

    @app.agent(app.topic(*sources, key_type=bytes, value_type=bytes, value_serializer="raw"))  # type: ignore[untyped-decorator]
    async def subscribe(stream: AsyncIterator[Any]) -> None:
        """Never iterated: it makes Faust subscribe to the topics and assign them together."""
        async for _ in stream:
            pass

    @app.task  # type: ignore[untyped-decorator]
    async def read_system() -> None:
        await system.run()

    @app.task  # type: ignore[untyped-decorator]
    async def watch() -> None:
        await watch_setups(progress, config.kafka)

    @app.task  # type: ignore[untyped-decorator]
    async def purge() -> None:
        await purge_routed(app, config)

    @app.task  # type: ignore[untyped-decorator]
    async def watch_transactions() -> None:
        await watch_undecided(app, config.kafka)

    @app.task  # type: ignore[untyped-decorator]
    async def web() -> None:
        if config.web_port:
            await serve(app.engine, config.web_host, config.web_port)

    return app


def _table(app: App, config: WorkerConfig) -> Any:
    changelog = app.topic(
        named(config.topic_prefix, CASE),
        key_type=bytes,
        value_type=bytes,
        key_serializer="raw",
        value_serializer="raw",
        partitions=config.partitions,
        compacting=True,
        deleting=False,
        internal=True,
    )
    return app.Table(
        "cases", partitions=config.partitions, key_type=bytes, value_type=bytes, store=URL, changelog_topic=changelog
    )


def _faust(config: WorkerConfig) -> App:
    heartbeat = min(1.0, config.session_timeout_seconds / 6)
    return App(
        f"{config.topic_prefix}reentry-worker",
        broker=[f"kafka://{one}" for one in config.kafka.servers],
        broker_credentials=credentials(config.kafka),
        topic_partitions=config.partitions,
        topic_allow_declare=False,
        topic_disable_leader=True,
        TableManager=Tables,
        table_standby_replicas=config.standby_replicas,
        recovery_consistency_check=True,
        broker_session_timeout=config.session_timeout_seconds,
        broker_heartbeat_interval=heartbeat,
        broker_rebalance_timeout=max(30.0, 2 * config.session_timeout_seconds),
        broker_request_timeout=max(20.0, 2 * config.session_timeout_seconds),
        broker_commit_interval=config.commit_interval_seconds,
        broker_max_poll_records=5000,
        consumer_max_fetch_size=1024 * 1024,
        consumer_auto_offset_reset="earliest",
        producer_request_timeout=60.0,
        producer_max_batch_size=900_000,
        producer_max_request_size=2_000_000,
        producer_acks=-1,
        producer_compression_type="zstd",  # cases are JSON alike: a fifteenth of the bytes, docs/adr/0012
        stream_wait_empty=True,
        stream_recovery_delay=0.0,
        web_enabled=False,
        datadir=str(config.data_dir / "worker"),
    )
