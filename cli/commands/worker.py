"""`handover worker`: one stream worker."""

from __future__ import annotations

from cli.output import CHECK_FAILED, fail
from cli.runtime import build_worker_config


def worker() -> None:
    """Run one stream worker until Ctrl-C or SIGTERM; start as many as there are partitions.

    It reads the source topics and writes cases, alerts and dead letters. All it needs comes from REENTRY_ variables.
    """
    from cli.logs import start_logs
    from cli.runtime import read_settings
    from handover.rules.rulebook import InvalidRuleBook
    from schemas.publishers import InvalidPublishers
    from streams.admission import DifferentSetup
    from streams.engine.recovery import Incomplete
    from streams.loss_check import ADVICE, LostRecords
    from streams.worker import run

    settings = read_settings()
    start_logs(settings)
    try:
        run(build_worker_config(settings))
    except InvalidRuleBook as error:
        fail(str(error), "correct this entry: handover rules check")
    except DifferentSetup as error:
        fail(str(error), "compare with: handover doctor", CHECK_FAILED)
    except Incomplete as error:
        fail(str(error), f"start it again; where that repeats, {ADVICE}", CHECK_FAILED)
    except LostRecords as error:
        what, _, todo = str(error).rpartition("; ")
        fail(what, todo, CHECK_FAILED)
    except InvalidPublishers as error:
        fail(str(error), "correct it or REENTRY_PUBLISHERS")
    except OSError as error:
        fail(
            f"cannot read {error.filename or 'a file'}: {error.strerror or error}",
            "look for more with: handover doctor",
        )
