"""/api/v1 for operations: feeds, dead letters and redrives as their pages show them. No person stands in an answer."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from console.api.answers import ERRORS, PREFIX, Problem, check_kafka
from console.dead_letters import query as dead_letters
from console.dead_letters import redrive_service
from console.dead_letters import redrive_store as redrives
from console.feeds import baseline, status
from console.outbox.action_events import check_note
from console.web.forms import describe_errors
from console.web.request import NotFound, Visitor, page, sender

router = APIRouter(prefix=PREFIX, tags=["operations"])
_READ: dict[int | str, dict[str, Any]] = {code: ERRORS[code] for code in (401, 403)}
_FIND: dict[int | str, dict[str, Any]] = {code: ERRORS[code] for code in (401, 403, 404)}


class MissingNumbers(BaseModel):
    """Numbers of a topic that have not arrived."""

    topic: str
    last: int = Field(description="the last number that has")
    count: int
    ranges: list[tuple[int, int]] = Field(description="first and last missing number")


class FeedItem(BaseModel):
    """A publisher as it stands."""

    source: str
    state: Literal["silent", "gap", "late", "quiet", "unjudged", "ok"] = Field(
        description="unjudged: nothing is known against it, but alerts are not processed up to now"
    )
    last_at: datetime
    usual_gap_seconds: float | None = Field(description="99 of 100 gaps are not longer; null: too few to tell")
    lag_p95_seconds: float | None = Field(description="95 of 100 arrive within; null: too few to tell")
    hours: list[int] = Field(description="events in each of the last 24 hours, the present one last")
    sequences: list[MissingNumbers]
    alerts_held: int
    alerts: list[str] = Field(description="rules that fire about the feed itself")


class DayItem(BaseModel):
    """One local day of arrival."""

    day: str
    events: int
    lag_p95_seconds: float | None
    longest_gap_seconds: float | None
    missing: int | None = Field(description="by the manifest of that day; null: none was judged")


class FeedDetail(FeedItem):
    """A publisher, day by day."""

    dead_letters: int
    days: list[DayItem]


class GroupItem(BaseModel):
    """Dead letters that are wrong in the same way."""

    group: str
    reason: str
    source: str = Field(description="empty where the records do not tell it")
    type: str
    field: str = Field(description="the path that is wrong")
    message: str = Field(description="empty where they have several")
    count: int
    oldest: datetime


class LetterItem(BaseModel):
    """A dead letter, without key and value."""

    model_config = ConfigDict(extra="ignore")

    partition: int
    offset: int
    received_at: datetime
    original_topic: str
    original_partition: int
    original_offset: int
    message: str
    bytes: int | None
    redrives: int


class RedriveRequest(BaseModel):
    """What is to be previewed."""

    model_config = ConfigDict(extra="forbid")

    groups: list[str] = Field(default=[], max_length=500)
    letters: list[str] = Field(default=[], max_length=redrives.MOST, description="partition:offset")


class StoredRedrive(BaseModel):
    """A redrive that was asked for."""

    redrive: str


class DecisionNote(BaseModel):
    """Why."""

    model_config = ConfigDict(extra="forbid")

    note: str = Field(default="", max_length=400, description="needed to drop")


class RedriveStatus(BaseModel):
    """A redrive: what it would do, how far it is."""

    model_config = ConfigDict(extra="ignore")

    redrive: str
    state: str
    asked_by: str
    asked_at: datetime
    run_at: datetime | None
    done_at: datetime | None
    note: str | None
    failure: str | None
    counts: dict[str, int] = Field(description="dead letters by state: asked, passes, stays, sent, dropped")
    preview: dict[str, Any] | None = Field(
        description="passes, known, stays, changes (alerts), subjects and events replayed"
    )


@router.get("/feeds", responses=_READ)
def list_feeds(visitor: Annotated[Visitor, Depends(page("feeds"))]) -> list[FeedItem]:
    """Every feed that one's lists depend on, those in trouble first."""
    with visitor.site.engine.connect() as connection:
        return [FeedItem(**_describe_feed(one)) for one in status.read_feeds(connection, visitor)]


@router.get("/feeds/{source:path}", responses=_FIND)
def one_feed(
    source: str,
    visitor: Annotated[Visitor, Depends(page("feeds"))],
    days: Annotated[int, Query(ge=1, le=90)] = 30,
) -> FeedDetail:
    """One feed, by its source without the first slash: `agencies/PRISON-990100-01`."""
    site, name = visitor.site, f"/{source}"
    with site.engine.connect() as connection:
        found = status.read_feeds(connection, visitor, name)
        if not found:
            raise NotFound
        return FeedDetail(
            **_describe_feed(found[0]),
            dead_letters=status.count_dead_letters(connection, name),
            days=[
                DayItem(
                    day=one.day.isoformat(),
                    events=one.n,
                    lag_p95_seconds=_seconds(one.lag),
                    longest_gap_seconds=_seconds(one.gap),
                    missing=one.missing,
                )
                for one in baseline.read_days(connection, name, site.now(), days)
            ],
        )


def _describe_feed(one: status.Feed) -> dict[str, Any]:
    return {
        "source": one.source,
        "state": one.state,
        "last_at": one.last_at,
        "usual_gap_seconds": _seconds(one.habit.gap),
        "lag_p95_seconds": _seconds(one.habit.lag),
        "hours": list(one.hours),
        "sequences": [
            MissingNumbers(topic=told.topic, last=told.last, count=told.count, ranges=list(told.missing))
            for told in one.habit.numbers
        ],
        "alerts_held": one.held,
        "alerts": sorted({row["rule_id"] for row in one.alerts}),
    }


def _seconds(length: Any) -> float | None:
    return None if length is None else length.total_seconds()


@router.get("/dead-letters", responses=_READ)
def list_groups(
    visitor: Annotated[Visitor, Depends(page("dead_letters"))],
    reason: Annotated[str, Query(max_length=64)] = "",
    source: Annotated[str, Query(max_length=256, description='"-": not told')] = "",
) -> list[GroupItem]:
    """Pending dead letters by reason, publisher, type and path, the oldest first."""
    with visitor.site.engine.connect() as connection:
        found = dead_letters.list_groups(connection, reason, source)
    return [
        GroupItem(
            group=one.group_id, reason=one.reason, source=one.source, type=one.type, field=one.field, message=one.message,
            count=one.n, oldest=one.oldest,
        )
        for one in found
    ]  # fmt: skip


@router.get("/dead-letters/{group}", responses=_FIND)
def list_letters(
    group: str,
    visitor: Annotated[Visitor, Depends(page("dead_letters"))],
    after: Annotated[str, Query(max_length=32, description="partition:offset of the last one before")] = "",
) -> list[LetterItem]:
    """The dead letters of a group by place, a page of them."""
    with visitor.site.engine.connect() as connection:
        found = dead_letters.find_group(connection, group)
        if found is None:
            raise NotFound
        rows = dead_letters.list_letters(
            connection, found, dead_letters.read_place(after), visitor.site.config.page_rows
        )
    return [LetterItem.model_validate(row) for row in rows]


@router.post("/redrive", status_code=202, responses=ERRORS)
def preview(wanted: RedriveRequest, visitor: Annotated[Visitor, Depends(sender("dead_letters"))]) -> StoredRedrive:
    """Ask what redriving would do. Nothing is sent; look at the redrive until its state is `previewed`."""
    redrive_service.check_allowed(visitor, "redrive")
    redrive_id = redrive_service.ask_redrive(visitor, wanted.groups, wanted.letters)
    if not redrive_id:
        raise Problem(409, {"groups": visitor.words.t("dead.nothing")})
    return StoredRedrive(redrive=redrive_id)


@router.get("/redrive/{redrive_id}", responses=_FIND)
def look(redrive_id: str, visitor: Annotated[Visitor, Depends(page("dead_letters"))]) -> RedriveStatus:
    """A redrive as it stands."""
    return _read_redrive(visitor, redrive_id)


def _read_redrive(visitor: Visitor, redrive_id: str) -> RedriveStatus:
    row = redrive_service.find_redrive(visitor, redrive_id)
    with visitor.site.engine.connect() as connection:
        counts = redrives.count_letters(connection, redrive_id)
    return RedriveStatus.model_validate({**row, "redrive": redrive_id, "counts": dict(counts)})


@router.post("/redrive/{redrive_id}/{what}", status_code=202, responses=ERRORS)
def decide(
    request: Request,
    redrive_id: str,
    what: Literal["run", "stop", "look", "drop"],
    told: DecisionNote,
    visitor: Annotated[Visitor, Depends(sender("dead_letters"))],
) -> RedriveStatus:
    """Run it or go on, stop it, look again, or drop what it has not sent."""
    redrive_service.check_allowed(visitor, redrive_service.ACTIONS[what])
    redrive_service.find_redrive(visitor, redrive_id)
    note = told.note.strip()
    if what == "drop" and (errors := check_note(note, needed=True)):
        raise Problem(422, describe_errors(visitor.words, errors))
    if what == "run":
        check_kafka(request, visitor)
    if not redrive_service.apply_decision(visitor, redrive_id, what, note):
        raise Problem(409, {"redrive": visitor.words.t("redrive.conflict")})
    return _read_redrive(visitor, redrive_id)
