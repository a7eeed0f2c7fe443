"""The duty list (值班表): who is told for an office at which step. Imported as CSV or TOML, kept in SQL."""

import csv
import io
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple, cast

from handover.toml import InvalidToml, parse_toml
from schemas.agencies import AGENCY_TYPES
from schemas.pii import holds_number
from sinks.notifications.policy import LANGUAGES, Language, Policy

MOST_ENTRIES = 100_000
STEPS = (0, 1, 2, 3)
_OFFICE = re.compile(rf"(?:{'|'.join(AGENCY_TYPES)})-[0-9]{{2,9}}-[0-9]{{2}}")
_RECIPIENT = re.compile(r"[A-Za-z0-9._-]{1,64}")
_RANGE = re.compile(r"(\d{4}-\d{2}-\d{2})(?:\.\.(\d{4}-\d{2}-\d{2}))?")
_SEPARATORS = re.compile(r"[\s,;、，；]+")
_YES = frozenset(("yes", "true", "1", "是", "代理"))
_NO = frozenset(("", "no", "false", "0", "否"))
_HEADERS: Mapping[str, str] = {
    "单位": "office", "级次": "steps", "值班人": "recipient", "渠道": "channel", "地址": "address", "语言": "language",
    "代理": "deputy", "开始": "from", "结束": "until", "缺勤": "absent",
}  # fmt: skip
_COLUMNS = frozenset(_HEADERS.values())
_NEEDED = ("office", "recipient", "channel")


class InvalidDutyList(ValueError):
    """A duty list that cannot be imported: one line for each error, which says line or entry, column, and what is allowed."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        super().__init__("; ".join(lines))


class Days(NamedTuple):
    """Local dates, both included."""

    first: date
    last: date


ALWAYS = Days(date.min, date.max)


@dataclass(frozen=True, slots=True)
class DutyEntry:
    """One recipient of an office. A deputy is told where nobody else of the office is on duty, or nobody else can be reached."""

    office: str
    recipient: str  # an opaque staff id
    channel: str
    address: str = ""
    steps: tuple[int, ...] = STEPS
    language: Language = "zh"
    deputy: bool = False
    days: Days = ALWAYS  # of duty
    absent: tuple[Days, ...] = ()

    @property
    def key(self) -> str:
        """Who, and by which channel: a person on two channels is told on both."""
        return f"{self.recipient}/{self.channel}"

    def is_on_duty(self, day: date) -> bool:
        """Whether the entry counts on a local date."""
        inside = self.days.first <= day <= self.days.last
        return inside and not any(one.first <= day <= one.last for one in self.absent)


@dataclass(frozen=True)
class DutyList:
    """All entries, by office."""

    entries: Sequence[DutyEntry] = ()
    _by_office: dict[str, list[DutyEntry]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for one in self.entries:
            self._by_office.setdefault(one.office, []).append(one)

    def offices(self) -> Sequence[str]:
        """The offices that have a list."""
        return sorted(self._by_office)

    def find(self, office: str, step: int, day: date, unreachable: Collection[str] = ()) -> Sequence[DutyEntry]:
        """Who of an office is told at a step; deputies where nobody else is left. `unreachable`: keys that delivery has failed for."""
        on_duty = [
            one
            for one in self._by_office.get(office, ())
            if step in one.steps and one.is_on_duty(day) and one.key not in unreachable
        ]
        return [one for one in on_duty if not one.deputy] or on_duty


def read_csv(text: str, policy: Policy) -> Sequence[DutyEntry]:
    """Read a table with a header line in Chinese or in the words of DutyEntry. Raise InvalidDutyList with every error."""
    rows = csv.DictReader(io.StringIO(text), restkey="")
    header = [_HEADERS.get((name or "").strip(), (name or "").strip()) for name in rows.fieldnames or ()]
    if unknown := sorted(set(header) - _COLUMNS):
        raise InvalidDutyList([f"line 1: no column is called {unknown[0]!r}; known are {', '.join(sorted(_COLUMNS))}"])
    rows.fieldnames = header
    try:
        found = [(f"line {rows.line_num}", row) for row in rows]
    except csv.Error as error:
        raise InvalidDutyList([f"line {rows.line_num}: no CSV: {error}"]) from None
    return _read_rows(((where, row) for where, row in found if any(row.values())), policy)


def read_toml(text: str, policy: Policy) -> Sequence[DutyEntry]:
    """Read [[duty]] entries. Raise InvalidDutyList with every error."""
    try:
        document = parse_toml(text)
    except InvalidToml as error:
        raise InvalidDutyList([f"no TOML: {error}"]) from None
    entries = document.get("duty")
    if document.keys() != {"duty"} or not isinstance(entries, list):
        raise InvalidDutyList(["must hold [[duty]] entries and nothing else"])
    return _read_rows(((f"entry {number}", _as_texts(one)) for number, one in enumerate(entries, start=1)), policy)


def _as_texts(entry: Any) -> dict[str, str]:
    """An entry of TOML as a row of a table."""
    if not isinstance(entry, dict):
        return {}
    return {
        str(name): " ".join(map(str, value))
        if isinstance(value, list)
        else str(value).lower()
        if isinstance(value, bool)
        else str(value)
        for name, value in entry.items()
    }


def _read_rows(rows: Iterable[tuple[str, Mapping[str, str]]], policy: Policy) -> Sequence[DutyEntry]:
    entries, lines = list[DutyEntry](), list[str]()
    seen: dict[tuple[object, ...], str] = {}
    for where, row in rows:
        if len(entries) >= MOST_ENTRIES:
            raise InvalidDutyList([f"more than {MOST_ENTRIES} entries; import it in parts"])
        problems: list[str] = []
        entry = _read_entry(row, policy, problems)
        lines += [f"{where}: {one}" for one in problems]
        if entry is None:
            continue
        identity = (entry.office, entry.key, entry.steps, entry.days)
        if identity in seen:
            lines.append(f"{where}: the same as {seen[identity]}; remove one")
        seen[identity] = where
        entries.append(entry)
    if lines:
        raise InvalidDutyList(lines)
    if not entries:
        raise InvalidDutyList(["holds no entry"])
    return entries


def _read_entry(row: Mapping[str, str], policy: Policy, problems: list[str]) -> DutyEntry | None:
    """One entry; None, and why, where it cannot be read. No value is quoted: it may be somebody's name."""
    values = {name: str(value or "").strip() for name, value in row.items()}
    problems += [f"{name}: unknown; known are {', '.join(sorted(_COLUMNS))}" for name in values if name not in _COLUMNS]
    problems += [f"{name}: is needed" for name in _NEEDED if not values.get(name)]
    office, recipient = values.get("office", ""), values.get("recipient", "")
    if office and not _OFFICE.fullmatch(office):
        problems.append("office: must be an agency like COUNTY_JUSTICE-990102-01")
    if recipient and not (_RECIPIENT.fullmatch(recipient) and not holds_number(recipient)):
        problems.append(
            "recipient: must be a staff id of letters, digits, '.', '_' and '-'; no name, no number of a person"
        )
    channel, address = values.get("channel", ""), values.get("address", "")
    if channel and (problem := policy.find_address_problem(channel, address)):
        problems.append(problem)
    language = values.get("language") or "zh"
    if language not in LANGUAGES:
        problems.append(f"language: must be one of {', '.join(LANGUAGES)}")
    steps, deputy = _read_steps(values.get("steps", ""), problems), _read_flag(values.get("deputy", ""), problems)
    days, absent = _read_days(values, problems), _read_ranges(values.get("absent", ""), problems)
    if problems:
        return None
    return DutyEntry(office, recipient, channel, address, steps, cast("Language", language), deputy, days, absent)


def _read_steps(text: str, problems: list[str]) -> tuple[int, ...]:
    if text in ("", "all", "全部"):
        return STEPS
    parts = [one for one in _SEPARATORS.split(text) if one]
    if not parts or any(one not in {str(step) for step in STEPS} for one in parts):
        problems.append("steps: must be steps from 0 to 3, separated by blanks, or all")
        return ()
    return tuple(sorted({int(one) for one in parts}))


def _read_flag(text: str, problems: list[str]) -> bool:
    if text.lower() not in _YES | _NO:
        problems.append("deputy: must be yes or no")
    return text.lower() in _YES


def _read_date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _read_days(values: Mapping[str, str], problems: list[str]) -> Days:
    first = _read_date(values["from"]) if values.get("from") else date.min
    last = _read_date(values["until"]) if values.get("until") else date.max
    if first is None or last is None or first > last:
        problems.append("from, until: must be dates like 2026-02-01, the first not after the last")
        return ALWAYS
    return Days(first, last)


def _read_ranges(text: str, problems: list[str]) -> tuple[Days, ...]:
    found = []
    for part in filter(None, _SEPARATORS.split(text)):
        match = _RANGE.fullmatch(part)
        first = _read_date(match[1]) if match else None
        last = _read_date(match[2] or match[1]) if match else None
        if first is None or last is None or first > last:
            problems.append("absent: must be dates or ranges like 2026-02-10..2026-02-14, separated by blanks")
            return ()
        found.append(Days(first, last))
    return tuple(found)
