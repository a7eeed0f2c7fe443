"""/rules/changes: what is proposed, who approves it, and whether the pipeline has it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from console.audit import log as audit
from console.auth.users import User
from console.rules import change_proposals, rule_text, whatif_store
from console.rules.books import books
from console.rules.routes import nav
from console.text.formatter import Words
from console.web.forms import InvalidForm, describe_errors, to_china_time
from console.web.request import Form, NotAllowed, NotFound, Visitor, form, page, redirect, render
from console.web.site import Site
from handover.rules.rulebook import InvalidRuleBook, RuleBook

router = APIRouter()
_NOTHING_TYPED = dict.fromkeys(("book", "effective", "open", "run", "year", "holidays", "workdays"), "")


@router.get("/rules/changes")
def changes(request: Request, visitor: Annotated[Visitor, Depends(page("rules"))]) -> Response:
    """What has been proposed, and the forms to propose; ?run= is the what-if whose book is proposed."""
    return page_of(visitor, typed={"run": request.query_params.get("run", "")})


def page_of(
    visitor: Visitor,
    *,
    status: int = 200,
    typed: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
) -> Response:
    """The page, with what was typed and what was wrong with it."""
    site = visitor.site
    typed = {**_NOTHING_TYPED, **(typed or {})}
    with site.engine.connect() as connection:
        found = books(site, connection, site.now())
        rows = change_proposals.listing(connection)
        run = whatif_store.find(connection, typed["run"]) if typed["run"] else None
    return render(
        visitor,
        "rule_changes.html",
        status=status,
        rows=[_shown(visitor, row) for row in rows],
        run=run,
        latest=found.latest.book,
        suggested=following(found.latest.book, set(found.known)),
        may_propose=visitor.may("propose_rules"),
        typed=typed,
        errors=dict(errors or {}),
        books_nav=nav(visitor.words, found, "changes"),
    )


def following(book: str, taken: set[str]) -> str:
    """The name of the next version: cn-default@1 → cn-default@2."""
    stem, _, number = book.rpartition("@")
    if not stem or not number.isdecimal():
        return f"{book}-2"
    at = int(number) + 1
    while f"{stem}@{at}" in taken:
        at += 1
    return f"{stem}@{at}"


def _shown(visitor: Visitor, row: Mapping[str, Any]) -> dict[str, Any]:
    words, data = visitor.words, row["data"]
    moves = change_proposals.moves_said(row)
    return {
        "id": row["proposal_id"],
        "kind": row["kind"],
        "title": data["book"] if row["kind"] == change_proposals.RULES else _calendar(words, data),
        "lines": _lines(data)
        if row["kind"] == change_proposals.RULES
        else [*_days("-", data["holidays"]), *_days("+", data["workdays"])],
        "effective": words.limit(datetime.fromisoformat(data["effective_from"]))
        if row["kind"] == change_proposals.RULES
        else "",
        "open": data.get("apply_to_open"),
        "stage": row["stage"],
        "by": words.t("change.by", by=row["login"], at=words.at(row["proposed_at"])),
        "decided": words.t("change.decided", by=row["decided_by"], at=words.at(row["decided_at"]))
        if row["decided_by"]
        else "",
        "moves": words.t(moves[0], **moves[1]) if moves else "",
        "run": row["run_id"],
        "own": row["user_id"] == visitor.user.user_id,
        "may": [one for one in change_proposals.DECISIONS if change_proposals.may_decide(row, visitor.user, one)],
    }


def _calendar(words: Words, data: Mapping[str, Any]) -> str:
    return words.t("change.calendar", year=data["year"], holidays=len(data["holidays"]), workdays=len(data["workdays"]))


def _lines(data: Mapping[str, Any]) -> list[str]:
    found = []
    for one in data["changes"]:
        part = f" ({one['part']})" if one.get("part") else ""
        found += [f"{one['rule_id']}{part} {key} = {rule_text.value(new)}" for key, new in one["set"].items()]
    return found


def _days(sign: str, days: list[str]) -> list[str]:
    return [f"{sign} {day}" for day in days]


# --- what is sent


@router.post("/rules/changes")
def propose(request: Request, sent: Annotated[Form, Depends(form("rules"))]) -> Response:
    """Propose the book of a what-if as the next version, or a calendar."""
    visitor = sent.visitor
    if not visitor.may("propose_rules"):
        raise NotAllowed("propose_rules")
    try:
        if sent["kind"] == change_proposals.CALENDAR:
            propose_calendar(request, visitor, sent["year"], sent["holidays"], sent["workdays"])
        else:
            propose_rules(
                request,
                visitor,
                sent["run"],
                sent["book"],
                instant_of(sent["effective"]),
                open_too=sent["open"] == "yes",
            )
    except InvalidForm as invalid:
        return page_of(visitor, status=422, typed=sent.fields, errors=describe_errors(visitor.words, invalid.errors))
    return redirect("/rules/changes")


def propose_rules(
    request: Request, visitor: Visitor, run_id: str, name: str, effective: datetime | None, *, open_too: bool
) -> str:
    """Propose the book that a run tried; the proposal's id. Raise InvalidForm, NotFound."""
    site = visitor.site
    with site.engine.connect() as connection:
        run = whatif_store.find(connection, run_id)
        found = books(site, connection, site.now())
    if run is None:
        raise NotFound
    data = change_proposals.rules_data(found, draft_of(run), name, effective, site.now(), open_too=open_too)
    return _proposed(request, site, visitor.user, change_proposals.RULES, data, found.latest.book, run_id)


def draft_of(run: Mapping[str, Any]) -> RuleBook:
    """The book of a run. Raise InvalidForm where it cannot be read any more."""
    try:
        return whatif_store.book_of(run)
    except (InvalidRuleBook, OSError) as error:
        raise InvalidForm({"form": ("change.not_tellable", {"what": str(error)})}) from None


def propose_calendar(request: Request, visitor: Visitor, year: str, holidays: str, workdays: str) -> str:
    """Propose the working days of a year; the proposal's id. Raise InvalidForm."""
    data = change_proposals.calendar_data(year, holidays, workdays)
    return _proposed(request, visitor.site, visitor.user, change_proposals.CALENDAR, data, "", None)


def _proposed(
    request: Request, site: Site, user: User, kind: str, data: Mapping[str, Any], base: str, run_id: str | None
) -> str:
    proposal_id = change_proposals.propose(site, user, kind, data, base, run_id)
    audit.record(site, user, "rules_proposed", about=proposal_id, details={"kind": kind})
    request.app.state.runs.wake()  # it finds how many open duties would move
    return proposal_id


def instant_of(text: str) -> datetime | None:
    """An instant as a form sends it; None for none. Raise InvalidForm."""
    try:
        return to_china_time(datetime.fromisoformat(text)) if text else None
    except InvalidForm:
        raise InvalidForm({"effective": ("change.error.effective", {})}) from None
    except ValueError:
        return None


@router.post("/rules/changes/{proposal_id}/{decision}")
def decide(
    request: Request, proposal_id: str, decision: str, sent: Annotated[Form, Depends(form("rules"))]
) -> Response:
    """Approve (another person than who proposed), refuse or withdraw."""
    visitor = sent.visitor
    try:
        decided(request, visitor, proposal_id, decision)
    except InvalidForm as invalid:
        return page_of(visitor, status=409, errors=describe_errors(visitor.words, invalid.errors))
    return redirect("/rules/changes")


def decided(request: Request, visitor: Visitor, proposal_id: str, decision: str) -> None:
    """Decide. Raise NotFound, NotAllowed, and InvalidForm where it cannot be decided any more or Kafka is away."""
    site = visitor.site
    if decision not in change_proposals.DECISIONS:
        raise NotFound
    needed = "propose_rules" if decision == "withdraw" else "approve_rules"
    if not visitor.may(needed):
        raise NotAllowed(needed)
    with site.engine.connect() as connection:
        row = change_proposals.find(connection, proposal_id)
        latest = books(site, connection, site.now()).latest.book
    if row is None:
        raise NotFound
    if row["state"] == "proposed" and not change_proposals.may_decide(row, visitor.user, decision):
        raise InvalidForm({"form": ("change.not_own", {})})
    away = request.app.state.publisher.away_since
    if decision == "approve" and away is not None:
        raise InvalidForm({"form": ("problem.kafka.what", {"since": visitor.words.at(away)})})
    if row["state"] != "proposed" or not change_proposals.decide(site, visitor.user, row, decision, latest):
        raise InvalidForm({"form": ("change.error.decided", {})})
    persons = {"first": row["login"], "second": visitor.user.login}
    audit.record(site, visitor.user, "rules_approved", about=proposal_id, details={"decision": decision, **persons})
