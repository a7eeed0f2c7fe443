"""What people leave behind on a recorded history: dead letters and a redrive, what-if runs, a proposed change, a saved view, an audit."""

from pathlib import Path

from sqlalchemy import select

from console.app import create_app
from console.audit import log as audit
from console.audit.anomaly import MANY
from console.auth.users import User, find_by_login
from console.db.tables import whatif_run
from console.dead_letters import query as dead_letters
from console.dead_letters import redrive_store
from console.queue import saved_views
from console.rules import change_proposals, whatif_store
from console.rules.whatif_worker import compute, count_moves
from console.web.config import ConsoleConfig
from console.web.site import Site
from handover.rules.rulebook import read
from sinks.readmodel.tables import handover
from tests.console.conftest import NOW, NOWHERE
from tests.console.letters import bury, usual

_DRAFT = """book = "draft@1"
extends = "cn-default@2"
names = { zh = "草案", en = "Draft" }
[[rule]]
id = "A02"
within = "5 wd"
[[rule]]
id = "A13"
off = true
"""
_TOLD = {
    "book": "cn-default@2",
    "effective_from": "2026-03-07T00:00:00+08:00",
    "apply_to_open": True,
    "changes": [{"rule_id": "A02", "set": {"within": "5 wd"}}],
}


def furnish(path: Path) -> None:
    """Leave behind in a recorded history what people do."""
    app = create_app(ConsoleConfig(f"sqlite:///{path}", NOWHERE, now=lambda: NOW, demo=True))
    site: Site = app.state.site
    bury(site.engine, NOW, usual(site.engine, NOW))
    with site.engine.connect() as connection:
        places = dead_letters.list_places(connection, dead_letters.list_groups(connection), redrive_store.MOST)
    redrive_store.ask(site.engine, _user(site, "platform"), places, NOW)
    assert app.state.redriver.step(), "the redrive has not been previewed"
    _propose(site, _user(site, "rules-1"))
    saved_views.save_view(site.engine, _user(site, "county"), "本周到期", "office", "bucket=week")
    _read(site)
    with site.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    site.engine.dispose()


def _user(site: Site, login: str) -> User:
    found = find_by_login(site.engine, login)
    assert found is not None, login
    return found


def _propose(site: Site, user: User) -> None:
    """A draft that was tried, and is proposed as the next version."""
    url, limits = str(site.engine.url), {"since": None, "until": NOW}
    run_id = whatif_store.ask(
        site.engine, user, read(_DRAFT), site.book.book, NOW, file="draft.toml", toml=_DRAFT, **limits
    )
    with site.engine.begin() as connection:
        connection.execute(whatif_run.update().values(state=whatif_store.RUNNING))
    compute(url, run_id, site.config.rules, None)
    with site.engine.connect() as connection:
        run = whatif_store.find(connection, run_id)
    assert run is not None
    assert run["state"] == whatif_store.DONE, run["failure"]
    proposal = change_proposals.propose(site, user, change_proposals.RULES, _TOLD, site.book.book, run_id)
    count_moves(url, proposal, site.config.rules, None)


def _read(site: Site) -> None:
    """Persons that were read one by one, more than is usual, and exported."""
    ours = handover.c.jurisdiction.startswith("990102")
    wanted = select(handover.c.subject, handover.c.jurisdiction).where(ours).distinct().order_by(handover.c.subject)
    reader = _user(site, "county")
    with site.engine.begin() as connection:
        persons = [(row.subject, row.jurisdiction) for row in connection.execute(wanted.limit(MANY + 1))]
        for one in persons:
            audit.write(connection, None, NOW, reader, "read", persons=[one], about=f"/people/{one[0]}")
        audit.write(
            connection, None, NOW, reader, "export", persons=persons[:3], about="/today/export", purpose="county"
        )
