"""What a process writes to its log: one line a record, as JSON or for people, libraries alike, without personal numbers."""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import MutableMapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.types import Processor

from schemas import pii

if TYPE_CHECKING:
    from cli.settings import Settings

Format = Literal["json", "text"]
_FIRST = ("timestamp", "level", "logger", "event")
_NOISY = ("alembic",)  # says with each look at the version which database it is
_LONGEST_INTEGER = 10**10  # an integer with more digits may be somebody's number
_BREAKS = str.maketrans({one: repr(one)[1:-1] for one in "\r\n\v\f\x1c\x1d\x1e\x85\u2028\u2029"})
log = logging.getLogger(__name__)


def start_logs(settings: Settings, *, quiet: Sequence[str] = (), silent: Sequence[str] = ()) -> None:
    """Write what loggers of this process say from now on to stderr, in the settings' level and form; warnings and crashes too.

    `quiet`: libraries that say nothing below WARNING, and the same line once a minute; `silent`: nothing below CRITICAL.
    """
    from streams.log_rate_limit import RateLimit

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(make_formatter(settings.log_format))
    handler.addFilter(RateLimit(*quiet))
    logging.basicConfig(level=settings.log_level, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    for names, level in (((*quiet, *_NOISY), logging.WARNING), (silent, logging.CRITICAL)):
        for name in names:
            logging.getLogger(name).setLevel(level)
    sys.excepthook = _log_crash
    threading.excepthook = _log_crash_of_thread


def make_formatter(form: Format) -> logging.Formatter:
    """The formatter of a form. `extra` of a log call becomes keys, an exception one key."""
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: Processor = structlog.processors.JSONRenderer(ensure_ascii=False) if form == "json" else _write_text
    return ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _mask_values,
            last,
        ],
    )


def _mask_values(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Star what may name a person, in traces too: before a line is made of it, so that JSON stays JSON."""
    return {key: value if _is_harmless(value) else pii.mask(str(value)) for key, value in event.items()}


def _is_harmless(value: Any) -> bool:
    if isinstance(value, int) and not isinstance(value, bool):
        return abs(value) < _LONGEST_INTEGER
    return value is None or isinstance(value, bool | float)


def _write_text(_: Any, __: str, event: MutableMapping[str, Any]) -> str:
    """`2026-03-01T08:00:00Z WARNING sinks.runner what happened key=value`. Lines of a trace follow, indented: no text begins a line."""
    trace = event.pop("exception", None)
    head = [str(event.get("timestamp", "")), str(event.get("level", "")).upper(), str(event.get("logger", ""))]
    keys = [f"{key}={_quote(value)}" for key, value in event.items() if key not in _FIRST]
    line = " ".join([*head, str(event.get("event", "")).translate(_BREAKS), *keys])
    return "\n    ".join([line, *trace.splitlines()]) if trace else line


def _quote(value: Any) -> str:
    text = str(value)
    return json.dumps(text, ensure_ascii=False).translate(_BREAKS) if not text or set(text) & set(' ="\r\n\t') else text


def _log_crash(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    log.critical("the process ends by a bug", exc_info=(kind, error, trace))


def _log_crash_of_thread(crash: threading.ExceptHookArgs) -> None:
    if crash.exc_value is not None and not isinstance(crash.exc_value, SystemExit):
        name = crash.thread.name if crash.thread is not None else ""
        trace = (crash.exc_type, crash.exc_value, crash.exc_traceback)
        log.critical("a thread ends by a bug", exc_info=trace, extra={"part": name})
