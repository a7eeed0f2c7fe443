"""How each key of a rule book entry is read, and which keys each form needs or may have (semantics.md 12.2)."""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from handover.calendar import InvalidDuration, Span, span
from handover.facts.fact import InvalidPattern, Pattern, pattern
from schemas import codes
from schemas.catalogue import PAYLOADS_BY_FACT, codes_of, fields_of

KINDS = frozenset(codes.HANDOVER_KIND.labels)
SEVERITIES = ("INFO", "WARN", "HIGH", "CRIT")
# Words that the product resolves to agencies; a book names them for people.
OWNER_WORDS = frozenset(
    ("sending", "deciding", "deliverer", "county", "town", "city", "old_county", "new_county", "answerer", "committee", "closer",
     "consulted", "destination", "office", "publisher", "platform")
)  # fmt: skip
CADENCES = tuple(codes.CADENCE.labels)
_FIRST_CADENCES = CADENCES[: CADENCES.index("MONTHLY") + 1]  # of the first books; another is as the longest of these
STATUSES = ("verified", "confirm_locally")
_ALWAYS = frozenset(("id", "names", "kinds", "form", "stages", "owner", "basis"))
_MAY = frozenset(
    (
        "part",
        "answered_by",
        "copy_to",
        "cleared_by",
        "cancelled_by",
        "paused_by_custody",
        "outlives_close",
        "roll",
        "off",
        "anchor",
        "shown_to",
        "scoreboard_stage",
        "signal",
        "timed",
        "work",
        "prison_line",
    )
)

_WITHIN = "field per rounds_end stale_after latest at_least not_before extended_by extension answered_from"

# form -> (keys it needs beside those of every rule, keys it may have)
FORMS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    form: (frozenset(needs.split()), frozenset(may.split()))
    for form, needs, may in (
        ("within", "anchor within cleared_by", f"{_WITHIN}"),
        ("before", "anchor before cleared_by", "known_grace stale_after"),
        ("next_within", "anchor within cleared_by", "at_level"),
        ("windows", "anchor grace in_a_row cleared_by", ""),
        ("window_end", "anchor within before cleared_by", ""),
        ("gps_term", "anchor longest before cleared_by", ""),
        ("returned", "anchor within hops hop_step hop_owner cleared_by", ""),
        ("short_lead", "anchor lead_under cleared_by", ""),
        ("lost_contact", "anchor signs within cleared_by", "within_by_class"),
        ("two_fixes", "anchor run_ends apart cleared_by", ""),
        ("linked_dispute", "anchor cleared_by", ""),
        ("orphan", "within cleared_by", ""),
        ("abolished_code", "anchor", ""),
        ("feed_silent", "anchor periods", ""),
        ("manifest_gap", "anchor check_at", ""),
        ("metric", "metric", "every below least_n above overdue_above above_hours above_seconds high_after ahead_days"),
    )
}
# Forms that have a target day; that of `within` is the release date, which only handovers of persons have.
TARGETED = frozenset(("before", "within", "short_lead", "window_end", "gps_term"))
_WITHOUT_RELEASE = frozenset(("DISPUTE", "SYSTEM"))
METRICS: Mapping[str, frozenset[str]] = {  # metric -> the thresholds it needs
    "answered_on_time": frozenset(("every", "below", "least_n")),
    "open_per_officer": frozenset(("every", "above", "overdue_above")),
    "arrival_lag": frozenset(("above_hours",)),
    "dead_letters": frozenset(("above",)),
    "pipeline_lag": frozenset(("above_seconds",)),
    "read_model_gaps": frozenset(("above",)),
    "missing_calendar": frozenset(("ahead_days",)),
}
GREATEST = 1_000  # of a whole number: hops, steps, periods
_MOST_STEPS = 32  # of a ladder, and stages of a rule: each is counted for every duty
MOST = 1_000_000_000  # of a threshold
_STAGE = re.compile(r"(due|anchor|target)(?: ([+-]) (.+))?")
_RELEASE_DATE = "release date"
_LATEST = re.compile(r"release date - (.+)")


class Bound(NamedTuple):
    """A limit is never before `within` after the earliest fact of `anchor`; without one, after the release date if it may be that."""

    anchor: tuple[Pattern, ...]
    field: tuple[str, ...]
    within: Span
    else_release_date: bool


class InvalidEntry(ValueError):
    """A value that a key cannot have. The text says: key, what is allowed."""


def read_texts(value: Any, key: str) -> Mapping[str, str]:
    """A table of texts. Raise InvalidEntry."""
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        raise InvalidEntry(f"{key}: must be a table of texts")
    return value


def check_stage(form: str, kinds: frozenset[str], base: str, offset: Span | None) -> None:
    """Raise InvalidEntry for a stage that no obligation of such a rule can reach."""
    if form == "windows" and (base != "due" or offset is not None):
        raise InvalidEntry("stages: a missed window has its severity from in_a_row; write one stage, at due")
    if base != "target":
        return
    if form not in TARGETED:
        raise InvalidEntry(f"stages: a rule of form {form} has no target; count from due or anchor")
    if form == "within" and kinds <= _WITHOUT_RELEASE:
        raise InvalidEntry(f"stages: the target is the release date, which {', '.join(sorted(kinds))} do not have")
    if offset is not None and offset.is_exact:
        raise InvalidEntry("stages: a target is a day and moves by days, for example 'target - 1 d'")


class Readers:
    """Readers of single keys. Each raises InvalidEntry with the key's name and what is allowed."""

    def __init__(self, roles: frozenset[str]) -> None:
        self.roles = roles
        self._by_key: Mapping[str, Callable[[Any, str], Any]] = {
            "id": self.text, "part": self.text, "form": self.text, "per": self.text, "names": self.bilingual, "basis": self.basis,
            "kinds": self.kinds, "owner": self.role, "hop_owner": self.role, "answered_by": self.agencies, "copy_to": self.texts,
            "stages": self.stages, "cleared_by": self.alternatives, "cancelled_by": self.patterns, "rounds_end": self.patterns,
            "extended_by": self.patterns, "signs": self.patterns, "run_ends": self.patterns, "anchor": self.anchor,
            "paused_by_custody": self.flag, "roll": self.roll, "field": self.fields, "within": self.span, "latest": self.latest,
            "at_least": self.span, "extension": self.span, "before": self.span, "known_grace": self.span, "longest": self.span,
            "lead_under": self.span, "apart": self.span, "check_at": self.span, "at_level": self.texts_set, "grace": self.grace,
            "stale_after": self.day_span, "not_before": self.bound, "answered_from": self.text, "outlives_close": self.flag,
            "in_a_row": self.severities, "within_by_class": self.by_class, "hops": self.number, "hop_step": self.number, "periods": self.number,
        }  # fmt: skip

    def entry(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        """All keys of one rule, read; unknown and missing ones are refused."""
        needs, may = FORMS[entry["form"]]
        allowed = _ALWAYS | _MAY | needs | may
        for key in entry:
            if key not in allowed:
                raise InvalidEntry(
                    f"{key}: unknown key; a rule of form {entry['form']} may have {', '.join(sorted(allowed))}"
                )
        for key in sorted(_ALWAYS | needs):
            if key not in entry:
                raise InvalidEntry(f"{key}: is needed")
        values = {key: self._by_key[key](value, key) for key, value in entry.items() if key in self._by_key}
        self._check_targets(entry["form"], values)
        self._check_answered_from(values)
        if entry["form"] == "metric":
            values["thresholds"] = self.thresholds(entry)
        return values

    def _check_targets(self, form: str, values: Mapping[str, Any]) -> None:
        """Only an answer can be held against the target day, and only where the form has one."""
        for key in ("anchor", "cancelled_by", "rounds_end", "extended_by", "signs", "run_ends"):
            if any(one.asks_target for one in values.get(key, ())):
                raise InvalidEntry(f"{key}: [field=target] can stand in cleared_by only")
        asked = any(one.asks_target for alternative in values.get("cleared_by", ()) for one in alternative)
        if asked and form not in TARGETED:
            raise InvalidEntry(
                f"cleared_by: [field=target] needs a form with a target day: {', '.join(sorted(TARGETED))}"
            )

    def _check_answered_from(self, values: Mapping[str, Any]) -> None:
        name = values.get("answered_from")
        if name is not None and (missing := [one.name for one in values["anchor"] if name not in fields_of(one.name)]):
            raise InvalidEntry(f"answered_from: {missing[0]} has no field {name}")

    def thresholds(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        """What a metric is held against; `every` becomes a number of days."""
        metric = self.text(entry["metric"], "metric")
        if metric not in METRICS:
            raise InvalidEntry(f"metric: unknown metric; allowed are {', '.join(METRICS)}")
        found: dict[str, Any] = {"metric": metric}
        for key in sorted(METRICS[metric]):
            if key not in entry:
                raise InvalidEntry(f"{key}: is needed by the metric {metric}")
            found[key] = self.whole_days(entry[key], key) if key == "every" else self.amount(entry[key], key)
        return found

    def whole_days(self, value: Any, key: str) -> int:
        length = self.span(value, key)
        if (
            length.is_exact
            or {term.unit for term in length.terms} != {"d"}
            or (found := sum(term.count for term in length.terms)) < 1
        ):
            raise InvalidEntry(f"{key}: must be one day or more, for example '7 d'")
        return found

    def amount(self, value: Any, key: str) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= MOST:
            raise InvalidEntry(f"{key}: must be a number, 0 to {MOST}")
        return value

    def text(self, value: Any, key: str) -> str:
        if not isinstance(value, str) or not value:
            raise InvalidEntry(f"{key}: must be a text")
        return value

    def texts(self, value: Any, key: str) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise InvalidEntry(f"{key}: must be a list of texts")
        return tuple(value)

    def texts_set(self, value: Any, key: str) -> frozenset[str]:
        return frozenset(self.texts(value, key))

    def number(self, value: Any, key: str) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= GREATEST:
            raise InvalidEntry(f"{key}: must be a whole number, 0 to {GREATEST}")
        return value

    def codes(self, value: Any) -> Mapping[str, Mapping[str, Mapping[str, str]]]:
        for field, labels in value.items():
            if not isinstance(labels, dict):
                raise InvalidEntry(f"codes.{field}: must be a table")
            for code, label in labels.items():
                self.bilingual(label, f"codes.{field}.{code}")
        return value  # type: ignore[no-any-return]  # looked through above

    def flag(self, value: Any, key: str) -> bool:
        if not isinstance(value, bool):
            raise InvalidEntry(f"{key}: must be true or false")
        return value

    def bilingual(self, value: Any, key: str) -> Mapping[str, str]:
        if not isinstance(value, dict) or not all(
            isinstance(one := value.get(side), str) and one for side in ("zh", "en")
        ):
            raise InvalidEntry(f"{key}: must have zh and en")
        return read_texts(value, key)

    def basis(self, value: Any, key: str) -> Mapping[str, str]:
        ground = self.bilingual(value, key)
        if ground.get("status") not in STATUSES:
            raise InvalidEntry(f"{key}: status must be one of {', '.join(STATUSES)}")
        return ground

    def kinds(self, value: Any, key: str) -> frozenset[str]:
        found = self.texts_set(value, key)
        if unknown := sorted(found - KINDS):
            raise InvalidEntry(f"{key}: unknown kind {unknown[0]}; allowed are {', '.join(sorted(KINDS))}")
        return found

    def role(self, value: Any, key: str) -> str:
        if not isinstance(value, str) or value not in self.roles:
            raise InvalidEntry(f"{key}: unknown role; allowed are {', '.join(sorted(self.roles))}")
        return self.text(value, key)

    def agencies(self, value: Any, key: str) -> tuple[str, ...]:
        return tuple(self.role(one, key) for one in self.texts(value, key))

    def span(self, value: Any, key: str) -> Span:
        try:
            return span(value) if isinstance(value, str) else span("")
        except InvalidDuration as error:
            raise InvalidEntry(f"{key}: {error}") from error

    def day_span(self, value: Any, key: str) -> Span:
        length = self.span(value, key)
        if length.is_exact:
            raise InvalidEntry(f"{key}: must be in days, for example '7 d'")
        return length

    def bound(self, value: Any, key: str) -> Bound:
        """A limit that another fact sets: { anchor, within, field, else }."""
        if not isinstance(value, dict) or not {"anchor", "within"} <= set(value) <= {
            "anchor",
            "within",
            "field",
            "else",
        }:
            raise InvalidEntry(f"{key}: must have anchor and within, and may have field and else")
        if value.get("else", _RELEASE_DATE) != _RELEASE_DATE:
            raise InvalidEntry(f"{key}.else: must be '{_RELEASE_DATE}'")
        return Bound(
            self.patterns(value["anchor"], f"{key}.anchor"),
            self.fields(value["field"], f"{key}.field") if "field" in value else (),
            self.span(value["within"], f"{key}.within"),
            else_release_date="else" in value,
        )

    def exact(self, value: Any, key: str) -> timedelta:
        length = self.span(value, key)
        if not length.is_exact:
            raise InvalidEntry(f"{key}: must be in hours or minutes")
        return length.length

    def days(self, value: Any, key: str) -> timedelta:
        length = self.span(value, key)
        if length.is_exact:
            return length.length
        if {term.unit for term in length.terms} != {"d"}:
            raise InvalidEntry(f"{key}: must be in days, hours or minutes")
        self._name(key.partition(".")[2], key)
        return timedelta(days=sum(term.count for term in length.terms))

    def latest(self, value: Any, key: str) -> Span:
        found = _LATEST.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            raise InvalidEntry(f"{key}: must be of the form 'release date - 7 d'")
        return self.span(found.group(1), key)

    def roll(self, value: Any, key: str) -> str:
        if value not in ("none", "next_working", "previous"):
            raise InvalidEntry(f"{key}: must be none, next_working or previous")
        return str(value)

    def fields(self, value: Any, key: str) -> tuple[str, ...]:
        return tuple(self.text(value, key).split("|"))

    def severities(self, value: Any, key: str) -> tuple[str, ...]:
        found = self.texts(value, key)
        if not found or set(found) - set(SEVERITIES):
            raise InvalidEntry(f"{key}: must be a list of {', '.join(SEVERITIES)}")
        return found

    def grace(self, value: Any, key: str) -> Mapping[str, Span]:
        if not isinstance(value, dict) or not set(_FIRST_CADENCES) <= set(value) <= set(CADENCES):
            raise InvalidEntry(f"{key}: needs one length for each of {', '.join(CADENCES)}")
        read = {cadence: self.span(length, f"{key}.{cadence}") for cadence, length in value.items()}
        return {cadence: read.get(cadence, read[_FIRST_CADENCES[-1]]) for cadence in CADENCES}

    def by_class(self, value: Any, key: str) -> Mapping[str, Span]:
        known = codes_of("checkin.plan_set", "class")
        if not isinstance(value, dict) or set(value) - known:
            raise InvalidEntry(f"{key}: must be a table with keys of {', '.join(sorted(known))}")
        return {name: self.span(length, f"{key}.{name}") for name, length in value.items()}

    def _name(self, name: str, key: str) -> None:
        if name not in PAYLOADS_BY_FACT:
            raise InvalidEntry(
                f"{key}: unknown fact {name}; it must be one of the event catalogue, for example intake.registered"
            )

    def pattern(self, text: Any, key: str) -> Pattern:
        try:
            found = pattern(self.text(text, key))
        except InvalidPattern as error:
            raise InvalidEntry(f"{key}: {error}") from error
        self._name(found.name, key)
        for condition in found.conditions:
            if condition.field not in fields_of(found.name):
                raise InvalidEntry(f"{key}: {found.name} has no field {condition.field}")
            known = codes_of(found.name, condition.field)
            if known and (unknown := sorted(condition.values - known)):
                raise InvalidEntry(
                    f"{key}: unknown code {unknown[0]}; {condition.field} may be {', '.join(sorted(known))}"
                )
        return found

    def patterns(self, value: Any, key: str) -> tuple[Pattern, ...]:
        return tuple(self.pattern(one, key) for one in ([value] if isinstance(value, str) else self.texts(value, key)))

    def anchor(self, value: Any, key: str) -> tuple[Pattern, ...]:
        return () if value == _RELEASE_DATE else self.patterns(value, key)

    def alternatives(self, value: Any, key: str) -> tuple[tuple[Pattern, ...], ...]:
        return tuple(tuple(self.pattern(one, key) for one in text.split(" + ")) for text in self.texts(value, key))

    def stages(self, value: Any, key: str) -> list[tuple[str, int, Span | None, str, str]]:
        if not isinstance(value, list) or not value:
            raise InvalidEntry(f"{key}: must be a list of {{ at, severity }}")
        if len(value) > _MOST_STEPS:
            raise InvalidEntry(f"{key}: more than {_MOST_STEPS} of them")
        return [self._stage(one, key) for one in value]

    def _stage(self, value: Any, key: str) -> tuple[str, int, Span | None, str, str]:
        if not isinstance(value, dict) or set(value) - {"at", "severity", "label"}:
            raise InvalidEntry(f"{key}: a stage has at, severity and perhaps label")
        found = _STAGE.fullmatch(str(value.get("at")))
        if found is None:
            raise InvalidEntry(
                f"{key}: at must be of the form 'due', 'due + 3 wd', 'anchor + 20 d', 'target' or 'target - 15 d'"
            )
        if value.get("severity") not in SEVERITIES:
            raise InvalidEntry(f"{key}: severity must be one of {', '.join(SEVERITIES)}")
        base, sign, length = found.groups()
        offset = self.span(length, key) if length else None
        return (base, -1 if sign == "-" else 1, offset, value["severity"], str(value.get("label", "")))

    def ladder(self, value: Any) -> Mapping[str, tuple[Span, ...]]:
        if not isinstance(value, dict) or set(value) != {"normal", "CRIT"}:
            raise InvalidEntry("ladder: needs normal and CRIT")
        found = {
            name: tuple(self.span(one, f"ladder.{name}") for one in self.texts(steps, f"ladder.{name}"))
            for name, steps in value.items()
        }
        for name, steps in found.items():
            if len(steps) > _MOST_STEPS:
                raise InvalidEntry(f"ladder.{name}: more than {_MOST_STEPS} steps")
            if not steps or len({step.is_exact for step in steps}) != 1 or any(len(step.terms) != 1 for step in steps):
                raise InvalidEntry(f"ladder.{name}: needs steps of one unit, for example ['0 wd', '1 wd']")
        return found

    def special(self, value: Any) -> tuple[frozenset[str], float, int]:
        if not isinstance(value, dict) or set(value) - {"rules", "clock_factor", "raise_severity"}:
            raise InvalidEntry("special_person_disputes: may have rules, clock_factor and raise_severity")
        factor = value.get("clock_factor", 1)
        if not isinstance(factor, int | float) or not 0 < factor <= 1:
            raise InvalidEntry("special_person_disputes.clock_factor: must be a number above 0 and at most 1")
        raised = self.number(value.get("raise_severity", 0), "special_person_disputes.raise_severity")
        return frozenset(self.texts(value.get("rules", []), "special_person_disputes.rules")), float(factor), raised
