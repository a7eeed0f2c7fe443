"""Running one worker in this process."""

import logging
import os
import threading
import time

import faust
from kafka.errors import KafkaError

from brokers.clients import make_admin
from brokers.connection import KafkaConnection
from brokers.progress_topic import read_newest
from brokers.refusal import refusal
from streams import gc_control
from streams.admission import DifferentSetup, cluster_of, refuse_different
from streams.app import WorkerConfig, create_app
from streams.engine.recovery import Incomplete
from streams.log_rate_limit import OneLine, RateLimit
from streams.loss_check import LostRecords, losses, written
from streams.progress import ProgressReporter

log = logging.getLogger(__name__)

_ENDS = (DifferentSetup, Incomplete, LostRecords)  # on purpose; the command line says what to do
_ANSWER_MS = 5_000  # how long a broker may take to answer
_AGAIN_SECONDS = 1.0
_REPORT_SECONDS = 5.0  # within so many a worker that runs has written its progress
_LEAVE_SECONDS = 10.0  # a worker that was told to end and cannot take leave of its brokers ends all the same


def run(config: WorkerConfig) -> None:
    """Run until SIGTERM or Ctrl-C. Ends with a non-zero status when it crashes; whoever started it starts it again.

    Raise DifferentSetup where another worker of this pipeline runs with something else, LostRecords where the topics of cases or
    alerts lack what workers wrote, Incomplete where a recovery ended early.
    """
    for name in ("aiokafka", "kafka"):
        logging.getLogger(name).setLevel(logging.WARNING)
    app = create_app(config)
    join(app.engine.progress, config)
    for handler in logging.getLogger().handlers:
        handler.addFilter(RateLimit("aiokafka", "kafka"))
        handler.addFilter(OneLine(*_ENDS))
    gc_control.take_over()
    worker = _Worker(app, loglevel=config.log_level.lower(), redirect_stdouts=False, override_logging=False)
    try:
        worker.execute_from_commandline()
    except SystemExit:  # Faust makes one of whatever ended it
        if isinstance(worker.crash_reason, _ENDS):
            raise worker.crash_reason from None
        raise


def join(progress: ProgressReporter, config: WorkerConfig) -> None:
    """Return when the worker may join; brokers that go away meanwhile are waited for. Raise DifferentSetup, LostRecords."""
    while True:
        await_broker(config.kafka)
        try:
            return _check(progress, config)
        except (KafkaError, OSError) as error:
            log.warning("the broker went away while the worker joined (%s); waiting", type(error).__name__)
            time.sleep(_AGAIN_SECONDS)


def _check(progress: ProgressReporter, config: WorkerConfig) -> None:
    """Raise DifferentSetup where a worker runs with something else, LostRecords where cases or alerts are gone, KafkaError."""
    patience = config.session_timeout_seconds + _REPORT_SECONDS
    progress.own = progress.own.model_copy(update={"cluster": cluster_of(config.kafka)})
    refuse_different(config.kafka, config.topic_prefix, progress.own, patience)
    progress.held = written(config.kafka, config.topic_prefix)
    newest = {number: one.progress for number, one in read_newest(config.kafka, config.topic_prefix).items()}
    if lost := losses(newest, progress.held, config.topic_prefix):
        raise LostRecords(lost)


class _Worker(faust.Worker):  # type: ignore[misc]
    """Ends in any case: without an answer of the brokers Faust would wait for one. What was not acknowledged comes again."""

    def on_worker_shutdown(self) -> None:
        super().on_worker_shutdown()
        last = threading.Timer(_LEAVE_SECONDS, _end)
        last.daemon = True
        last.start()


def _end() -> None:
    log.error("no broker has answered for %g s; ended without taking leave of it, nothing is lost", _LEAVE_SECONDS)
    os._exit(1)


def await_broker(kafka: KafkaConnection) -> None:
    """Return when a broker takes us; until then wait and say once why. Faust itself would give up at its start.

    A broker that refuses us is waited for too: its certificate or our password may be on its way to it.
    """
    level, waited, said = logging.getLogger("kafka").level, False, ""
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # said once, by us
    while not _answers(kafka):
        reason = refusal(kafka) or f"no broker answers at {kafka.brokers}"
        if reason != said:
            log.warning("%s; waiting", reason)
        waited, said = True, reason
        time.sleep(_AGAIN_SECONDS)
    logging.getLogger("kafka").setLevel(level)
    if waited:
        log.warning("a broker answers")


def _answers(kafka: KafkaConnection) -> bool:
    try:
        make_admin(kafka, _ANSWER_MS).close()
    except (KafkaError, OSError):
        return False
    return True
