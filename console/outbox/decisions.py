"""What officers decide, kept with its record in the audit: one transaction, so that neither is there without the other."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from console.audit import log as audit
from console.auth.users import User
from console.db.alert_rows import AlertRow
from console.db.tables import console_user
from console.outbox import outbox
from console.outbox.action_events import ActionEvent
from console.web.site import Site

_MOST_NAMED = 200  # events whose ids a record names


def store(
    site: Site, user: User, asked: Sequence[tuple[ActionEvent, AlertRow]], key: str, *, second: bool = False
) -> str:
    """Store what was asked for, to be published when the time for an undo is over; return its batch."""
    key, wall = key[:64] or secrets.token_urlsafe(12), site.wall()

    def tell(connection: Connection) -> None:
        first, rows = asked[0][0], [row for _, row in asked]
        details: dict[str, Any] = {"what": first.action, "events": _limit_ids([one.event_id for one, _ in asked])}
        details |= {"type": first.body["type"], "count": len(asked)} | ({"waits_for": "second"} if second else {})
        about = f"/alerts/{rows[0]['alert_id']}" if len(rows) == 1 else "/today/bulk"
        _write(connection, site, user, "decide", audit.list_persons(rows), about, details)

    return outbox.store(site.engine, asked, user.user_id, key, wall, site.config.undo, second=second, tell=tell)


def undo(site: Site, user: User, batch: str) -> int:
    """Take back what has not been sent; how many that were."""
    with site.engine.begin() as connection:
        taken = outbox.undo(connection, batch, user.user_id, site.wall())
        if taken:
            details = {"events": _limit_ids(taken), "count": len(taken)}
            _write(connection, site, user, "undo", (), "/pending", details)
    return len(taken)


def confirm(site: Site, user: User, event_id: str, alert: AlertRow) -> bool:
    """A second person agrees: the record names both. False where it is the first again, or nothing waits."""
    alert_id = str(alert["alert_id"])
    with site.engine.begin() as connection:
        row = outbox.confirm(connection, event_id, alert_id, user.user_id, site.wall(), site.config.undo)
        if row is None:
            return False
        wanted = select(console_user.c.login).where(console_user.c.user_id == row["user_id"])
        first = connection.execute(wanted).scalar_one_or_none() or row["user_id"]
        details = {"what": row["action"], "events": [event_id], "first": first, "second": user.login}
        _write(connection, site, user, "confirm", audit.list_persons([alert]), f"/alerts/{alert_id}", details)
    return True


def _limit_ids(event_ids: Sequence[str]) -> list[str]:
    return list(event_ids[:_MOST_NAMED])


def _write(
    connection: Connection,
    site: Site,
    user: User,
    action: audit.Action,
    persons: audit.Persons,
    about: str,
    details: Mapping[str, Any],
) -> None:
    key, wall = site.config.audit_key, site.wall()
    audit.write(connection, key, wall, user, action, persons=persons, about=about, details=details)
