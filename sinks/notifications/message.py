"""One message as it is sent: which lines it has, and what each channel makes its text of. No personal data: number, rule, office, due, link."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

from handover.rules.rulebook import RuleBook
from schemas.instants import derived_instant, show
from sinks.notifications.decide import Kind
from sinks.notifications.policy import Language
from sinks.notifications.standing import Standing
from sinks.notifications.words import name_office, number_of, say, show_minute

MessageKind = Literal["urgent", "over", "digest", "undelivered", "releases"]
MOST_LINES = 200  # of a message; the console shows the rest


@dataclass(frozen=True, slots=True)
class AlertLine:
    """An alert as a notice tells it."""

    alert_id: str
    rule_id: str
    rule: Mapping[Language, str]
    severity: str
    office: str  # who owes the answer
    due_at: str
    raised_at: str
    step: int
    is_over: bool
    outcome: str | None
    ended_at: str | None


@dataclass(frozen=True, slots=True)
class ReleaseLine:
    """A person who will be released: the handover's number, no reference to the person."""

    handover: str
    released_on: str
    sending: str
    rules: Sequence[str]
    missing: Sequence[Mapping[Language, str]]


@dataclass(frozen=True, slots=True)
class Content:
    """What stays the same however often a message is tried."""

    lines: Sequence[AlertLine] = ()
    releases: Sequence[ReleaseLine] = ()
    more: int = 0  # lines that are not named
    failure: Mapping[str, str] | None = None  # of another message: recipient, channel, error

    def plain(self) -> dict[str, Any]:
        """For SQL."""
        return asdict(self)


def read_content(plain: Mapping[str, Any]) -> Content:
    """What `plain` wrote."""
    return Content(
        [AlertLine(**one) for one in plain["lines"]],
        [ReleaseLine(**one) for one in plain["releases"]],
        plain["more"],
        plain["failure"],
    )


@dataclass(frozen=True)
class Message:
    """A message to one address. `message_id` is the same at each attempt."""

    message_id: str
    kind: MessageKind
    recipient: str
    channel: str
    address: str
    language: Language
    office: str
    content: Content
    console_url: str
    made_at: datetime

    @cached_property
    def thread(self) -> str:
        """What its messages are one conversation about: an alert's episode; empty where it is about several."""
        alerts = {(one.alert_id, one.raised_at) for one in self.content.lines}
        if len(alerts) != 1 or self.kind not in ("urgent", "over"):
            return ""
        alert_id, raised_at = next(iter(alerts))
        return f"{alert_id}.{derived_instant(raised_at):%Y%m%d%H%M%S}"

    @property
    def link(self) -> str:
        """The page that it is about."""
        lines = self.content.lines
        if self.kind == "releases":
            return f"{self.console_url}/releases"
        return self.link_to(lines[0]) if len(lines) == 1 else f"{self.console_url}/today"

    def link_to(self, line: AlertLine) -> str:
        """The page of an alert."""
        return f"{self.console_url}/alerts/{line.alert_id}"

    def say(self, key: str, **values: Any) -> str:
        """A text in the recipient's language."""
        return say(self.language, key, **values)

    @property
    def open_lines(self) -> Sequence[AlertLine]:
        """What is to be answered."""
        return [one for one in self.content.lines if not one.is_over]

    @property
    def over_lines(self) -> Sequence[AlertLine]:
        """What has ended."""
        return [one for one in self.content.lines if one.is_over]

    @property
    def subject(self) -> str:
        """One line that says what it is about."""
        office = name_office(self.language, self.office)
        if self.kind == "digest":
            return self.say("subject.digest", office=office, open=len(self.open_lines), over=len(self.over_lines))
        if self.kind == "releases":
            return self.say("subject.releases", office=office, count=len(self.content.releases) + self.content.more)
        if self.kind == "undelivered":
            return self.say("subject.undelivered", office=office)
        worst = self.content.lines[0]
        count = len(self.content.lines) + self.content.more
        values = {
            "severity": self.say(f"severity.{worst.severity}"),
            "rule": f"{worst.rule_id} {worst.rule[self.language]}",
            "number": number_of(worst.alert_id),
            "office": name_office(self.language, worst.office),
            "count": count,
        }
        return self.say(f"subject.{self.kind}{'.many' if count > 1 else ''}", **values)

    @property
    def lead(self) -> str:
        """The sentence at its beginning."""
        return self.say(
            f"lead.{self.kind}", office=name_office(self.language, self.office), **(self.content.failure or {})
        )

    def cells(self, line: AlertLine) -> Sequence[tuple[str, str]]:
        """What is said of an alert: (name, value)."""
        found = [
            (self.say("column.number"), number_of(line.alert_id)),
            (self.say("column.rule"), f"{line.rule_id} {line.rule[self.language]}"),
            (self.say("column.severity"), self.say(f"severity.{line.severity}")),
            (self.say("column.office"), name_office(self.language, line.office)),
            (self.say("column.due"), self.say("due", at=show_minute(derived_instant(line.due_at)))),
        ]
        if line.is_over:
            outcome = self.say(f"outcome.{line.outcome or 'mistake'}")
            return [*found, (self.say("column.outcome"), outcome)]
        return [*found, (self.say("column.step"), self.say("step", step=line.step))]

    def release_cells(self, line: ReleaseLine) -> Sequence[tuple[str, str]]:
        """What is said of a release: (name, value)."""
        missing = [f"{rule} {names[self.language]}" for rule, names in zip(line.rules, line.missing, strict=True)]
        return [
            (self.say("column.number"), number_of(line.handover)),
            (self.say("column.released"), line.released_on),
            (self.say("column.from"), name_office(self.language, line.sending)),
            (self.say("column.missing"), "；".join(missing) if missing else self.say("missing.none")),
        ]


@dataclass(frozen=True)
class RuleNames:
    """What rules are called: the first entry of each."""

    names: Mapping[str, Mapping[Language, str]]

    @classmethod
    def of(cls, book: RuleBook) -> "RuleNames":
        """The names in a book."""
        found: dict[str, Mapping[Language, str]] = {}
        for rule in book.rules:
            found.setdefault(rule.id, {"zh": rule.names["zh"], "en": rule.names["en"]})
        return cls(found)

    def find(self, rule_id: str) -> Mapping[Language, str]:
        """The name of a rule; nothing where the book does not know it."""
        return self.names.get(rule_id, {"zh": "", "en": ""})


def line_of(one: Standing, kind: Kind, step: int, names: RuleNames) -> AlertLine:
    """An alert as a notice tells it now."""
    is_over = kind == "over"
    return AlertLine(
        alert_id=one.alert_id,
        rule_id=one.rule_id,
        rule=names.find(one.rule_id),
        severity=one.severity,
        office=one.owner_agency,
        due_at=show(one.due_at),
        raised_at=show(one.raised_at),
        step=step,
        is_over=is_over,
        outcome=one.outcome,
        ended_at=show(one.changed_at) if is_over else None,
    )


_RANK = {"CRIT": 0, "HIGH": 1, "WARN": 2, "INFO": 3}


def gather_lines(lines: Sequence[AlertLine]) -> Content:
    """Lines in order: what is open before what is over, the severest and longest overdue first; an alert once, with its highest step."""
    highest: dict[tuple[str, str, bool], AlertLine] = {}
    for line in lines:
        key = (line.alert_id, line.raised_at, line.is_over)
        if key not in highest or line.step > highest[key].step:
            highest[key] = line
    ordered = sorted(
        highest.values(), key=lambda one: (one.is_over, _RANK.get(one.severity, 9), one.due_at, one.alert_id)
    )
    return Content(ordered[:MOST_LINES], more=max(0, len(ordered) - MOST_LINES))
