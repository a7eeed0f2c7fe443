"""Who saw whom, who changed what, and why: records that hash each other in a chain. `record` is the one way to add one."""

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, select

from console.audit.anomaly import find_listed, find_unusual
from console.auth.users import User
from console.db.rows import AboutPerson
from console.db.tables import audit_head, audit_person, audit_record
from console.web.request import Visitor
from console.web.site import Site
from schemas.instants import millis

Action = Literal[
    "read", "list", "reveal", "export", "print", "bulk_read",
    "login", "logout", "login_failed", "login_locked",
    "user_created", "user_changed", "user_locked", "user_unlocked", "password_reset", "password_changed",
    "redrive", "drop", "whatif", "rules_proposed", "rules_approved", "decide", "confirm", "undo", "head_broken", "refused",
]  # fmt: skip
ACTIONS: tuple[Action, ...] = (
    "read", "list", "reveal", "export", "print", "bulk_read",
    "login", "logout", "login_failed", "login_locked",
    "user_created", "user_changed", "user_locked", "user_unlocked", "password_reset", "password_changed",
    "redrive", "drop", "whatif", "rules_proposed", "rules_approved", "decide", "confirm", "undo", "head_broken", "refused",
)  # fmt: skip
SEEING: tuple[Action, ...] = ("read", "list", "reveal", "export", "print")
NOBODY = User("", "", "", "", "", "", None, False)  # type: ignore[arg-type]  # a login name that is nobody's
HOST = replace(NOBODY, login="(command line)")  # whoever may run commands on the host
PERSON = "p1_"  # so begins a reference to a person
LONGEST = 400  # characters of what a record is about, and of a purpose
Persons = Iterable[tuple[str, str]]  # (reference, jurisdiction)


def record(
    site: Site,
    user: User,
    action: Action,
    *,
    persons: Persons = (),
    about: str = "",
    purpose: str = "",
    details: Mapping[str, Any] | None = None,
) -> int:
    """Add a record of its own and return its number, which print and export carry. Where it cannot be written, nothing may be shown.

    `persons`: whose data it is, each with their jurisdiction. `about`: an address of the console, or what was changed.
    `details`: plain JSON without names, ID numbers or values of events.
    """
    with site.engine.begin() as connection:
        return write(
            connection, site.config.audit_key, site.wall(), user, action,
            persons=persons, about=about, purpose=purpose, details=details,
        )  # fmt: skip


def list_persons(rows: Iterable[AboutPerson]) -> Persons:
    """The persons that rows are about; other subjects are publishers and disputes."""
    return [(row["subject"], row["jurisdiction"]) for row in rows if row["subject"].startswith(PERSON)]


def record_list(visitor: Visitor, persons: Persons) -> None:
    """Add one record of the visitor's list that names persons, before it is shown; none where it names nobody.

    `details`: how many it names, and how many of them (`before`) stand in lists of the same user and day already: those are not
    kept again, so the record holds the others.
    """
    named = dict(persons)
    if not named:
        return
    site, user, about, wall = visitor.site, visitor.user, visitor.request.url.path, visitor.site.wall()
    with site.engine.begin() as connection:
        before = find_listed(connection, user.user_id, wall)
        fresh = [(subject, place) for subject, place in named.items() if subject not in before]
        details = {"persons": len(named), "before": len(named) - len(fresh)}
        write(connection, site.config.audit_key, wall, user, "list", persons=fresh, about=about, details=details)


def write(
    connection: Connection,
    key: bytes | None,
    wall: datetime,
    user: User,
    action: Action,
    *,
    persons: Persons = (),
    about: str = "",
    purpose: str = "",
    details: Mapping[str, Any] | None = None,
) -> int:
    """The same within a transaction that also changes what the record tells of."""
    seen = sorted(dict(persons).items())
    number = _append(
        connection, key, seen,
        {
            "at": wall, "user_id": user.user_id, "login": user.login, "role": user.role, "agency": user.agency,
            "action": action, "about": _make_printable(about), "purpose": _make_printable(purpose), "details": dict(details or {}),
        },
    )  # fmt: skip
    if seen and action in SEEING and user.user_id:
        found = find_unusual(connection, user.user_id, wall, lists=action == "list")
        if found is not None:
            write(connection, key, wall, user, "bulk_read", details=found)
    return number


def _append(connection: Connection, key: bytes | None, seen: Sequence[tuple[str, str]], row: dict[str, Any]) -> int:
    # Writing first takes the one lock that orders all writers, on SQLite (the file) and on PostgreSQL (the row).
    taken = connection.execute(audit_head.update().where(audit_head.c.one == 1).values(one=1)).rowcount
    head = connection.execute(select(audit_head)).first() if taken else None
    if head is None:
        raise BrokenChain
    if key and row["action"] != "head_broken" and not is_head(connection, head, key):
        told = {"number": int(head.number), "hash": head.hash}
        write(connection, key, row["at"], HOST, "head_broken", details=told)
        return _append(connection, key, seen, row)
    row |= {"key": fingerprint(key), "previous": head.hash}
    hashed, number = hash_of(key, row, seen), int(head.number) + 1
    connection.execute(audit_record.insert().values(number=number, hash=hashed, **row))
    if seen:
        rows = [{"number": number, "subject": subject, "jurisdiction": place} for subject, place in seen]
        connection.execute(audit_person.insert(), rows)
    seal = seal_of(key, number, hashed)
    connection.execute(audit_head.update().values(number=number, hash=hashed, key=row["key"], seal=seal))
    return number


def is_head(connection: Connection, head: Any, key: bytes) -> bool:
    """Whether the end of the chain is where it was left: sealed with the secret, or with none so far, and its record there.

    Whoever removes the last records and moves the head cannot seal it; the next record would, so it tells of that first.
    """
    last = connection.execute(
        select(audit_record.c.key, audit_record.c.hash).order_by(audit_record.c.number.desc()).limit(1)
    ).first()
    if last is None:
        return bool(head.number == 0 and not head.seal)
    if not head.key:
        return bool(not last.key and last.hash == head.hash)  # the first record under a secret
    if head.key != fingerprint(key):
        return True  # another secret: verify says so of each record
    return bool(head.seal == seal_of(key, head.number, head.hash) and last.hash == head.hash)


class BrokenChain(Exception):
    """The head of the chain is gone: nothing may be added until `handover audit verify` has been looked at."""

    def __init__(self) -> None:
        super().__init__("the head of the audit is missing")


def hash_of(key: bytes | None, row: Mapping[str, Any], seen: Sequence[tuple[str, str]]) -> str:
    """The hash of a record over the one before and its content; with the secret where one is configured."""
    content = {
        "at": millis(row["at"]),
        "persons": [list(one) for one in seen],
        **{
            name: row[name]
            for name in ("user_id", "login", "role", "agency", "action", "about", "purpose", "details", "key")
        },
    }
    written = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return _hash(key, f"{row['previous']}\n{written}")


def seal_of(key: bytes | None, number: int, hashed: str) -> str:
    """The seal of the chain's end; empty without a secret."""
    return _hash(key, f"head {number} {hashed}") if key else ""


def fingerprint(key: bytes | None) -> str:
    """Which secret it is, without giving it away; empty for none."""
    return hashlib.sha256(b"audit key " + key).hexdigest()[:16] if key else ""


def _make_printable(text: str) -> str:
    """What every database takes, and as long as it may be."""
    return "".join(one if one.isprintable() else " " for one in text[:LONGEST])


def _hash(key: bytes | None, text: str) -> str:
    sent = text.encode()
    return hmac.new(key, sent, hashlib.sha256).hexdigest() if key else hashlib.sha256(sent).hexdigest()


PURPOSES = ("contact", "visit", "identity", "papers", "review")  # codes of the audit: why a name is needed
