"""The terminal's picture of the queue: counters, how old the data is, and two lines for each duty."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from handover.calendar import Calendar, load_calendar, span
from schemas.pii import mask

if TYPE_CHECKING:
    from sinks.readmodel.data_time import DataTime
    from sinks.readmodel.queries import DueNext, OpenAlert

SIGNS = {"CRIT": "▲", "HIGH": "◆", "WARN": "●", "INFO": "■"}
STYLES = {"CRIT": "bold white on red", "HIGH": "bold red", "WARN": "yellow", "INFO": "cyan"}
_OLD = timedelta(hours=1)  # data older than this make an empty list doubtful
_WIDE = 150


@dataclass(frozen=True, slots=True)
class Words:
    """What the screen says, in one language."""

    language: str

    def __call__(self, zh: str, en: str) -> str:
        """Return the text of the language."""
        return zh if self.language == "zh" else en

    def severity(self, code: str) -> str:
        """Return sign and word of a severity."""
        zh = {"CRIT": "紧急", "HIGH": "严重", "WARN": "预警", "INFO": "提示"}[code]
        return f"{SIGNS[code]} {self(zh, code)}"

    def length(self, time: timedelta) -> str:
        """Return a length of time by its two greatest units."""
        minutes = int(time.total_seconds()) // 60
        days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
        if days:
            return self(f"{days}天{hours}小时", f"{days} d {hours} h")
        if hours:
            return self(f"{hours}小时{rest}分", f"{hours} h {rest} min")
        return self(f"{rest}分钟", f"{rest} min")


@dataclass(frozen=True, slots=True)
class Picture:
    """What the read model says at an instant of log time."""

    now: datetime
    newest: datetime | None  # arrival of the newest event
    data_time: DataTime
    counts: Mapping[str, int]  # firing alerts by severity
    late: Sequence[OpenAlert]
    due: Sequence[DueNext]
    of_feeds: frozenset[str]  # ids of the rules whose alerts make an empty list doubtful


def picture_lines(picture: Picture, words: Words, width: int) -> list[Text]:
    """Return the screen, line by line, none wider than the terminal."""
    lines = [_counters(picture, words), format_data_time(picture.data_time, words), _trust(picture, words), Text()]
    soon, judged = _working_days_on(picture.now), picture.data_time.judged(picture.now)
    rows: list[OpenAlert | DueNext] = [*picture.late, *picture.due]
    buckets: list[tuple[str, Callable[[OpenAlert | DueNext], bool]]] = [
        (words("先处理", "First"), lambda row: _is_late(row, judged) and row.severity == "CRIT"),
        (words("逾期", "Overdue"), lambda row: _is_late(row, judged)),
        (words("已到期，尚未判断", "Due, being judged"), lambda row: row.due_at <= picture.now),
        (words("今天到期", "Due today"), lambda row: row.due_at <= _end_of_day(picture.now)),
        (words("三个工作日内", "Due in three working days"), lambda row: row.due_at <= soon),
        (words("以后", "Later"), lambda _: True),
    ]
    for title, belongs in buckets:
        chosen = sorted((row for row in rows if belongs(row)), key=lambda row: row.due_at)
        rows = [row for row in rows if not belongs(row)]
        if chosen:
            lines.append(Text(f"{title}  {len(chosen)}", style="bold"))
            for row in chosen:
                lines += _row(row, picture.now, words, width, late=_is_late(row, judged))
    if not (picture.late or picture.due) and not picture.data_time.is_late:
        lines.append(Text(words("没有未了结的期限。", "Nothing is open.")))
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    return lines


def _is_late(row: OpenAlert | DueNext, judged: datetime) -> bool:
    """A firing alert is late; an obligation is once the workers have passed its instant."""
    return hasattr(row, "raised_at") or row.due_at <= judged


def _counters(picture: Picture, words: Words) -> Text:
    line = Text(words("未答复", "Unanswered"), style="bold")
    for code in SIGNS:
        line.append("  ")
        line.append(f"{words.severity(code)} {picture.counts.get(code, 0)}", style=STYLES[code])
    line.append(f"  {words('三十天内到期', 'due in 30 days')} {len(picture.due)}")
    return line


def _trust(picture: Picture, words: Words) -> Text:
    """Say how old the data is, and whether silence may be taken for "nothing"."""
    now = f"{picture.now:%Y-%m-%d %H:%M}"
    if picture.newest is None:
        return Text(words(f"{now} · 尚无事件", f"{now} · no event yet"), style="bold red")
    age = max(picture.now - picture.newest, timedelta())
    line = Text(
        words(f"{now} · 最近事件 {words.length(age)}前", f"{now} · newest event {words.length(age)} ago"),
        style="bold red" if age > _OLD else "dim",
    )
    silent = sum(row.rule_id in picture.of_feeds for row in picture.late)
    if silent:
        told = words(f" · {silent} 个数据源静默或缺数：空白不等于没有事", f" · {silent} feed(s) silent or with gaps")
        line.append(told, style="bold red")
    return line


def format_data_time(data_time: DataTime, words: Words) -> Text:
    """Say up to when alerts are processed; where that is too long ago, first what it means."""
    at, behind, alarm = data_time.processed_until, data_time.behind, "bold white on red"
    if at is None or behind is None:
        return Text(
            words("告警尚未处理：看不到逾期不等于没有逾期", "No alert processed yet: this list means nothing"),
            style=alarm,
        )
    until = words(f"告警处理至 {at:%m-%d %H:%M:%S}", f"alerts processed up to {at:%m-%d %H:%M:%S}")
    if not data_time.is_late:
        return Text(until)
    late = words.length(behind)
    return Text(
        words(f"落后 {late}，其后期限尚未判断：{until}", f"{late} behind, later limits not judged: {until}"),
        style=alarm,
    )


def _row(row: OpenAlert | DueNext, now: datetime, words: Words, width: int, *, late: bool) -> list[Text]:
    """Return two lines for a duty, or one on a wide screen: what, who, by when; and why."""
    left = words.length(abs(row.due_at - now))
    if not late and row.due_at <= now:
        when = words("已到期，待判断", "due, being judged")
    else:
        when = words(f"逾期 {left}", f"late {left}") if late else words(f"剩 {left}", f"in {left}")
    line = Text("  ")
    line.append(_cells(words.severity(row.severity), 7), style=STYLES[row.severity] if late else "dim")
    line.append(f" {row.rule_id:<4}")
    line.append(_cells("" if row.subject.startswith("/") else mask(row.subject), 9))  # of a feed: its owner says it all
    line.append(_cells(when, 16), style="red" if late else "")
    line.append(f"{row.due_at:%m-%d %H:%M} ")
    line.append(_notes(row, words), style="bold")
    line.append(row.owner_agency)
    why = mask(row.reason.get(words.language, ""))
    if width >= _WIDE:
        line.append(f"  {row.jurisdiction}  {why}", style="dim")
        return [line]
    return [line, Text(f"      {row.jurisdiction}  {why}", style="dim")]


def _notes(row: OpenAlert | DueNext, words: Words) -> str:
    """Return what an officer must know beside the date: how high it has climbed, and whether anybody is called."""
    notes = []
    step = getattr(row, "step", 0)
    if step:
        levels = (words("县", "county"), words("市", "city"), words("省", "province"))
        notes.append(words(f"已升级到{levels[min(step, 3) - 1]}", f"step {step}: {levels[min(step, 3) - 1]}"))
    if getattr(row, "held", False):
        notes.append(words("暂缓（数据源静默）", "held: feed down"))
    if getattr(row, "snoozed_until", None) is not None:
        notes.append(words("已推迟", "snoozed"))
    if getattr(row, "contest", None) == "open":
        notes.append(words("异议中", "contested"))
    if row.provisional:
        notes.append(words("日期待定", "provisional"))
    return " ".join([*(f"[{note}]" for note in notes), ""]) if notes else ""


def _cells(text: str, size: int) -> str:
    return set_cell_size(text, size) if cell_len(text) < size else f"{text} "


def _end_of_day(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


def _working_days_on(now: datetime) -> datetime:
    last = _calendar().count(now.date(), span("3 wd")).day
    return now.replace(year=last.year, month=last.month, day=last.day, hour=0, minute=0, second=0, microsecond=0) + (
        timedelta(days=1)
    )


@cache
def _calendar() -> Calendar:
    return load_calendar()
