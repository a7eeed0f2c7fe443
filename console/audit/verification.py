"""Whether the audit is whole: every record against its hash, its neighbours and the head; and where not, what was done to it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, select

from console.audit.log import fingerprint, hash_of, seal_of
from console.db.reading import read_all
from console.db.rows import AuditRow
from console.db.tables import audit_head, audit_person, audit_record

Fault = Literal["cut", "changed", "removed", "inserted", "reordered", "head", "unsealed", "count", "key"]
_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: what was done, and the numbers of the first and last record it was done to."""

    what: Fault
    first: int
    last: int

    def __str__(self) -> str:
        where = f"record {self.first}" if self.first == self.last else f"records {self.first} to {self.last}"
        match self.what:
            case "head":
                return "the head was changed or removed"
            case "unsealed":
                return "the head bears no seal: written before the secret was configured, or made anew without it"
            case "cut":
                return f"{where}: before it the end of the chain had been removed or moved"
            case "count":
                return f"the head tells of {self.first} records, and there are {self.last}"
            case "key":
                return f"{where}: sealed with a secret that is not the one configured here"
            case "reordered":
                return f"{where}: not in the order in which they were written"
            case _:
                return f"{where}: {self.what}"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """How many records there are, the head to be noted elsewhere, and what is wrong."""

    count: int
    head: str
    findings: Sequence[Finding]


@dataclass(frozen=True, slots=True)
class _Link:
    number: int
    previous: str
    hash: str
    sound: bool  # the hash is that of the content
    sealed: bool
    unknown: bool  # with a secret that is not at hand
    is_cut: bool = False  # says that the end before it was not as it had been left


def check(connection: Connection, key: bytes | None, last: int | None = None) -> CheckResult:
    """Check everything, or the last records only. With a secret, nobody without it can make records or a head that hold."""
    head = connection.execute(select(audit_head)).first()
    floor = max(0, head.number - last) if head is not None and last is not None else 0
    links = list(_read_links(connection, key, floor))
    findings: list[Finding] = []
    if head is None or (key and (head.number or head.seal) and not _is_sealed(head, key)):
        unsealed = head is not None and not head.key and not any(one.sealed for one in links)
        findings.append(Finding("unsealed" if unsealed else "head", 0, 0))
    findings += _join_ranges("cut", [one.number for one in links if one.is_cut])
    other = [one.number for one in links if one.unknown]
    if other:
        return CheckResult(len(links), "", [*findings, *_join_ranges("key", other)])
    number, hashed = (head.number, head.hash) if head is not None else (0, "")
    if head is None and links:
        number, hashed = links[-1].number, links[-1].hash
    return CheckResult(len(links), f"{number}:{hashed}", [*findings, *_compare(links, hashed, number, floor)])


def is_in_chain(connection: Connection, told: str) -> bool:
    """Whether a head that was noted earlier, NUMBER:HASH, still is a record of the chain. Raise ValueError for another text."""
    number, _, hashed = told.partition(":")
    if not re.fullmatch(r"[0-9]{1,18}:([0-9a-f]{64})?", told):
        raise ValueError(f"{told[:100]}: not a number and a hash")
    if not int(number):
        return True
    wanted = select(audit_record.c.hash).where(audit_record.c.number == int(number))
    return bool(connection.execute(wanted).scalar_one_or_none() == hashed)


def _is_sealed(head: Any, key: bytes) -> bool:
    return bool(head.key == fingerprint(key) and head.seal == seal_of(key, head.number, head.hash))


def _read_links(connection: Connection, key: bytes | None, floor: int) -> Iterator[_Link]:
    """Every record above a number as a link, by number; from 0 also those whose number cannot be."""
    after, keyed = floor or -(2**62), False
    while True:
        wanted = select(audit_record).where(audit_record.c.number > after).order_by(audit_record.c.number)
        rows = read_all(connection, wanted.limit(_AT_ONCE), AuditRow)
        if not rows:
            return
        seen = _read_persons(connection, rows[0]["number"], rows[-1]["number"])
        for row in rows:
            known = row["key"] in ("", fingerprint(key))
            # Once records are sealed, one without a seal is a forgery: anybody can make a plain hash.
            sound = known and not (keyed and not row["key"]) and _is_sound(row, key, seen.get(row["number"], []))
            keyed = keyed or bool(row["key"])
            yield _Link(
                row["number"],
                row["previous"],
                row["hash"],
                sound,
                bool(row["key"]),
                not known,
                row["action"] == "head_broken",
            )
        after = rows[-1]["number"]


def _is_sound(row: AuditRow, key: bytes | None, seen: Sequence[tuple[str, str]]) -> bool:
    return bool(hash_of(key if row["key"] else None, row, seen) == row["hash"])


def _read_persons(connection: Connection, first: int, last: int) -> dict[int, list[tuple[str, str]]]:
    wanted = select(audit_person).where(audit_person.c.number.between(first, last))
    found: dict[int, list[tuple[str, str]]] = {}
    for row in connection.execute(wanted):
        found.setdefault(row.number, []).append((row.subject, row.jurisdiction))
    return {number: sorted(seen) for number, seen in found.items()}


def _compare(links: Sequence[_Link], head_hash: str, head_number: int, floor: int) -> list[Finding]:
    """Walk from the head down to the floor along the hashes, and say what is off the way or missing on it."""
    by_hash, by_number = {one.hash: one for one in links}, {one.number: one for one in links}
    way: dict[int, _Link] = {}
    changed = {one.number for one in links if not one.sound}
    removed: list[Finding] = []
    wanted, expected = head_hash, head_number
    while expected > floor or (wanted and not floor):
        link = by_hash.get(wanted)
        if link is None or link.number in way:
            # Whoever changes a record and hashes it anew is betrayed by the next one; whoever removes it leaves a gap.
            below = max((number for number in by_number if number <= expected and number not in way), default=floor)
            if below < expected:
                removed.append(Finding("removed", below + 1, expected))
            if below not in by_number:
                break
            link = by_number[below]
            if below == expected:
                changed.add(below)
        way[link.number] = link
        wanted, expected = link.previous, link.number - 1
    inserted = [one.number for one in links if one.number not in way]
    order = [number for number, right in zip(way, sorted(way, reverse=True), strict=True) if number != right]
    found = [
        *_join_ranges("changed", sorted(changed - set(inserted))),
        *removed[::-1],
        *_join_ranges("inserted", inserted),
        *_join_ranges("reordered", sorted(order)),
    ]
    total = len(links) + floor
    return found or ([Finding("count", head_number, total)] if head_number != total else [])


def _join_ranges(what: Fault, numbers: Sequence[int]) -> list[Finding]:
    """Numbers that follow each other as one finding."""
    found: list[Finding] = []
    for number in numbers:
        if found and found[-1].last == number - 1:
            found[-1] = Finding(what, found[-1].first, number)
        else:
            found.append(Finding(what, number, number))
    return found
