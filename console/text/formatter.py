"""How things are said on a page: offices, places, facts, dates and lengths of time, in one language."""

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from console.text.case_number import write_case_number
from console.text.deadline_text import Deadline
from console.text.i18n import Language, Texts, catalogue, texts
from handover.calendar import due_day_of
from handover.obligations.owners import PLATFORM
from handover.rules.rulebook import RuleBook
from schemas.catalogue import labels_of
from schemas.codes import HANDOVER_KIND
from schemas.instants import in_china, instant, show
from schemas.payload import PIPELINE

_AGENCY = re.compile(r"[A-Z_]+-\d+-\d\d")
_ONLY_DAYS = 3  # from so many on, hours do not matter
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")
_ALERT_SHOWN, _SHORTEST_WORD = 8, 2


class Words:
    """Said in one language, with the rule book's names."""

    def __init__(self, language: Language, book: RuleBook, year: int | None = None) -> None:
        """`year`: the current one, which days do not repeat; without it no day has its year."""
        self.t: Texts = texts(language)
        self.language = language
        self._book, self._year = book, year

    def rule(self, rule_id: str, occurrence: str = "") -> str:
        """The name of a rule, of its part where it has parts."""
        part = occurrence.partition(":")[0]
        rule = self._book.by_key.get((rule_id, part)) or self._book.by_key.get((rule_id, ""))
        if rule is None:
            rule = next((one for one in self._book.rules if one.id == rule_id), None)
        return self.t.of(rule.names) if rule is not None else rule_id

    def agency(self, agency: str) -> str:
        """An office: what it is, and its code. Numbers above 01 are told apart."""
        parts = agency.split("-")
        if len(parts) != 3 or not self.t.has(f"agency.{parts[0]}"):
            return self.t("agency.PLATFORM") if agency == "PLATFORM" else agency.removeprefix("/agencies/")
        number = "" if parts[2] == "01" else f"-{parts[2]}"
        return self.t(f"agency.{parts[0]}", code=f"{parts[1]}{number}")

    def list_office_types(self, word: str) -> list[str]:
        """The types of agencies whose name in either language holds a word of two letters at least."""
        wanted = word.strip().lower()
        if len(wanted) < _SHORTEST_WORD:
            return []
        names = {key.removeprefix("agency."): texts for key, texts in catalogue().items() if key.startswith("agency.")}
        return [
            type_ for type_, texts in names.items() if any(wanted in one.replace("{code}", "").lower() for one in texts)
        ]

    def source(self, source: str) -> str:
        """A publisher: its office, and its system where it names one."""
        _, _, rest = source.removeprefix("/").partition("/")
        agency, _, system = rest.partition("/")
        return self.agency(agency) + (f" · {system}" if system else "")

    def place(self, code: str) -> str:
        """A jurisdiction code with its level."""
        return self.t(f"place.{len(code)}", code=code) if len(code) in (2, 4, 6, 9) else code

    def kind(self, kind: str) -> str:
        """A kind of handover."""
        label = HANDOVER_KIND.labels.get(kind)
        return getattr(label, self.language) if label else kind

    def fact(self, fact: str) -> str:
        """A fact's name: `release.notice_sent` or the event type that carries it."""
        key = f"fact.{fact.removeprefix('reentry.').removesuffix('.v1')}"
        return self.t(key) if self.t.has(key) else fact

    def field(self, name: str) -> str:
        """The name of a field of an event."""
        key = f"field.{name}"
        return self.t(key) if self.t.has(key) else name

    def code(self, fact: str, field: str, value: str) -> str:
        """What people read for a code in an event's field."""
        label = labels_of(fact, field).get(value)
        return getattr(label, self.language) if label else value

    def person(self, subject: str) -> str:
        """Whom or what a subject is, short enough to be read out: the case number of a person or a dispute, not who it is."""
        if subject.isdecimal():
            return self.place(subject)
        if subject == PIPELINE:
            return self.agency(PLATFORM)
        if subject.startswith("/"):
            return self.source(subject)
        return write_case_number(subject) or subject

    def alert_no(self, alert_id: str) -> str:
        """The beginning of an alert's id."""
        return alert_id[:_ALERT_SHOWN]

    def weekday(self, day: date) -> str:
        """周三 / Wed."""
        return self.t(f"weekday.{day.weekday()}")

    def day(self, day: date) -> str:
        """10月9日 / 9 Oct; of another year 2031年3月6日 / 6 Mar 2031."""
        text = self._day_of_month(day)
        return text if self._year in (None, day.year) else self.t("date.day_year", date=text, year=day.year)

    def _day_of_month(self, day: date) -> str:
        return self.t("date.day", month=day.month, day=day.day, name=self.t(f"month.{day.month}"))

    def day_wd(self, day: date) -> str:
        """10月9日 周五 / Fri 9 Oct."""
        return self.t("date.day_wd", date=self.day(day), weekday=self.weekday(day))

    def long_day(self, day: date) -> str:
        """2026年10月14日 周三 / Wed 14 Oct 2026."""
        return self.t("date.long", date=self._day_of_month(day), weekday=self.weekday(day), year=day.year)

    def month(self, first: date, *, year: bool = False) -> str:
        """9月 / Sep; with the year 2026年9月 / Sep 2026."""
        name = self.t(f"month.{first.month}")
        return self.t("date.month_long" if year else "date.month", month=first.month, name=name, year=first.year)

    def at(self, at: datetime) -> str:
        """10月9日 08:30 / 9 Oct 08:30."""
        local = in_china(at)
        return f"{self.day(local.date())} {local:%H:%M}"

    def before(self, due_at: datetime) -> str:
        """A deadline in a sentence; the end of a day is 24:00."""
        if due_at.hour == due_at.minute == 0:
            return f"{self.day(due_day_of(due_at))} 24:00"
        return self.at(due_at)

    def until(self, at: datetime, now: datetime) -> str:
        """An instant of today as 08:30, of another day with its date, of another year with that."""
        local, today = in_china(at), in_china(now)
        if local.date() == today.date():
            return f"{local:%H:%M}"
        return self.at(at) if local.year == today.year else f"{local:%Y-%m-%d %H:%M}"

    def log_at(self, at: datetime) -> str:
        """10-09 08:30."""
        return f"{in_china(at):%m-%d %H:%M}"

    def iso(self, at: datetime) -> str:
        """RFC 3339."""
        return show(at)

    def limit(self, due_at: datetime) -> str:
        """A deadline in full; the end of a day is 24:00."""
        if due_at.hour == due_at.minute == 0:
            return f"{due_day_of(due_at).isoformat()} 24:00 (Asia/Shanghai)"
        return f"{in_china(due_at):%Y-%m-%d %H:%M} (Asia/Shanghai)"

    def length(self, length: timedelta) -> str:
        """A length of time by its two greatest units."""
        minutes = int(length.total_seconds()) // 60
        days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
        if days:
            return (
                self.t("length.days", d=days, h=hours)
                if hours and days < _ONLY_DAYS
                else self.t("length.days_only", n=days)
            )
        if hours:
            return self.t("length.hours", h=hours, m=rest)
        return self.t("length.minutes", n=rest)

    def hours(self, length: timedelta) -> str:
        """A length below two days, in hours and minutes."""
        hours, minutes = divmod(int(length.total_seconds()) // 60, 60)
        return self.t("length.hours", h=hours, m=minutes) if hours else self.t("length.minutes", n=minutes)

    def ago(self, length: timedelta) -> str:
        """How long ago."""
        return self.t("feeds.now") if length < timedelta(minutes=1) else self.t("feeds.ago", length=self.length(length))

    def expectation(self, owner: str, due_at: datetime, *, missing: bool) -> str:
        """From whom an answer is due by when; `missing`: and none has come."""
        key = "row.why" if missing else "row.why.due"
        return self.t(key, owner=self.agency(owner), limit=self.before(due_at))

    def due(self, due: Deadline) -> str:
        """How late or how long still."""
        if due.tense in ("today", "judging"):
            return self.t(f"due.{due.tense}")
        if due.unit == "h":
            return self.t(f"due.{due.tense}.h", length=self.hours(due.length))
        if due.tense == "over" and due.n == 0:
            return self.t(f"due.over.{due.unit}.less")
        return self.t(f"due.{due.tense}.{due.unit}", n=due.n)

    def due_date(self, due: Deadline, now: datetime) -> str:
        """The date beside it."""
        if due.at.hour or due.at.minute:
            days = (now.date() - due.at.date()).days
            clock = f"{in_china(due.at):%H:%M}"
            key = {0: "date.today", 1: "date.yesterday", -1: "date.tomorrow"}.get(days)
            return f"{self.t(key)} {clock}" if key else f"{self.day(due.at.date())} {clock}"
        if due.tense == "today":
            return ""
        return self.day(due.day) if due.tense in ("over", "judging") else self.day_wd(due.day)

    def value(self, fact: str, name: str, value: Any) -> str:
        """A value of an event's field."""
        if isinstance(value, bool):
            return self.t("yes" if value else "no")
        if isinstance(value, list | tuple):
            return "、".join(self.value(fact, name, one) for one in value) or self.t("none")
        if isinstance(value, Mapping):
            return "…"
        if _INSTANT.match(str(value)):
            return self.at(instant(str(value)))
        if _AGENCY.fullmatch(str(value)):
            return self.agency(str(value))
        return self.code(fact, name, str(value))
