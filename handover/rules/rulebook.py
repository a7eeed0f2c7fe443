"""Rule books: who must answer what, by when, on which ground. Numbers live in TOML, their meaning in semantics.md."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as attribute
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, cast

from handover.calendar import Roll, Span
from handover.facts.fact import Pattern
from handover.rules.policy import KEYS as POLICY_KEYS
from handover.rules.policy import Policies, read_policies
from handover.rules.rulebook_parser import FORMS, OWNER_WORDS, Bound, InvalidEntry, Readers, check_stage, read_texts
from handover.toml import parse_toml
from schemas.text_files import skip_mark

BOOKS = Path(__file__).parent / "books"
Severity = Literal["INFO", "WARN", "HIGH", "CRIT"]
SEVERITIES: tuple[Severity, ...] = ("INFO", "WARN", "HIGH", "CRIT")
Raw = dict[str, Any]
_NAME = re.compile(r"[A-Za-z0-9._@-]{1,64}")
FIXED = "is read when processes start: it needs a new book, and processes started with it"
_LONGEST_LINE = 600  # characters: a book may repeat what it says for megabytes
_LONGEST_NAME = 200
_LARGEST_FILE = 1_000_000  # bytes


class InvalidRuleBook(ValueError):
    """A rule book that cannot be used. The text is one line and says: file (if it was one), rule, field, what is allowed."""

    def __init__(self, text: str, file: str = "") -> None:
        line = " ".join("".join(one if one.isprintable() else " " for one in text).split())
        self.told = line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]}…"
        super().__init__(f"{file}: {self.told}" if file else self.told)


@dataclass(frozen=True, slots=True)
class Stage:
    """From `base` moved by `sign * offset` on, an unanswered obligation has this severity."""

    base: Literal["due", "anchor", "target"]
    sign: int
    offset: Span | None
    severity: Severity
    label: str = ""


@dataclass(frozen=True)
class Rule:
    """One entry of a rule book, read. Fields that its form does not use are None or empty (semantics.md 12.2)."""

    id: str
    form: str
    names: Mapping[str, str]
    kinds: frozenset[str]
    stages: tuple[Stage, ...]
    owner: str
    basis: Mapping[str, str]
    part: str = ""
    answered_by: tuple[str, ...] = ()
    copy_to: tuple[str, ...] = ()
    cleared_by: tuple[tuple[Pattern, ...], ...] = ()
    cancelled_by: tuple[Pattern, ...] = ()
    paused_by_custody: bool = False
    roll: Roll = "none"
    anchor: tuple[Pattern, ...] = ()
    field: tuple[str, ...] = ()
    per: str = ""
    within: Span | None = None
    rounds_end: tuple[Pattern, ...] = ()
    stale_after: Span | None = None
    not_before: Bound | None = None
    answered_from: str = ""
    outlives_close: bool = False
    latest: Span | None = None
    at_least: Span | None = None
    extended_by: tuple[Pattern, ...] = ()
    extension: Span | None = None
    before: Span | None = None
    known_grace: Span | None = None
    at_level: frozenset[str] = frozenset()
    grace: Mapping[str, Span] = attribute(default_factory=dict)
    in_a_row: tuple[Severity, ...] = ()
    longest: Span | None = None
    hops: int = 0
    hop_step: int = 0
    hop_owner: str = ""
    lead_under: Span | None = None
    signs: tuple[Pattern, ...] = ()
    within_by_class: Mapping[str, Span] = attribute(default_factory=dict)
    run_ends: tuple[Pattern, ...] = ()
    apart: Span | None = None
    periods: int = 0
    check_at: Span | None = None
    thresholds: Mapping[str, Any] = attribute(default_factory=dict)

    @cached_property
    def anchor_names(self) -> tuple[str, ...]:
        """Names of the facts that start its clock."""
        return tuple(one.name for one in self.anchor)

    @cached_property
    def patterns(self) -> tuple[Pattern, ...]:
        """All facts that it looks at."""
        lists = (
            self.anchor,
            self.cancelled_by,
            self.rounds_end,
            self.extended_by,
            self.signs,
            self.run_ends,
            self.not_before.anchor if self.not_before is not None else (),
            *self.cleared_by,
        )
        return tuple(dict.fromkeys(one for patterns in lists for one in patterns))

    @cached_property
    def missing(self) -> tuple[str, ...]:
        """Event types that would answer it, each once."""
        names = dict.fromkeys(one.name for alternative in self.cleared_by for one in alternative)
        return tuple(f"reentry.{name}.v1" for name in names)

    @property
    def key(self) -> tuple[str, str]:
        """What names the entry within its book."""
        return (self.id, self.part)


@dataclass(frozen=True)
class RuleBook:
    """A usable rule book. `raw` holds the entries as written, so that a later version can set single keys."""

    book: str
    names: Mapping[str, str]
    rules: tuple[Rule, ...]
    policies: Policies
    settle: timedelta
    late_limit: Mapping[str, timedelta]
    ladder: Mapping[str, tuple[Span, ...]]
    special_rules: frozenset[str]
    clock_factor: float
    raise_severity: int
    roles: Mapping[str, str]
    codes: Mapping[str, Mapping[str, Mapping[str, str]]]
    raw: Mapping[str, Any] = attribute(repr=False, compare=False)

    @cached_property
    def by_key(self) -> Mapping[tuple[str, str], Rule]:
        """Its rules by (id, part)."""
        return {rule.key: rule for rule in self.rules}

    @property
    def ids(self) -> frozenset[str]:
        """Its rules as people count them: a rule of several parts is one."""
        return frozenset(rule.id for rule in self.rules)

    @cached_property
    def _by_kind(self) -> dict[str, tuple[Rule, ...]]:
        return {}

    def rules_of(self, kind: str) -> tuple[Rule, ...]:
        """The rules that look at handovers of a kind."""
        found = self._by_kind.get(kind)
        if found is None:
            found = self._by_kind[kind] = tuple(rule for rule in self.rules if kind in rule.kinds)
        return found

    def changed(self, book: str, changes: Iterable[Mapping[str, Any]]) -> "RuleBook":
        """This book with keys of rules set, and rules added (semantics.md 6.10). Rules that do not change stay the same objects.

        Raise InvalidRuleBook.
        """
        entries = [dict(entry) for entry in self.raw["rule"]]
        for change in changes:
            if not isinstance(change["set"], dict):
                raise InvalidRuleBook(f"{book}: rule {change['rule_id']}, set: must be a table of keys")
            hit = [
                e
                for e in entries
                if e["id"] == change["rule_id"] and change.get("part") in (None, "", e.get("part", ""))
            ]
            if hit and (fixed := [key for key in POLICY_KEYS if key in change["set"]]):
                raise InvalidRuleBook(f"{book}: rule {change['rule_id']}, {fixed[0]}: {FIXED}")
            if not hit and "form" in change["set"]:  # a whole entry: a rule that comes
                part = {"part": change["part"]} if change.get("part") else {}
                entries.append({"id": change["rule_id"], **part, **change["set"]})
            elif not hit:
                raise InvalidRuleBook(f"{book}: rule {change['rule_id']}: there is no such rule to change")
            for entry in hit:
                entry.update(change["set"])
        made = build({**self.raw, "book": book, "rule": entries})
        same = {rule.key: rule for rule in self.rules}
        return replace(made, rules=tuple(same[r.key] if same.get(r.key) == r else r for r in made.rules))


def load(name_or_path: str | Path) -> RuleBook:
    """Read a rule book by the name of a shipped one ("cn-default") or by path. Raise OSError, InvalidRuleBook."""
    path = _find(str(name_or_path), BOOKS)
    try:
        return build(_raw(path, ()))
    except InvalidRuleBook as error:
        raise InvalidRuleBook(error.told, str(path)) from error


def read(text: str) -> RuleBook:
    """Read a rule book that somebody sent: it may extend a book by name only, never a file. Raise InvalidRuleBook."""
    own = _parsed(text.encode())
    base = own.get("extends")
    if base and not (isinstance(base, str) and _NAME.fullmatch(base) and not base.endswith(".toml")):
        raise InvalidRuleBook(f"extends: only a book by its name can be extended here; known are {_known()}")
    return build(_joined(own, BOOKS, ()))


def shipped() -> tuple[str, ...]:
    """The names of the books that the product brings, as `load` takes them."""
    return tuple(sorted(path.stem for path in BOOKS.glob("*.toml") if path.stem != "calendar"))


def _known() -> str:
    return ", ".join(shipped())


def _find(name: str, beside: Path) -> Path:
    if not name.isprintable():
        raise InvalidRuleBook(f"book {name!r}: no name or path")
    if name.endswith(".toml") or "/" in name:
        return Path(name)
    for folder in (beside, BOOKS):
        for path in (folder / f"{name}.toml", folder / f"{name.partition('@')[0]}.toml"):
            if path.exists():
                return path
    raise InvalidRuleBook(f"book {name}: there is none of that name; known are {_known()}, or give the path of a file")


def _raw(path: Path, extending: Sequence[str]) -> Raw:
    return _joined(_read(path), path.parent, extending)


def _joined(own: Raw, beside: Path, extending: Sequence[str]) -> Raw:
    name = own.get("book")
    if not isinstance(name, str) or not name:
        raise InvalidRuleBook("book: the name of the book is needed, for example 'cn-default@2'")
    if name in extending:
        raise InvalidRuleBook(
            f"book {name}: extends itself or has the name of the book it extends; a book that changes needs a new name"
        )
    _check_entries(own)
    extended = own.get("extends", "")
    if not isinstance(extended, str) or len(extended) > _LONGEST_NAME:
        raise InvalidRuleBook(f"extends: must be the name or the path of a book, at most {_LONGEST_NAME} characters")
    if not extended:
        return own
    base = _raw(_base_of(extended, beside), (*extending, name))
    if base["book"] == name:
        raise InvalidRuleBook(f"book {name}: has the name of the book it extends; give it a new one")
    if base["book"] != extended and "@" in extended:
        raise InvalidRuleBook(f"extends {extended}: the book found there is {base['book']}")
    return _extended(base, own)


def _read(path: Path) -> Raw:
    with path.open("rb") as file:
        return _parsed(file.read(_LARGEST_FILE + 1))


def _parsed(text: bytes) -> Raw:
    if len(text) > _LARGEST_FILE:
        raise InvalidRuleBook(f"longer than {_LARGEST_FILE} bytes")
    try:
        return parse_toml(skip_mark(text).decode())
    except ValueError as error:
        raise InvalidRuleBook(f"not TOML in UTF-8: {error}") from error


def _base_of(name: str, beside: Path) -> Path:
    path = _find(name, beside)
    if not path.is_file():
        raise InvalidRuleBook(f"extends {name}: there is no such file")
    return path


def _check_entries(raw: Raw) -> None:
    """Every entry must be a table that says which it is, also one that is switched off."""
    entries = raw.get("rule", [])
    if not isinstance(entries, list):
        raise InvalidRuleBook("rule: must be entries; write [[rule]]")
    for entry in entries:
        if not isinstance(entry, dict):
            raise InvalidRuleBook("rule: an entry is no table; write [[rule]]")
        for key in ("id", "part"):
            if key in entry and not isinstance(entry[key], str):
                raise InvalidRuleBook(f"rule {_label(entry)}, {key}: must be a text")
        if not entry.get("id"):
            raise InvalidRuleBook("rule, id: an entry has no id")
        if not isinstance(entry.get("off", False), bool):
            raise InvalidRuleBook(f"rule {_label(entry)}, off: must be true or false")
    for table in _TABLES:
        if not isinstance(raw.get(table, {}), dict):
            raise InvalidRuleBook(f"{table}: must be a table")


def _extended(base: Raw, own: Raw) -> Raw:
    entries = [dict(entry) for entry in base.get("rule", ())]
    at = {(entry["id"], entry.get("part", "")): entry for entry in entries}
    seen = set()
    for entry in own.get("rule", ()):
        key = (entry["id"], entry.get("part", ""))
        if key in seen:
            raise InvalidRuleBook(f"rule {_label(entry)}, id: stands twice with the same part")
        seen.add(key)
        if key in at:
            at[key].update(entry)
        elif entry.get("off"):
            parts = ", ".join(part for id_, part in at if id_ == entry["id"])
            known = f"name its part: {parts}" if parts else "there is none to switch off"
            raise InvalidRuleBook(f"rule {_label(entry)}, off: {known}")
        else:
            entries.append(dict(entry))
    merged = {**base, **own, "rule": entries}
    for table in _TABLES:
        merged[table] = {**base.get(table, {}), **own.get(table, {})}
    return merged


_TABLES = ("ladder", "roles", "codes", "special_person_disputes", "late_limit")
_HEAD = {
    "book",
    "extends",
    "names",
    "settle",
    "late_limit",
    "ladder",
    "special_person_disputes",
    "roles",
    "rule",
    "codes",
}


def build(raw: Raw) -> RuleBook:
    """Check and read a whole book. Raise InvalidRuleBook with rule, field and what is allowed."""
    for name in raw:
        if name not in _HEAD:
            raise InvalidRuleBook(f"{name}: unknown key; allowed are {', '.join(sorted(_HEAD))}")
    _check_entries(raw)
    try:
        read = Readers(frozenset(read_texts(raw.get("roles", {}), "roles")) | OWNER_WORDS)
        special = read.special(raw.get("special_person_disputes", {}))
        entries = [entry for entry in raw.get("rule", ()) if not entry.get("off")]
        rules = tuple(_rule(entry, read) for entry in entries)
        _refuse_twice(rules)
        return RuleBook(
            book=read.text(raw.get("book"), "book"),
            names=read.bilingual(raw.get("names"), "names"),
            rules=rules,
            policies=read_policies(raw.get("rule", ())),
            settle=read.exact(raw.get("settle"), "settle"),
            late_limit={
                name: read.days(value, f"late_limit.{name}") for name, value in raw.get("late_limit", {}).items()
            },
            ladder=read.ladder(raw.get("ladder")),
            special_rules=special[0],
            clock_factor=special[1],
            raise_severity=special[2],
            roles=raw.get("roles", {}),
            codes=read.codes(raw.get("codes", {})),
            raw=raw,
        )
    except InvalidEntry as error:
        raise InvalidRuleBook(str(error)) from error


def _refuse_twice(rules: Sequence[Rule]) -> None:
    seen = set()
    for rule in rules:
        if rule.key in seen:
            raise InvalidRuleBook(
                f"rule {rule.id}{f' ({rule.part})' if rule.part else ''}, id: stands twice with the same part"
            )
        seen.add(rule.key)


def _label(entry: Mapping[str, Any]) -> str:
    return f"{entry.get('id', '?')}" + (f" ({entry['part']})" if entry.get("part") else "")


def _rule(entry: Mapping[str, Any], read: Readers) -> Rule:
    form = entry.get("form")
    if not isinstance(form, str) or form not in FORMS:
        raise InvalidRuleBook(f"rule {_label(entry)}, form: unknown form; allowed are {', '.join(FORMS)}")
    try:
        values = read.entry(entry)
        rule = Rule(
            **{key: value for key, value in values.items() if key != "stages"}, stages=_stages(values["stages"])
        )
        for stage in rule.stages:
            check_stage(rule.form, rule.kinds, stage.base, stage.offset)
    except InvalidEntry as error:
        raise InvalidRuleBook(f"rule {_label(entry)}, {error}") from error
    for earlier, later in zip(rule.stages, rule.stages[1:], strict=False):
        if SEVERITIES.index(later.severity) < SEVERITIES.index(earlier.severity):
            raise InvalidRuleBook(
                f"rule {_label(entry)}, stages: {later.severity} comes after {earlier.severity}; a later stage is never less severe"
            )
    return rule


def _stages(read: Sequence[tuple[str, int, Span | None, str, str]]) -> tuple[Stage, ...]:
    return tuple(
        Stage(cast('Literal["due", "anchor", "target"]', base), sign, offset, cast("Severity", severity), label)
        for base, sign, offset, severity, label in read
    )
