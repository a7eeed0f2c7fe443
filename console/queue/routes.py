"""/today: what must I do today?"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection, func, select
from starlette.responses import Response

from console.audit.log import list_persons, record_list
from console.db.alert_rows import QueueRow
from console.feeds.status import count_feeds, find_silent
from console.queue import saved_views
from console.queue.facet_counts import Cube, add_staff, list_days
from console.queue.filters import (
    BUCKETS,
    KNOWN_VALUES,
    VIEWS,
    QueueFilters,
)
from console.queue.query import Moment, RowKey, key_of, read_page
from console.queue.row_grouping import group_rows
from console.queue.row_view import present_rows
from console.queue.service import count_scope
from console.queue.snooze_presets import list_presets
from console.text import svg_charts
from console.text.formatter import Words
from console.web.request import Visitor, any_user, page, redirect, render
from handover.calendar import due_day_of
from sinks.readmodel.data_time import DataTime
from sinks.readmodel.tables import handover, obligation

router = APIRouter()
_RULES_SHOWN = 12


@router.get("/today")
def show_queue(request: Request, visitor: Annotated[Visitor, Depends(page("today"))]) -> Response:
    """The queue: a list of obligations with counters and filters; ?scope=&sev=&state=&kind=&town=&wait=&rule=&bucket=&q=&after=."""
    site, scope, words, filters = visitor.site, visitor.scope, visitor.words, QueueFilters.read(request.query_params)
    moment, data = Moment.now_at(site), site.data_time()
    after, most = RowKey.read(request.query_params.get("after", "")), site.config.page_rows
    counted = count_scope(visitor)
    with site.engine.connect() as connection:
        counted = add_staff(connection, counted, scope, visitor.user.staff, moment)
        rows = read_page(connection, scope, visitor.user.staff, filters, moment, after, most + 1)
        more, rows = len(rows) > most, rows[:most]
        back = filters.query(after=after)
        listed = present_rows(site, words, scope, connection, rows, back)
        feeds = find_silent(connection, visitor)
        checked = _count_checked(connection, visitor) if not rows else None
        saved = saved_views.list_views(connection, visitor.user)
    record_list(visitor, list_persons(rows))
    total = counted.count(filters) if not filters.q else len(rows)
    values = {
        "filters": filters,
        "query": filters.query(),
        "here": f"/today?{back}" if back else "/today",
        "works": site.calendar.is_working(moment.now.date()),
        "total": total,
        "over": counted.count(filters, bucket="over") if filters.bucket in ("", "over") else 0,
        "views": [_present_view(words, counted, filters, name) for name in VIEWS],
        "counters": _present_counters(visitor, counted, filters, moment, data),
        "outlook": _draw_outlook(visitor, counted, moment),
        "facets": _present_facets(visitor, counted, filters),
        "groups": _present_groups(words, counted, filters, moment, rows, listed),
        "shown": len(rows),
        "next": f"/today?{filters.query(after=key_of(rows[-1]))}" if more else "",
        "later": counted.count(filters, bucket="later") if not (filters.bucket or filters.q) else 0,
        "later_href": f"/today?{filters.query(bucket='later')}",
        "feeds": feeds,
        "saved": saved,
        "presets": list_presets(words, moment.now, site.calendar),
        "export": f"/today/export?{filters.query()}" if "export" in visitor.pages else "",
        "unfiltered": filters == QueueFilters(),
        "checked": checked,
        "next_due": _find_next_due(counted, moment),
        "office_total": counted.count(QueueFilters()),
        "office_over": counted.count(QueueFilters(), bucket="over"),
    }
    return render(visitor, "today.html", **values)


def _present_view(words: Words, counted: Cube, filters: QueueFilters, name: str) -> dict[str, Any]:
    return {
        "label": words.t(f"today.view.{name}"),
        "n": counted.count(filters, view=name),
        "href": f"/today?{filters.query(view=name)}",
        "current": filters.view == name,
    }


def _present_counters(
    visitor: Visitor, counted: Cube, filters: QueueFilters, moment: Moment, data: DataTime
) -> list[dict[str, Any]]:
    t, found = visitor.words.t, []
    for bucket in ("over", "due", "today", "soon"):
        cells = counted.chosen(filters, bucket=bucket)
        if bucket == "due" and not (cells or filters.bucket == bucket):
            continue
        if bucket == "over" and cells:
            critical = sum(one.n for one in cells if one.bucket == "first")
            oldest = min(one.oldest for one in cells)
            length = visitor.words.length(moment.now - oldest)
            extra = t("counter.critical", n=critical, oldest=length)
        elif bucket == "over":
            extra = t("counter.unjudged" if data.is_late else "counter.none")
        elif bucket == "due":
            extra = t("counter.due")
        elif bucket == "today":
            extra = t("counter.key", n=sum(one.n for one in cells if one.kind == "A+"))
        else:
            extra = t("counter.until", day=visitor.words.day_wd(due_day_of(moment.soon_ends)))
        on = filters.bucket == bucket
        found.append(
            {
                "href": f"/today?{filters.query(bucket='' if on else bucket)}",
                "n": sum(one.n for one in cells),
                "label": t(f"bucket.{bucket}"),
                "extra": extra,
                "over": bucket == "over",
                "current": on,
            }
        )
    return found


def _draw_outlook(visitor: Visitor, counted: Cube, moment: Moment) -> Any:
    words, shown_days = visitor.words, []
    for number, day in enumerate(list_days(moment)):
        n = counted.by_day.get(day, 0)
        label = words.t("today.now") if not number else f"{day.day} {words.t(f'weekday.short.{day.weekday()}')}"
        works = visitor.site.calendar.is_working(day)
        shown_days.append(svg_charts.OutlookDay(day, n, works, label, f"{words.day_wd(day)} {n}"))
    return svg_charts.draw_outlook(shown_days)


def _present_facets(visitor: Visitor, counted: Cube, filters: QueueFilters) -> list[dict[str, Any]]:
    found = []
    for name, counts in counted.facets(filters).items():
        chosen = filters.of(name)
        if name in KNOWN_VALUES:
            values = list(KNOWN_VALUES[name])
        elif name == "rule":
            values = sorted({*[one for one, _ in counts.most_common(_RULES_SHOWN)], *chosen})
        else:
            values = sorted({*counts, *chosen})
        items = [
            {"value": one, "label": _name_value(visitor, name, one), "n": counts.get(one, 0), "on": one in chosen}
            for one in values
        ]
        if items:
            found.append({"name": name, "legend": visitor.words.t(f"facet.{name}"), "items": items})
    return found


def _name_value(visitor: Visitor, facet: str, value: str) -> str:
    words = visitor.words
    match facet:
        case "sev":
            return words.t(f"severity.{value}")
        case "rule":
            return f"{value} {words.rule(value)}"
        case "town":
            return words.t("town.none") if value == visitor.scope.prefix else words.place(value)
        case _:
            return words.t(f"{facet}.{value}")


def _present_groups(
    words: Words,
    counted: Cube,
    filters: QueueFilters,
    moment: Moment,
    rows: Sequence[QueueRow],
    listed: Sequence[Mapping[str, Any]],
) -> list[dict[str, Any]]:
    found: dict[str, list[tuple[QueueRow, Mapping[str, Any]]]] = {}
    for row, one in zip(rows, listed, strict=True):
        bucket = moment.bucket(row["severity"], row["due_at"], late=row["late"])
        found.setdefault(bucket, []).append((row, one))
    counts = dict.fromkeys(BUCKETS, 0)
    for cell in counted.chosen(filters, bucket="later" if filters.bucket == "later" else ""):
        counts[cell.bucket] += cell.n
    return [
        {
            "label": words.t(f"bucket.{bucket}"),
            "n": counts[bucket] if not filters.q else len(found[bucket]),
            "over": bucket in ("first", "over"),
            "parts": list(_present_parts(words, bucket, filters, found[bucket])),
        }
        for bucket in BUCKETS
        if bucket in found
    ]


def _present_parts(
    words: Words, bucket: str, filters: QueueFilters, pairs: Sequence[tuple[QueueRow, Mapping[str, Any]]]
) -> Iterator[dict[str, Any]]:
    """The rows of a bucket, equal ones folded; a list of one rule and one township is not folded again."""
    narrow = len(filters.rule) == 1 and len(filters.town) == 1
    for part in group_rows([row for row, _ in pairs]):
        key = f"{bucket}-{part.key}" if part.key and (part.held or not narrow) else ""
        shown_ = [{**pairs[place][1], "inside": key} for place in part.rows]
        row, first, n = pairs[part.rows[0]][0], shown_[0], len(shown_)
        if not key:
            yield {"fold": None, "rows": shown_}
            continue
        label = (
            words.t("fold.held", n=n, owner=words.agency(row["owner_agency"]))
            if part.held
            else words.t("fold.equal", n=n, rule=f"{row['rule_id']} {first['rule']}", place=first["place"])
        )
        yield {"fold": {"key": key, "label": label, "n": n, "late": first["late"]}, "rows": shown_}


def _find_next_due(counted: Cube, moment: Moment) -> dict[str, Any] | None:
    day = next((one for one in list_days(moment) if counted.by_day.get(one)), None)
    return {"day": day, "n": counted.by_day[day]} if day is not None else None


def _count_checked(connection: Connection, visitor: Visitor) -> dict[str, int]:
    """What an empty list says was looked at."""
    scope = visitor.scope
    people = select(func.count(handover.c.subject.distinct())).where(scope.filter_handovers(handover))
    duties = select(func.count()).select_from(obligation).where(scope.filter_obligations(obligation))
    return {
        "rules": len(visitor.site.book.ids),
        "people": int(connection.execute(people).scalar_one()),
        "duties": int(connection.execute(duties).scalar_one()),
        "feeds": count_feeds(connection, scope),
    }


@router.get("/")
def go_home(visitor: Annotated[Visitor, Depends(any_user)]) -> Response:
    """To the first page that the role has."""
    return redirect(next((page.menu for page in visitor.menu()), "/settings"))
