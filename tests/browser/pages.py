"""Every page of the console once: whose it is, where, what it shows. Tests of all pages and the screenshots read this table."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sqlalchemy import Column, ColumnElement, Connection, Engine, select

from console.accounts.demo_users import DEMO_USERS
from console.app import MENU
from console.app import PAGES as OF_ROLE
from console.db.tables import redrive, whatif_run
from console.dead_letters import query as dead_letters
from sinks.readmodel.tables import alert, handover, publisher

_COUNTY = "990102"


@dataclass(frozen=True, slots=True)
class Shown:
    """A page. `login` is a user of the demo, "" nobody; names in braces in `path` are looked up in the read model."""

    name: str
    login: str
    path: str
    shows: str
    printed: bool = False  # made to be printed
    landscape: bool = False


TABLE = (
    Shown("login", "", "/login", "who am I: one error text, the demo's users only in a demo"),
    Shown(
        "queue", "county", "/today", "a county's queue: late and critical first, a feed that is silent", printed=True
    ),
    Shown("queue-town", "town", "/today", "a township's own duties"),
    Shown("queue-later", "county", "/today?bucket=later", "duties that are far off"),
    Shown("empty", "county", "/today?scope=mine", "an empty list says what was checked"),
    Shown("found", "county", "/find?q={person}", "what a search has found, and where each hit stands"),
    Shown("alert", "county", "/alerts/{late}", "why, who, by when; the form of the missing answer", printed=True),
    Shown("alert-critical", "county", "/alerts/{critical}", "a critical alert and its ladder"),
    Shown("alert-open", "county", "/alerts/{late}?do=snooze", "an action that asks for something"),
    Shown("alert-ended", "county", "/alerts/{ended}", "a resolved alert keeps everything"),
    Shown("people", "county", "/people", "persons of the county, the late ones first"),
    Shown("person", "county", "/people/{person}", "expected beside actual", printed=True, landscape=True),
    Shown("releases", "county", "/releases", "who comes in the next weeks, and what is missing"),
    Shown("obligations", "county", "/obligations", "the cases behind a figure"),
    Shown("scoreboard", "city", "/scoreboard", "counties side by side, each cell opens its duties"),
    Shown(
        "five-works",
        "city",
        "/five-works",
        "works and counties, prisons by what they owe",
        printed=True,
        landscape=True,
    ),
    Shown("figures", "city", "/scoreboard/figures", "every figure with what it is of"),
    Shown("figure", "city", "/scoreboard/figures/registered", "one figure by place and day"),
    Shown("feeds", "platform", "/feeds?show=all", "who tells us something, and who has fallen silent"),
    Shown("feeds-county", "county", "/feeds", "the feeds that a county's list depends on"),
    Shown("feed", "platform", "/feeds{source}", "one publisher: gaps, delays, what it withheld"),
    Shown("dead-letters", "platform", "/dead-letters", "what was not understood, by reason"),
    Shown("dead-letter-group", "platform", "/dead-letters/{group}", "one reason's records, never a value"),
    Shown("redrive", "platform", "/redrive/{redrive}", "what replaying would do, before it is done"),
    Shown("rules", "rules-2", "/rules", "a rule as a sentence, on its article"),
    Shown("rules-diff", "rules-2", "/rules/diff/cn-default%401/draft%401", "what differs between two books"),
    Shown("rule-changes", "rules-2", "/rules/changes", "what another has proposed, to be approved"),
    Shown("propose", "province", "/rules/changes?run={run}", "the form to propose what was tried"),
    Shown("whatif", "rules-1", "/whatif", "the form to try another book, and the runs"),
    Shown("whatif-run", "province", "/whatif/{run}", "what another book would have changed"),
    Shown("whatif-rules", "rules-1", "/whatif/{run}?by=rule", "the same by rule, small numbers hidden"),
    Shown("whatif-alerts", "province", "/whatif/{run}/alerts", "the alerts behind a number"),
    Shown("audit", "auditor", "/audit", "who read whom, and whether the chain holds"),
    Shown("users", "platform", "/users", "who may log in, as what"),
    Shown("settings", "county", "/settings", "my view"),
    Shown("password", "county", "/password", "another password of one's own"),
    Shown("missing", "county", "/nothing", "what is not there, or may not be known"),
    Shown("denied", "rules-1", "/today", "a page that the role lacks"),
)  # a new page: its line here; what stands in the menu is covered even without


def pages(paths: Iterable[str]) -> tuple[Shown, ...]:
    """The table, and each page of the menu that the console has and the table has not."""
    known, named = set(paths), {one.path.partition("?")[0] for one in TABLE}
    rest = [(one.name, one.menu) for one in MENU if one.menu in known and one.menu not in named]
    return (*TABLE, *(Shown(name.replace("_", "-"), _first(name), path, "a page of the menu") for name, path in rest))


def _first(kind: str) -> str:
    return next(one.login for one in DEMO_USERS if kind in OF_ROLE[one.role])  # type: ignore[index]


def address(engine: Engine, one: Shown) -> str:
    """Its path, with what it names found in the read model."""
    with engine.connect() as connection:
        wanted = {name: find(connection) for name, find in _FOUND.items() if f"{{{name}}}" in one.path}
    return one.path.format(**wanted)


def _alert(*conditions: object) -> Callable[[Connection], str]:
    ours = alert.c.jurisdiction.startswith(_COUNTY)
    wanted = select(alert.c.alert_id).where(ours, *conditions)  # type: ignore[arg-type]
    return lambda connection: str(
        connection.execute(wanted.order_by(alert.c.due_at, alert.c.alert_id)).scalars().first()
    )


def _person(connection: Connection) -> str:
    """Somebody with something late and something done."""
    late = select(alert.c.subject).where(alert.c.state == "firing", alert.c.rule_id == "B08")
    wanted = select(handover.c.subject).where(handover.c.jurisdiction.startswith(_COUNTY), handover.c.subject.in_(late))
    return str(connection.execute(wanted.order_by(handover.c.subject)).scalars().first())


def _first_of(column: Column[str], *conditions: ColumnElement[bool]) -> Callable[[Connection], str]:
    wanted = select(column).where(*conditions).order_by(column)
    return lambda connection: str(connection.execute(wanted).scalars().first())


_FIRING = alert.c.state == "firing"
_FOUND: dict[str, Callable[[Connection], str]] = {
    "late": _alert(_FIRING, alert.c.rule_id == "B08"),
    "critical": _alert(_FIRING, alert.c.severity == "CRIT"),
    "ended": _alert(alert.c.state != "firing"),
    "person": _person,
    "source": _first_of(publisher.c.source, publisher.c.source.startswith("/agencies/PRISON-")),
    "group": lambda connection: dead_letters.list_groups(connection)[0].group_id,
    "redrive": _first_of(redrive.c.redrive_id),
    "run": _first_of(whatif_run.c.run_id),
}
