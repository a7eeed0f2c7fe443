"""/rules/changes: what is proposed, who approves it, and whether the pipeline has it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from console.db.rows import ListedProposal
from console.rules import change_proposals, rule_text, whatif_store
from console.rules.book_view import list_books
from console.rules.books import read_books
from console.rules.change_service import (
    decide_proposal,
    propose_calendar,
    propose_rules,
    read_effective_at,
)
from console.text.formatter import Words
from console.web.forms import InvalidForm, describe_errors
from console.web.request import Form, NotAllowed, Visitor, form, page, redirect, render

router = APIRouter()
_NOTHING_TYPED = dict.fromkeys(("book", "effective", "open", "run", "year", "holidays", "workdays"), "")


@router.get("/rules/changes")
def list_changes(request: Request, visitor: Annotated[Visitor, Depends(page("rules"))]) -> Response:
    """What has been proposed, and the forms to propose; ?run= is the what-if whose book is proposed."""
    return render_changes(visitor, typed={"run": request.query_params.get("run", "")})


def render_changes(
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
        found = read_books(site, connection, site.now())
        rows = change_proposals.list_proposals(connection)
        run = whatif_store.find(connection, typed["run"]) if typed["run"] else None
    return render(
        visitor,
        "rule_changes.html",
        status=status,
        rows=[_present_proposal(visitor, row) for row in rows],
        run=run,
        latest=found.latest.book,
        suggested=suggest_name(found.latest.book, set(found.known)),
        may_propose=visitor.may("propose_rules"),
        typed=typed,
        errors=dict(errors or {}),
        books_nav=list_books(visitor.words, found, "changes"),
    )


def suggest_name(book: str, taken: set[str]) -> str:
    """The name of the next version: cn-default@1 → cn-default@2."""
    stem, _, number = book.rpartition("@")
    if not stem or not number.isdecimal():
        return f"{book}-2"
    at = int(number) + 1
    while f"{stem}@{at}" in taken:
        at += 1
    return f"{stem}@{at}"


def _present_proposal(visitor: Visitor, row: ListedProposal) -> dict[str, Any]:
    words, data = visitor.words, row["data"]
    moves = change_proposals.describe_moves(row)
    return {
        "id": row["proposal_id"],
        "kind": row["kind"],
        "title": data["book"] if row["kind"] == change_proposals.RULES else _describe_calendar(words, data),
        "lines": _list_changes(data)
        if row["kind"] == change_proposals.RULES
        else [*_list_days("-", data["holidays"]), *_list_days("+", data["workdays"])],
        "effective": words.limit(datetime.fromisoformat(data["effective_from"]))
        if row["kind"] == change_proposals.RULES
        else "",
        "open": data.get("apply_to_open"),
        "stage": row["stage"],
        "by": words.t("change.by", by=row["login"], at=words.at(row["proposed_at"])),
        "decided": words.t("change.decided", by=row["decided_by"], at=words.at(row["decided_at"]))
        if row["decided_at"] is not None
        else "",
        "moves": words.t(moves[0], **moves[1]) if moves else "",
        "run": row["run_id"],
        "own": row["user_id"] == visitor.user.user_id,
        "may": [one for one in change_proposals.DECISIONS if change_proposals.may_decide(row, visitor.user, one)],
    }


def _describe_calendar(words: Words, data: Mapping[str, Any]) -> str:
    return words.t("change.calendar", year=data["year"], holidays=len(data["holidays"]), workdays=len(data["workdays"]))


def _list_changes(data: Mapping[str, Any]) -> list[str]:
    found = []
    for one in data["changes"]:
        part = f" ({one['part']})" if one.get("part") else ""
        found += [f"{one['rule_id']}{part} {key} = {rule_text.format_value(new)}" for key, new in one["set"].items()]
    return found


def _list_days(sign: str, days: list[str]) -> list[str]:
    return [f"{sign} {day}" for day in days]


# --- what is sent


@router.post("/rules/changes")
def propose_change(request: Request, sent: Annotated[Form, Depends(form("rules"))]) -> Response:
    """Propose the book of a what-if as the next version, or a calendar."""
    visitor = sent.visitor
    if not visitor.may("propose_rules"):
        raise NotAllowed("propose_rules")
    try:
        if sent["kind"] == change_proposals.CALENDAR:
            propose_calendar(visitor, sent["year"], sent["holidays"], sent["workdays"])
        else:
            propose_rules(
                visitor,
                sent["run"],
                sent["book"],
                read_effective_at(sent["effective"]),
                open_too=sent["open"] == "yes",
            )
    except InvalidForm as invalid:
        return render_changes(
            visitor, status=422, typed=sent.fields, errors=describe_errors(visitor.words, invalid.errors)
        )
    return redirect("/rules/changes")


@router.post("/rules/changes/{proposal_id}/{decision}")
def decide_change(
    request: Request, proposal_id: str, decision: str, sent: Annotated[Form, Depends(form("rules"))]
) -> Response:
    """Approve (another person than who proposed), refuse or withdraw."""
    visitor = sent.visitor
    try:
        decide_proposal(visitor, proposal_id, decision)
    except InvalidForm as invalid:
        return render_changes(visitor, status=409, errors=describe_errors(visitor.words, invalid.errors))
    return redirect("/rules/changes")
