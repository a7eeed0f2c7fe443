"""Who asked for whose `person_ref`: one line each in a file, chained by seals, on disk before the answer goes out."""

import hashlib
import hmac
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

_FIRST = "0" * 64


class BrokenAudit(ValueError):
    """The chain does not hold. The text names the line."""


class ReferenceAudit:
    """Appends to one file. A line holds the instant, the key, its source, the version and the ref; never the number."""

    def __init__(self, path: Path, key: bytes) -> None:
        """Take up the chain where it ends. Raise BrokenAudit, OSError."""
        self._path, self._key, self._lock = path, key, threading.Lock()
        self._number, self._seal = verify(path, key) if path.exists() else (0, _FIRST)

    def append(self, told: Mapping[str, Any]) -> None:
        """Write one line and wait until the disk has it. Raise OSError."""
        with self._lock:
            row = {"n": self._number + 1, **told}
            seal = _seal(self._key, self._seal, row)
            line = orjson.dumps({**row, "seal": seal}) + b"\n"
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                size = os.fstat(handle).st_size
                try:
                    _write(handle, line)
                except OSError:
                    os.ftruncate(handle, size)  # half a line would break the chain
                    raise
            finally:
                os.close(handle)
            self._number, self._seal = row["n"], seal


def _write(handle: int, line: bytes) -> None:
    left = line
    while left:
        left = left[os.write(handle, left) :]
    os.fsync(handle)


def verify(path: Path, key: bytes) -> tuple[int, str]:
    """Return how many lines a file has and the last seal. Raise BrokenAudit where one was changed, left out or moved; OSError.

    Lines that were cut off at the end leave no trace: compare the number with an earlier one.
    """
    number, seal = 0, _FIRST
    with path.open("rb") as lines:
        for line in lines:
            try:
                row = orjson.loads(line)
                told = row.pop("seal")
            except (ValueError, KeyError, AttributeError, TypeError):
                raise BrokenAudit(f"{path}: line {number + 1} is no record") from None
            seal = _seal(key, seal, row)
            number += 1
            if row.get("n") != number or not hmac.compare_digest(str(told).encode(), seal.encode()):
                raise BrokenAudit(f"{path}: line {number} was changed, or one before it is missing")
    return number, seal


def _seal(key: bytes, before: str, row: Mapping[str, Any]) -> str:
    text = b"gateway" + before.encode() + orjson.dumps(dict(row), option=orjson.OPT_SORT_KEYS)
    return hmac.new(key, text, hashlib.sha256).hexdigest()
