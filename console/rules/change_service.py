"""Proposing and deciding changes of rules, as the page and the API do."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from console.audit import log as audit
from console.db.rows import RunRow
from console.rules import change_proposals, whatif_store
from console.rules.books import read_books
from console.web.forms import InvalidForm, to_china_time
from console.web.request import NotAllowed, NotFound, Visitor
from handover.rules.rulebook import InvalidRuleBook, RuleBook


def propose_rules(visitor: Visitor, run_id: str, name: str, effective: datetime | None, *, open_too: bool) -> str:
    """Propose the book that a run tried; the proposal's id. Raise InvalidForm, NotFound."""
    site = visitor.site
    with site.engine.connect() as connection:
        run = whatif_store.find(connection, run_id)
        found = read_books(site, connection, site.now())
    if run is None:
        raise NotFound
    data = change_proposals.build_rules_data(found, read_draft(run), name, effective, site.now(), open_too=open_too)
    return _store_proposal(visitor, change_proposals.RULES, data, found.latest.book, run_id)


def read_draft(run: RunRow) -> RuleBook:
    """The book of a run. Raise InvalidForm where it cannot be read any more."""
    try:
        return whatif_store.read_book(run)
    except (InvalidRuleBook, OSError) as error:
        raise InvalidForm({"form": ("change.not_tellable", {"what": str(error)})}) from None


def propose_calendar(visitor: Visitor, year: str, holidays: str, workdays: str) -> str:
    """Propose the working days of a year; the proposal's id. Raise InvalidForm."""
    data = change_proposals.build_calendar_data(year, holidays, workdays)
    return _store_proposal(visitor, change_proposals.CALENDAR, data, "", None)


def _store_proposal(visitor: Visitor, kind: str, data: Mapping[str, Any], base: str, run_id: str | None) -> str:
    site, user = visitor.site, visitor.user
    proposal_id = change_proposals.propose(site, user, kind, data, base, run_id)
    audit.record(site, user, "rules_proposed", about=proposal_id, details={"kind": kind})
    visitor.request.app.state.runs.wake()  # it finds how many open obligations would move
    return proposal_id


def read_effective_at(text: str) -> datetime | None:
    """An instant as a form sends it; None for none. Raise InvalidForm."""
    try:
        return to_china_time(datetime.fromisoformat(text)) if text else None
    except InvalidForm:
        raise InvalidForm({"effective": ("change.error.effective", {})}) from None
    except ValueError:
        return None


def decide_proposal(visitor: Visitor, proposal_id: str, decision: str) -> None:
    """Decide. Raise NotFound, NotAllowed, and InvalidForm where it cannot be decided any more or Kafka is away."""
    site = visitor.site
    if decision not in change_proposals.DECISIONS:
        raise NotFound
    needed = "propose_rules" if decision == "withdraw" else "approve_rules"
    if not visitor.may(needed):
        raise NotAllowed(needed)
    with site.engine.connect() as connection:
        row = change_proposals.find_proposal(connection, proposal_id)
        latest = read_books(site, connection, site.now()).latest.book
    if row is None:
        raise NotFound
    if row["state"] == "proposed" and not change_proposals.may_decide(row, visitor.user, decision):
        raise InvalidForm({"form": ("change.not_own", {})})
    away = visitor.request.app.state.publisher.away_since
    if decision == "approve" and away is not None:
        raise InvalidForm({"form": ("problem.kafka.what", {"since": visitor.words.at(away)})})
    if row["state"] != "proposed" or not change_proposals.decide(site, visitor.user, row, decision, latest):
        raise InvalidForm({"form": ("change.error.decided", {})})
    persons = {"first": row["login"], "second": visitor.user.login}
    audit.record(site, visitor.user, "rules_approved", about=proposal_id, details={"decision": decision, **persons})
