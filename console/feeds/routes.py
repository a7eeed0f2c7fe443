"""/feeds: can I trust an empty list?"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from console.db.alert_rows import PastFeedAlert
from console.feeds import baseline
from console.feeds.baseline import SequenceNumbers
from console.feeds.status import (
    STATES,
    Feed,
    count_dead_letters,
    find_heartbeat_period,
    list_alerts,
    path_of,
    read_feeds,
)
from console.text import svg_charts
from console.text.formatter import Words
from console.web.request import NotFound, Visitor, page, render
from console.web.values import read_number
from handover.feeds.feed_state import duration
from sinks.readmodel.position import open_gaps

router = APIRouter()
DAYS = (7, 30, 90)
_NORMAL_SHOWN = 10  # feeds without trouble, before they are folded
_ALERTS_SHOWN, _RANGES_SHOWN = 20, 3


@router.get("/feeds")
def list_feeds(request: Request, visitor: Annotated[Visitor, Depends(page("feeds"))]) -> Response:
    """Every feed that one's lists depend on, those in trouble first; ?show=trouble or all."""
    show = request.query_params.get("show", "")
    with visitor.site.engine.connect() as connection:
        found = read_feeds(connection, visitor)
        gaps = sorted({gap.topic for gap in open_gaps(connection)})
    counts = {state: sum(feed.state == state for feed in found) for state in STATES}
    trouble = [feed for feed in found if feed.state not in ("unjudged", "ok")]
    shown = found if show == "all" else trouble if show == "trouble" else found[: len(trouble) + _NORMAL_SHOWN]
    return render(
        visitor,
        "feeds.html",
        rows=[present_feed(visitor, feed) for feed in shown],
        total=len(found),
        counts=counts,
        trouble=len(trouble),
        folded=len(found) - len(shown) if show != "trouble" else 0,
        show=show,
        gaps=gaps,
    )


def present_feed(visitor: Visitor, feed: Feed) -> dict[str, Any]:
    """A feed as the page shows it."""
    words, now = visitor.words, visitor.site.now()
    total = sum(feed.hours)
    return {
        "state": feed.state,
        "href": path_of(feed.source),
        "name": words.source(feed.source),
        "source": feed.source,
        "ago": words.ago(now - feed.last_at),
        "at": words.log_at(feed.last_at),
        "iso": words.iso(feed.last_at),
        "gap": words.t("feeds.within", length=describe_length(words, feed.habit.gap))
        if feed.habit.gap is not None
        else "",
        "pulse": svg_charts.draw_pulse(
            feed.hours,
            words.t("feeds.hours.say", n=total, most=max(feed.hours)) if total else words.t("feeds.hours.none"),
            silent=feed.state == "silent",
        ),
        "last": max((one.last for one in feed.habit.numbers), default=None),
        "missing": feed.missing,
        "ranges": describe_ranges(feed.habit.numbers),
        "lag": describe_length(words, feed.habit.lag),
        "held": feed.held,
        "todo": words.t(f"feeds.todo.{feed.state}") if words.t.has(f"feeds.todo.{feed.state}") else "",
    }


def describe_length(words: Words, of: timedelta | None) -> str:
    """A length of time, in seconds where it is short; empty where it is not known."""
    if of is None:
        return ""
    seconds = int(of.total_seconds())
    if seconds < 60:
        return words.t("feeds.seconds", n=seconds)
    whole = seconds % 3600 < 60 and seconds < 24 * 3600
    return words.t("feeds.hours_only", n=seconds // 3600) if whole else words.length(of)


def describe_ranges(numbers: Sequence[SequenceNumbers], most: int = _RANGES_SHOWN) -> str:
    """Which numbers are missing: `7702–7704`; the latest ones where there are many ranges."""
    found = [one for told in numbers for one in told.missing]
    texts = [str(first) if first == last else f"{first}–{last}" for first, last in found[-most:]]
    return ("… " if len(found) > most else "") + ", ".join(texts)


@router.get("/feeds/{source:path}")
def show_feed(request: Request, source: str, visitor: Annotated[Visitor, Depends(page("feeds"))]) -> Response:
    """One feed: day by day what came, what its manifests lacked, its alerts, what to do now; ?days=7, 30 or 90."""
    asked = request.query_params.get("days", "")
    wanted = read_number(asked)
    span = wanted if wanted in DAYS else 30
    site, words, name = visitor.site, visitor.words, f"/{source}"
    with site.engine.connect() as connection:
        found = read_feeds(connection, visitor, name)
        if not found:
            raise NotFound
        days = baseline.read_days(connection, name, site.now(), span)
        alerts = list_alerts(connection, visitor.site.book, name, _ALERTS_SHOWN)
        period = find_heartbeat_period(connection, name)
        unread = count_dead_letters(connection, name)
    return render(
        visitor,
        "feed.html",
        feed=present_feed(visitor, found[0]),
        numbers=[_present_numbers(words, one) for one in found[0].habit.numbers],
        days=[_present_day(words, day) for day in reversed(days)],
        span=span,
        spans=DAYS,
        alerts=[_present_alert(visitor, one) for one in alerts],
        period=describe_length(words, duration(period)) if period else "",
        unread=unread,
        resend=_draft_request(words, found[0]),
    )


def _present_numbers(words: Words, one: SequenceNumbers) -> dict[str, Any]:
    return {"topic": one.topic, "last": one.last, "n": one.count, "ranges": describe_ranges([one], most=20)}


def _present_day(words: Words, day: baseline.FeedDay) -> dict[str, Any]:
    return {
        "iso": day.day.isoformat(),
        "name": words.day_wd(day.day),
        "n": day.n,
        "lag": describe_length(words, day.lag),
        "lag_hours": None if day.lag is None else round(day.lag / baseline.HOUR, 2),
        "gap": describe_length(words, day.gap),
        "missing": day.missing,
    }


def _present_alert(visitor: Visitor, row: PastFeedAlert) -> dict[str, Any]:
    words = visitor.words
    return {
        "href": f"/alerts/{row['alert_id']}" if visitor.scope.sees(row) else "",
        "rule": f"{row['rule_id']} {words.rule(row['rule_id'], row['occurrence'])}",
        "severity": row["severity"],
        "firing": row["state"] == "firing",
        "reason": words.expectation(row["owner_agency"], row["due_at"], missing=row["state"] == "firing"),
        "since": words.at(row["raised_at"]),
        "until": words.at(row["resolved_at"]) if row["resolved_at"] else "",
    }


def _draft_request(words: Words, feed: Feed) -> str:
    """What may be sent to the publisher: which numbers are missing."""
    lines = [
        words.t("feeds.resend.line", topic=one.topic, n=one.count, ranges=describe_ranges([one], most=50))
        for one in feed.habit.numbers
        if one.count
    ]
    if not lines:
        return ""
    return "\n".join((words.t("feeds.resend.head", source=feed.source), *lines, words.t("feeds.resend.end")))
