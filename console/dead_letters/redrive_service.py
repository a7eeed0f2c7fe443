"""Redrives as the page and the API ask for and decide them; each decision is a record of the audit."""

import logging
from collections.abc import Sequence

from console.audit import log as audit
from console.db.rows import RedriveRow
from console.dead_letters import query as dead_letters
from console.dead_letters import redrive_store
from console.dead_letters.redrive_store import MOST
from console.web.request import BadForm, NotAllowed, NotFound, Visitor
from sinks.readmodel.dead_letters import Place

log = logging.getLogger(__name__)


def check_allowed(visitor: Visitor, action: str) -> None:
    """Raise NotAllowed where the role lacks the action."""
    if not visitor.may(action):
        raise NotAllowed(action)


def ask_redrive(visitor: Visitor, groups: Sequence[str], letters: Sequence[str]) -> str:
    """A new redrive of these groups and places that are pending; empty where none is."""
    site = visitor.site
    with site.engine.connect() as connection:
        chosen = [one for one in dead_letters.list_groups(connection) if one.group_id in set(groups)]
        wanted: list[Place] = dead_letters.list_places(connection, chosen, MOST) if chosen else []
        wanted += [place for text in letters[:MOST] if (place := dead_letters.read_place(text)) is not None]
        places = dead_letters.keep_pending(connection, wanted[:MOST])
    if not places:
        return ""
    redrive_id = redrive_store.ask(site.engine, visitor.user, places, site.wall())
    record_decision(visitor, "previewed", redrive_id, len(places))
    return redrive_id


def record_decision(visitor: Visitor, what: str, redrive_id: str, n: int, note: str = "") -> None:
    """The one place that every decision about dead letters passes: who, what, which redrive, how many, why."""
    log.info(
        "redrive %s: %s by %s, %d dead letters%s", redrive_id, what, visitor.user.staff, n, f": {note}" if note else ""
    )
    details = {"decided": what, "dead_letters": n}
    action: audit.Action = "drop" if what == "drop" else "redrive"
    audit.record(visitor.site, visitor.user, action, about=f"/redrive/{redrive_id}", purpose=note, details=details)


def find_redrive(visitor: Visitor, redrive_id: str) -> RedriveRow:
    """A redrive. Raise NotFound."""
    with visitor.site.engine.connect() as connection:
        row = redrive_store.find(connection, redrive_id)
    if row is None:
        raise NotFound
    return row


ACTIONS = {"run": "redrive", "stop": "redrive", "look": "redrive", "drop": "drop"}


def apply_decision(visitor: Visitor, redrive_id: str, what: str, note: str = "") -> bool:
    """Do it; False where somebody else was first or its state does not allow it. Raise BadForm for what is not known."""
    engine, wall = visitor.site.engine, visitor.site.wall()
    with engine.connect() as connection:
        n = redrive_store.count_letters(connection, redrive_id)["passes"]
    match what:
        case "run":
            done = redrive_store.start(engine, redrive_id, wall)
        case "stop":
            done = redrive_store.stop(engine, redrive_id)
        case "look":
            done = redrive_store.look_again(engine, redrive_id)
        case "drop":
            n = redrive_store.drop(engine, redrive_id, note, wall)
            done = n > 0
        case _:
            raise BadForm
    if done:
        record_decision(visitor, what, redrive_id, n, note)
    return done
