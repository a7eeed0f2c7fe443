"""/redrive: what happens if we replay it? Always a preview first; then run, stopped when asked; or dropped, with a reason."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, get_args

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from console.db.rows import ListedRedriveLetter
from console.dead_letters import redrive_store
from console.dead_letters.query import describe_publisher, describe_reason
from console.dead_letters.redrive_service import ACTIONS, apply_decision, ask_redrive, check_allowed, find_redrive
from console.outbox.action_events import check_note
from console.text.formatter import Words
from console.web.forms import describe_errors
from console.web.request import Form, NotFound, Visitor, form, page, redirect, render
from console.web.values import read_number
from schemas.dead_letter import TRIES
from schemas.instants import instant
from schemas.invalid import Reason

router = APIRouter()
_CHANGES_SHOWN = 100
_PROGRESS = ("asked", "running", "stopping")


@router.post("/redrive")
def ask_for_redrive(sent: Annotated[Form, Depends(form("dead_letters"))]) -> Response:
    """Ask what redriving the chosen groups and dead letters would do."""
    visitor = sent.visitor
    check_allowed(visitor, "redrive")
    groups, letters = sent.many.get("group", []), sent.many.get("letter", [])
    redrive_id = ask_redrive(visitor, groups, letters)
    return redirect(f"/redrive/{redrive_id}" if redrive_id else "/dead-letters?none=1")


@router.get("/redrive/{redrive_id}")
def show_redrive(
    request: Request, redrive_id: str, visitor: Annotated[Visitor, Depends(page("dead_letters"))]
) -> Response:
    """A redrive: what it would do, how far it is, what became of each dead letter; ?after=."""
    after = request.query_params.get("after", "")
    return render_redrive(
        request, visitor, redrive_id, after=-1 if (number := read_number(after, digits=8)) is None else number
    )


def render_redrive(
    request: Request,
    visitor: Visitor,
    redrive_id: str,
    *,
    after: int = -1,
    status: int = 200,
    notice: str = "",
    errors: Mapping[str, str] | None = None,
    note: str = "",
) -> Response:
    """The page of a redrive, with what was typed and what was wrong with it."""
    site, words, row = visitor.site, visitor.words, find_redrive(visitor, redrive_id)
    most = site.config.page_rows
    with site.engine.connect() as connection:
        counts = redrive_store.count_letters(connection, redrive_id)
        rows = redrive_store.list_letters(connection, redrive_id, after, most + 1)
        outcomes = redrive_store.find_outcomes(connection, rows[:most])
    more, rows = len(rows) > most, rows[:most]
    away = request.app.state.publisher.away_since
    total, left = sum(counts.values()), counts["passes"] if row["state"] != "asked" else 0
    return render(
        visitor,
        "redrive.html",
        status=status,
        row=row,
        works=row["state"] in _PROGRESS,
        state=words.t(f"redrive.state.{row['state']}"),
        asked=words.t("redrive.asked", by=row["asked_by"], at=words.at(row["asked_at"])),
        counts=counts,
        total=total,
        left=left,
        preview=present_preview(words, row["preview"]) if row["preview"] else None,
        speed=words.t(
            "redrive.speed",
            rate=f"{site.config.redrive_per_second:g}",
            n=_estimate_seconds(left, site.config.redrive_per_second),
        ),
        tries=TRIES,
        letters=[_present_letter(words, one, outcomes) for one in rows],
        following=f"/redrive/{redrive_id}?after={rows[-1]['number']}" if more else "",
        away=words.t("problem.kafka.what", since=words.at(away)) if away is not None else "",
        failure=words.t("redrive.failure.kafka") if row["failure"] == "KAFKA" else row["failure"] or "",
        notice=notice,
        errors=errors or {},
        note=note,
    )


def _estimate_seconds(n: int, rate: float) -> int:
    return max(1, round(n / rate))


def present_preview(words: Words, told: Mapping[str, Any]) -> dict[str, Any]:
    """What would happen, in words."""
    changes = told["changes"]
    return {
        "at": words.at(instant(told["at"])),
        "passes": told["passes"],
        "known": told["known"],
        "topics": told["topics"],
        "stays": [_present_staying(words, one) for one in told["stays"]],
        "failing": sum(one["n"] for one in told["stays"]),
        "counts": {kind: sum(one["kind"] == kind for one in changes) for kind in ("ends", "appears", "changes")},
        "changes": [_present_change(words, one) for one in changes[:_CHANGES_SHOWN]],
        "more": max(0, len(changes) - _CHANGES_SHOWN),
        "subjects": told["subjects"],
        "events": told["events"],
    }  # fmt: skip


def _present_staying(words: Words, one: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "text": describe_reason(words, one["reason"]),
        "message": _limit_message(one["reason"], one["message"]),
        "n": one["n"],
    }


def _limit_message(reason: str | None, message: str) -> str:
    """What is wrong where, for the reasons of the contract; ours are said in words."""
    return message if reason in get_args(Reason) else ""


def _present_change(words: Words, one: Mapping[str, Any]) -> dict[str, Any]:
    what = {
        "ends": lambda: words.t("redrive.ends.as", outcome=words.t(f"outcome.{one['outcome']}")),
        "appears": lambda: words.t("redrive.appears"),
        "changes": lambda: words.t(f"redrive.changes.{one['what']}"),
    }[one["kind"]]()
    return {
        "kind": one["kind"],
        "what": what,
        "severity": one["severity"],
        "rule": f"{one['rule_id']} {words.rule(one['rule_id'], one['occurrence'])}",
        "no": words.alert_no(one["alert_id"]),
        "owner": words.agency(one["owner_agency"]),
        "place": words.place(one["jurisdiction"]),
        "due": words.before(datetime.fromisoformat(one["due_at"])),
    }


def _present_letter(words: Words, one: ListedRedriveLetter, outcomes: Mapping[int, str]) -> dict[str, Any]:
    state = outcomes.get(one["number"], one["state"])
    return {
        "place": f"{one['partition']}:{one['offset']}",
        "reason": one["letter_reason"],
        "source": describe_publisher(words, one["letter_source"]),
        "path": " · ".join(filter(None, (one["letter_type"], one["letter_field"]))),
        "state": state,
        "text": words.t(f"redrive.letter.{state}"),
        "why": describe_reason(words, one["why"]) if one["why"] else "",
        "message": _limit_message(one["why"], one["message"] or ""),
        "at": words.log_at(one["sent_at"]) if one["sent_at"] else "",
    }


@router.post("/redrive/{redrive_id}/{what}")
def decide(
    request: Request, redrive_id: str, what: str, sent: Annotated[Form, Depends(form("dead_letters"))]
) -> Response:
    """Run it or go on, stop it, look again, or drop what it has not sent."""
    visitor = sent.visitor
    action = ACTIONS.get(what)
    if action is None:
        raise NotFound
    check_allowed(visitor, action)
    find_redrive(visitor, redrive_id)
    note = sent["note"]
    if what == "drop":
        errors = describe_errors(visitor.words, check_note(note, needed=True))
        if errors:
            return render_redrive(request, visitor, redrive_id, status=422, errors=errors, note=note)
    away = request.app.state.publisher.away_since
    if what == "run" and away is not None:
        notice = visitor.words.t("redrive.kafka", since=visitor.words.at(away))
        return render_redrive(request, visitor, redrive_id, status=503, notice=notice)
    if not apply_decision(visitor, redrive_id, what, note):
        return render_redrive(request, visitor, redrive_id, status=409, notice=visitor.words.t("redrive.conflict"))
    return redirect(f"/redrive/{redrive_id}")
