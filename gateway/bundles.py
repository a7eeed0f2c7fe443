"""Events of an office without a line, in one signed file that any medium carries: a head in JSON, then one event a line.

The head names the source, how many events follow and their digest; its signature covers all three. Nothing of a file is taken
before all of it is checked. What arrives late is judged by its own `time`, as every event is.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway import signing
from gateway.signing import Forged, Signer
from schemas.authority import type_of_source
from schemas.envelope import Event
from schemas.instants import show
from schemas.invalid import InvalidEvent
from schemas.parse import parse

FORMAT = "reentry-bundle-1"
MOST_EVENTS, LONGEST_HEAD, LONGEST_LINE = 1_000_000, 4_096, 1_000_001  # lines; bytes


class InvalidBundle(ValueError):
    """A file that is no bundle, is damaged, or holds what its source may not say. The text says where."""


@dataclass(frozen=True, slots=True)
class Head:
    """What the signature covers."""

    format: str
    source: str
    events: int
    digest: str  # of the lines, their ends included
    made_at: str


def make_bundle(lines: Sequence[bytes], source: str, signer: Signer, now: datetime, stream: IO[bytes]) -> Head:
    """Write a bundle of events, one in each line. Raise InvalidBundle where one is none, or of another source."""
    if type_of_source(source) is None:
        raise InvalidBundle(f"{source}: no source, which is like /agencies/PRISON-990100-01")
    if not 0 < len(lines) <= MOST_EVENTS:
        raise InvalidBundle(f"{len(lines)} events: a bundle holds 1 to {MOST_EVENTS}")
    digest = hashlib.sha256()
    for number, line in enumerate(lines, start=1):
        _read_event(line, number, source, now)
        digest.update(line + b"\n")
    head = Head(FORMAT, source, len(lines), f"sha-256:{digest.hexdigest()}", show(now))
    told = asdict(head)
    stream.write(orjson.dumps({"bundle": told, "key": signer.key_id, "signature": signer.sign(told)}) + b"\n")
    stream.writelines(line + b"\n" for line in lines)
    return head


def verify_bundle(path: Path, key: Ed25519PublicKey, now: datetime) -> Head:
    """Check who made a bundle, that it is whole, and every event in it. Raise Forged, InvalidBundle, OSError."""
    with path.open("rb") as stream:
        head = _read_head(stream.readline(LONGEST_HEAD), key)
        digest, number = hashlib.sha256(), 0
        for line in _lines(stream):
            number += 1
            digest.update(line + b"\n")
            if number > head.events:
                break
        if number != head.events or f"sha-256:{digest.hexdigest()}" != head.digest:
            raise InvalidBundle(f"{number} of {head.events} events, or other ones: the file is damaged; copy it anew")
    for number, line in enumerate(read_lines(path), start=1):
        _read_event(line, number, head.source, now)
    return head


def read_lines(path: Path, after: int = 0) -> Iterator[bytes]:
    """Yield the events of a bundle that was verified, from the one after `after` on. Raise OSError."""
    with path.open("rb") as stream:
        stream.readline(LONGEST_HEAD)
        for number, line in enumerate(_lines(stream), start=1):
            if number > after:
                yield line


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    while line := stream.readline(LONGEST_LINE + 1):
        if not line.endswith(b"\n"):
            raise InvalidBundle("a line has no end: the file is cut off; copy it anew")
        yield line[:-1]


def _read_head(line: bytes, key: Ed25519PublicKey) -> Head:
    try:
        told: Any = orjson.loads(line)
        head = Head(**told["bundle"])
        signature, name = told["signature"], told["key"]
    except (ValueError, KeyError, TypeError):
        raise InvalidBundle("no bundle: its first line is no head") from None
    if head.format != FORMAT:
        raise InvalidBundle(f"no {FORMAT}: another version made it")
    signing.check(key, told["bundle"], str(signature))
    if name != signing.identify(key):
        raise Forged("the head names another key than the one that has signed it")
    return head


def _read_event(line: bytes, number: int, source: str, now: datetime) -> Event:
    try:
        event = parse(line, (), now)
    except InvalidEvent as error:
        raise InvalidBundle(f"event {number}: {error.reason}: {error}") from None
    if event.source != source:
        raise InvalidBundle(f"event {number}: source: is not {source}")
    return event


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a bundle was read: a file beside it, so that reading goes on there."""

    path: Path
    digest: str

    @classmethod
    def beside(cls, bundle: Path, head: Head) -> "Mark":
        """Return the mark of a bundle."""
        return cls(bundle.with_name(f"{bundle.name}.progress"), head.digest)

    def read(self) -> int:
        """Return how many events were acknowledged; 0 where another bundle left the mark, or none. Raise OSError."""
        try:
            digest, count = self.path.read_text(encoding="ascii").split()
            return int(count) if digest == self.digest else 0
        except (FileNotFoundError, ValueError):
            return 0

    def write(self, count: int) -> None:
        """Note how many events were acknowledged. Raise OSError."""
        fresh = self.path.with_name(f".{self.path.name}")
        fresh.write_text(f"{self.digest} {count}\n", encoding="ascii")
        fresh.replace(self.path)


__all__ = ["Forged", "Head", "InvalidBundle", "Mark", "make_bundle", "read_lines", "verify_bundle"]
