"""Changes of rules and calendars by two persons: one proposes, another approves, then the event is published."""

import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Engine, select

from console.auth.users import User
from console.db.reading import read_all, read_first
from console.db.rows import ListedProposal, ProposalRow, SentProposal
from console.db.tables import pending, proposal
from console.outbox import outbox
from console.outbox.action_events import build_announcement
from console.rules.books import Books
from console.web.forms import FieldError, InvalidForm
from console.web.site import Site
from console.web.values import read_number
from handover.analysis.rule_impact import KINDS, Kind
from handover.rules.diff import NotTellable, as_changes
from handover.rules.rulebook import InvalidRuleBook, RuleBook
from schemas.envelope import Event
from schemas.instants import FIRST_YEAR, LAST_YEAR, show

RULES, CALENDAR = "rules", "calendar"
TYPES: Mapping[str, str] = {
    RULES: "reentry.system.rules_changed.v1",
    CALENDAR: "reentry.system.calendar_published.v1",
}
DECISIONS = ("approve", "refuse", "withdraw")
_NAME = re.compile(r"[A-Za-z0-9._@-]{1,64}")
_SHOWN = 50
_UNDER_WAY = ("waiting", "sending", "published")


def build_rules_data(
    books: Books, draft: RuleBook, name: str, effective: datetime | None, now: datetime, *, open_too: bool
) -> dict[str, Any]:
    """The payload that makes the latest version into `draft`, named `name`. Raise InvalidForm with what is wrong by field."""
    errors: dict[str, FieldError] = {}
    names = {version.book.book for version in books.versions}
    if not _NAME.fullmatch(name) or name in names:
        errors["book"] = ("change.error.book", {})
    if effective is None or effective <= now:
        errors["effective"] = ("change.error.effective", {})
    try:
        changes = as_changes(books.latest, draft)
    except NotTellable as error:
        raise InvalidForm({**errors, "form": ("change.not_tellable", {"what": str(error)})}) from None
    if not changes:
        errors["form"] = ("change.nothing", {})
    if errors or effective is None:
        raise InvalidForm(errors)
    try:
        books.latest.changed(name, changes)
    except InvalidRuleBook as error:
        raise InvalidForm({"form": ("change.not_tellable", {"what": str(error)})}) from None
    return {"book": name, "effective_from": show(effective), "apply_to_open": open_too, "changes": changes}


def build_calendar_data(year: str, holidays: str, workdays: str) -> dict[str, Any]:
    """The payload that publishes a year: dates stand one a line, or apart by commas or spaces. Raise InvalidForm."""
    number = read_number(year, digits=4)
    if number is None or not FIRST_YEAR < number < LAST_YEAR:
        raise InvalidForm({"year": ("change.error.year", {})})
    errors: dict[str, FieldError] = {}
    found: dict[str, list[date]] = {}
    for name, text in (("holidays", holidays), ("workdays", workdays)):
        found[name] = []
        for word in re.split(r"[\s,，、;；]+", text.strip()):
            day = _read_day(word) if word else None
            if day is not None and abs(day.year - number) <= 1:
                found[name].append(day)
            elif word:
                errors.setdefault(name, ("change.error.days", {"what": word[:20]}))
    if both := sorted(set(found["holidays"]) & set(found["workdays"])):
        errors.setdefault("workdays", ("change.error.both", {"what": both[0].isoformat()}))
    if not found["holidays"]:
        errors.setdefault("holidays", ("error.missing", {}))
    if errors:
        raise InvalidForm(errors)
    days = {name: [day.isoformat() for day in sorted(set(some))] for name, some in found.items()}
    return {"year": number, "status": "published", **days}


def _read_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def propose(site: Site, user: User, kind: str, data: Mapping[str, Any], base: str, run_id: str | None) -> str:
    """Keep a proposal that the contract accepts; its id. One change at a time: the next is made from what this one makes. Raise InvalidForm."""
    build_announcement("approve_rules", TYPES[kind], user, data, site.now())
    proposal_id = secrets.token_hex(6)
    with site.engine.begin() as connection:
        if any(one["kind"] == kind and is_open(one) for one in list_proposals(connection)):
            raise InvalidForm({"form": ("change.error.pending", {})})
        connection.execute(
            proposal.insert().values(
                proposal_id=proposal_id,
                kind=kind,
                data=dict(data),
                base=base,
                run_id=run_id,
                user_id=user.user_id,
                login=user.login,
                proposed_at=site.now(),
                state="proposed",
            )
        )
    return proposal_id


def list_proposals(connection: Connection) -> list[ListedProposal]:
    """The newest proposals; `stage` says how far each is: also whether its event has been published, and come back."""
    joined = proposal.outerjoin(pending, pending.c.event_id == proposal.c.event_id)
    wanted = select(proposal, pending.c.state.label("sent")).select_from(joined)
    newest = wanted.order_by(proposal.c.proposed_at.desc(), proposal.c.proposal_id).limit(_SHOWN)
    return [{**row, "stage": _find_stage(row)} for row in read_all(connection, newest, SentProposal)]


def _find_stage(row: SentProposal) -> str:
    if row["state"] != "approved":
        return row["state"]
    sent = row["sent"] or "recorded"  # long since: the publisher's table has forgotten it
    return "waiting" if sent == "sending" else sent


def is_open(row: ListedProposal) -> bool:
    """Whether something is still to happen to it."""
    return row["stage"] == "proposed" or row["stage"] in _UNDER_WAY


def find_proposal(connection: Connection, proposal_id: str) -> ProposalRow | None:
    """One proposal."""
    return read_first(connection, select(proposal).where(proposal.c.proposal_id == proposal_id), ProposalRow)


def may_decide(row: ProposalRow, user: User, decision: str) -> bool:
    """Who proposed may only withdraw; another person with the right may approve or refuse."""
    own = bool(row["user_id"] == user.user_id)
    if row["state"] != "proposed":
        return False
    return own if decision == "withdraw" else not own and user.scope.may("approve_rules")


def decide(site: Site, user: User, row: ProposalRow, decision: str, latest: str) -> bool:
    """Approve, refuse or withdraw; False: somebody was quicker. `latest` is the newest version now. Raise InvalidForm."""
    values: dict[str, Any] = {"decided_by": user.login, "decided_at": site.now()}
    asked = None
    if decision == "approve":
        _check_still(row, latest, site.now())
        asked = build_announcement("approve_rules", TYPES[row["kind"]], user, row["data"], site.now())
        values |= {"state": "approved", "event_id": asked.event_id}
    else:
        values |= {"state": "refused" if decision == "refuse" else "withdrawn"}
    with site.engine.begin() as connection:
        mine = (proposal.c.proposal_id == row["proposal_id"], proposal.c.state == "proposed")
        if not connection.execute(proposal.update().where(*mine).values(**values)).rowcount:
            return False
        if asked is not None:
            outbox.store_announcement(
                connection, asked, row["proposal_id"], user.user_id, site.wall(), site.config.undo
            )
    return True


def _check_still(row: ProposalRow, latest: str, now: datetime) -> None:
    if row["kind"] != RULES:
        return
    if row["base"] != latest:
        raise InvalidForm({"form": ("change.error.stale", {})})
    if datetime.fromisoformat(row["data"]["effective_from"]) <= now:
        raise InvalidForm({"form": ("change.error.late", {})})


# --- how many open obligations would move


def list_uncounted(engine: Engine) -> list[str]:
    """Proposals of which it is not known yet how many obligations they would move."""
    wanted = select(proposal.c.proposal_id, proposal.c.moves).where(proposal.c.state == "proposed")
    with engine.connect() as connection:
        return [row.proposal_id for row in connection.execute(wanted) if row.moves is None]


def set_moves(engine: Engine, proposal_id: str, counts: Mapping[Kind, int]) -> None:
    """Keep the counts; none at all where they could not be found."""
    with engine.begin() as connection:
        one = proposal.update().where(proposal.c.proposal_id == proposal_id)
        connection.execute(one.values(moves=dict(counts)))


def build_event(row: ProposalRow) -> Event:
    """The event that approval would publish, told when it was proposed."""
    source = f"/proposals/{row['proposal_id']}"
    return Event(row["proposal_id"], source, TYPES[row["kind"]], source, row["proposed_at"], row["data"])


def find_effect_time(row: ProposalRow) -> datetime:
    """When it takes effect at the earliest."""
    at: datetime = row["proposed_at"]
    return max(at, datetime.fromisoformat(row["data"]["effective_from"])) if row["kind"] == RULES else at


def list_touched_rules(row: ProposalRow, every: Sequence[str]) -> set[str]:
    """The rules whose obligations it can move."""
    return {change["rule_id"] for change in row["data"]["changes"]} if row["kind"] == RULES else set(every)


def describe_moves(row: ProposalRow) -> tuple[str, dict[str, int]] | None:
    """The key of the sentence with its values; None while it is being found."""
    if row["moves"] is None:
        return None
    if not row["moves"]:
        return "change.moves.unknown", {}
    counts: dict[str, int] = {kind: int(row["moves"][kind]) for kind in KINDS}
    total = sum(counts.values())
    return ("change.moves", {"n": total, **counts}) if total else ("change.moves.none", {})
