"""A rule for people, in Chinese or English: as a sentence and field by field. Pages and the command line say the same."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from console.text.i18n import Language, Texts, texts
from handover.calendar import Span
from handover.facts.fact import Condition, Pattern
from handover.rules.diff import Difference
from handover.rules.policy import VIEWERS
from handover.rules.rulebook import Rule, RuleBook, Stage
from schemas.catalogue import labels_of

_OF_TERM = frozenset(("gps_term", "window_end"))  # their target is the end of a term; elsewhere it is the release date
_NOT_SET = "-"
_DAYS = {"min": 1 / 1440, "h": 1 / 24, "d": 1.0, "wd": 1.4, "month": 30.0}  # about, to find the shorter of two
_COUNTED = frozenset(("within", "next_within", "returned"))  # from the day after the anchor's


@dataclass(frozen=True, slots=True)
class RuleText:
    """One entry of a rule book, said in one language."""

    id: str
    part: str
    name: str
    say: str  # when it fires
    starts: str
    clock: str
    short: str  # the clock in a word or two, for a list
    notes: Sequence[str]
    levels: Sequence[tuple[str, str]]  # (severity, from when)
    owner: str
    copies: str
    viewers: str
    counts: Sequence[str]  # what its obligations and alerts are counted as
    ladder: Sequence[str]
    answers: Sequence[str]
    answer_types: Sequence[str]
    cancels: Sequence[str]
    kinds: str
    basis: str
    status: str


def describe_rule(rule: Rule, book: RuleBook, t: Texts) -> RuleText:
    """Say a rule."""
    owner = describe_role(rule.owner, book, t)
    starts = (
        t("rules.release_date")
        if rule.form == "before"
        else t("rules.or").join(dict.fromkeys(_describe_start(rule, one, t) for one in rule.anchor))
    )
    answers = [_describe_alternative(one, t) for one in rule.cleared_by]
    clock = _describe_clock(rule, t)
    return RuleText(
        id=rule.id,
        part=rule.part,
        name=t.of(rule.names),
        say=_build_sentence(rule, book, clock, t),
        starts=starts,
        clock=clock,
        short=describe_span(min(rule.grace.values(), key=_estimate_days), t) if rule.grace else clock,
        notes=_list_notes(rule, t),
        levels=[(stage.severity, describe_stage(stage, rule, t)) for stage in rule.stages],
        owner=owner,
        copies=t("rules.comma").join(_describe_copy(one, t) for one in rule.copy_to),
        viewers=describe_viewers(rule, book, t),
        counts=describe_counts(rule, book, t),
        ladder=describe_ladder(rule, book, t),
        answers=answers,
        answer_types=rule.missing,
        cancels=[describe_pattern(one, t) for one in rule.cancelled_by],
        kinds=", ".join(sorted(rule.kinds)),
        basis=t.of(rule.basis),
        status=rule.basis["status"],
    )


def _build_sentence(rule: Rule, book: RuleBook, clock: str, t: Texts) -> str:
    """The rule as a sentence: answers by their names alone, owners without what is in brackets."""
    starts = [t("rules.quote", text=_describe_start(rule, one, t)) for one in rule.anchor]
    return t(
        f"rules.say.{rule.form}{_choose_variant(rule)}",
        start=_join_names(list(dict.fromkeys(starts)), t),
        owner=_shorten(describe_role(rule.owner, book, t)),
        clock=clock,
        answers=_join_names(_name_facts((one for alternative in rule.cleared_by for one in alternative), t), t),
        hops=rule.hops,
        hop_owner=_shorten(describe_role(rule.hop_owner, book, t)) if rule.hop_owner else "",
    )


def _choose_variant(rule: Rule) -> str:
    """Which other sentence a limit of no length has: at that instant, or at the end of that day."""
    length = rule.within if rule.form == "within" else rule.before if rule.form == "before" else None
    if length is None or any(term.count for term in length.terms):
        return ""
    return ".now" if length.is_exact else ".day"


def _describe_start(rule: Rule, anchor: Pattern, t: Texts) -> str:
    return _describe_field(describe_pattern(anchor, t), rule.field, t)


def _describe_field(fact: str, fields: Sequence[str], t: Texts) -> str:
    names = [t(f"field.{name}") if t.has(f"field.{name}") else name for name in fields]
    return t("rules.field", fact=fact, field=t("rules.or").join(names)) if names else fact


def _name_facts(patterns: Iterable[Pattern], t: Texts) -> list[str]:
    keys = dict.fromkeys(one.name for one in patterns)
    return [t("rules.quote", text=t(f"fact.{name}") if t.has(f"fact.{name}") else name) for name in keys]


def _join_names(names: Sequence[str], t: Texts) -> str:
    if len(names) < 2:
        return "".join(names)
    return t("rules.comma").join(names[:-1]) + t("rules.last_or") + names[-1]


def _shorten(text: str) -> str:
    return re.split(r"[（，]| \(|, ", text)[0]


def write_paragraph(rule: Rule, book: RuleBook, language: Language) -> str:
    """Return the rule in some lines: what it asks, of whom, by when, and why."""
    t = texts(language)
    one = describe_rule(rule, book, t)
    status = t("basis.verified" if one.status == "verified" else "basis.confirm")
    severities = " → ".join(f"{t(f'severity.{severity}')} {at}" for severity, at in one.levels)
    rows = [
        (t("rules.when"), one.say),
        (t("rules.kinds"), one.kinds),
        (t("rules.starts"), one.starts),
        (t("rules.clock"), "; ".join(part for part in (one.clock, *one.notes) if part)),
        (t("rules.levels"), severities),
        (t("rules.owner"), one.owner),
        (t("rules.copies"), one.copies),
        (t("rules.viewers"), one.viewers),
        (t("rules.counts"), t("rules.comma").join(one.counts)),
        (t("rules.answers"), t("rules.or").join(one.answers)),
        (t("rules.cancels"), t("rules.or").join(one.cancels)),
        (t("rules.basis"), f"{one.basis} [{status}]"),
    ]
    title = f"{one.id}{f' ({one.part})' if one.part else ''}  {one.name}"
    return "\n".join([title, *(f"    {label}: {text}" for label, text in rows if text)])


def write_difference(one: Difference) -> str:
    """One difference between two books as a line: + a rule that comes, - one that goes, ~ a key that changes."""
    if one.key is None:
        return f"- {one.label}" if one.after is None else f"+ {one.label}"
    return f"~ {f'{one.label} ' if one.rule else ''}{one.key}: {format_value(one.before)} → {format_value(one.after)}"


def format_value(found: Any) -> str:
    """A value of a rule book as one line."""
    if found is None:
        return _NOT_SET
    return found if isinstance(found, str) else orjson.dumps(found).decode()


def describe_span(length: Span, t: Texts) -> str:
    """A duration in words."""
    if all(term.count == 0 for term in length.terms):
        return t("span.now" if length.is_exact else "span.same_day")
    return t("span.plus").join(t(f"span.{term.unit}", n=term.count) for term in length.terms)


def describe_role(word: str, book: RuleBook, t: Texts) -> str:
    """An owner word of the rule book."""
    key = f"rules.role.{word}"
    own = book.roles.get(word, word)
    return own if t.language == "zh" or not t.has(key) else t(key)


def describe_viewers(rule: Rule, book: RuleBook, t: Texts) -> str:
    """Who sees its alerts."""
    shown_to = book.policies.of(rule.id).shown_to
    return t("rules.comma").join(t(f"rules.viewer.{one}") for one in ("place", *VIEWERS) if one in {"place", *shown_to})


def describe_counts(rule: Rule, book: RuleBook, t: Texts) -> list[str]:
    """What its obligations and alerts are counted as: a column of the scoreboard, a signal, a work, a time to an answer."""
    policy = book.policies.of(rule.id)
    stage, signal = policy.scoreboard_stage, policy.signal
    found = [t("rules.stage", stage=t(f"stage.{stage}"))] if stage else []
    found += [t(f"rules.signal.{signal}")] if signal else []
    found += [t("rules.timed")] if policy.timed else []
    return found + _describe_works(rule, book, t)


def _describe_works(rule: Rule, book: RuleBook, t: Texts) -> list[str]:
    """The works and the line of a prison that count an entry."""
    works = book.policies.works
    return [
        t(f"rules.{key}", **{value: t(f"{key}.{name}")})
        for key, value, named in (("work", "work", works.by_work), ("prison_line", "line", works.by_line))
        for name, counted in named.items()
        if any(one.rule_id == rule.id and (not rule.part or one.part.partition(":")[0] == rule.part) for one in counted)
    ]


def describe_stage(stage: Stage, rule: Rule, t: Texts) -> str:
    """From when on a stage applies."""
    base: str = stage.base
    if base == "target":
        base = "term" if rule.form in _OF_TERM else "release"
    if stage.offset is None:
        return t(f"rules.at.{base}")
    return t(f"rules.at.{base}.{'after' if stage.sign > 0 else 'before'}", span=describe_span(stage.offset, t))


def describe_ladder(rule: Rule, book: RuleBook, t: Texts) -> list[str]:
    """Who is told when an alert of this rule stays unanswered."""
    severities = {stage.severity for stage in rule.stages}
    found = []
    for name, climbs in (("normal", severities - {"CRIT", "INFO"}), ("CRIT", severities & {"CRIT"})):
        if climbs:
            head = t("rules.ladder.CRIT") if name == "CRIT" else ""
            steps = [
                t(f"rules.ladder.{min(n, 3)}", span=describe_span(at, t) if n else t("span.now"))
                for n, at in enumerate(book.ladder[name])
            ]
            found.append(head + ("；" if t.language == "zh" else "; ").join(steps))
    return found or [t("rules.ladder.INFO")]


def describe_pattern(one: Pattern, t: Texts) -> str:
    """A fact that a rule asks for, with its conditions."""
    key = f"fact.{one.name}"
    fact = t(key) if t.has(key) else one.name
    if one.conditions:
        conditions = ("，" if t.language == "zh" else ", ").join(
            _describe_condition(one.name, c, t) for c in one.conditions
        )
        fact = t("rules.with", fact=fact, conditions=conditions)
    return fact if one.when == "any" else t(f"rules.{one.when}", fact=fact)


def _describe_condition(fact: str, one: Condition, t: Texts) -> str:
    key = f"field.{one.field}"
    field = t(key) if t.has(key) else one.field
    if not one.values:
        return t("rules.condition.unset" if one.other else "rules.condition.set", field=field)
    if one.asks_target:
        return t("rules.condition.off_target" if one.other else "rules.condition.target", field=field)
    labels = labels_of(fact, one.field)
    yes_no = {"true": t("yes"), "false": t("no")}
    named = [
        getattr(labels[code], t.language) if code in labels else yes_no.get(code, code) for code in sorted(one.values)
    ]
    return t(f"rules.condition.{'not' if one.other else 'is'}", field=field, values=t("rules.or").join(named))


def _describe_alternative(alternative: Iterable[Pattern], t: Texts) -> str:
    return t("rules.and").join(describe_pattern(one, t) for one in alternative)


def _describe_copy(agency: str, t: Texts) -> str:
    key = f"rules.copy.{agency}"
    return t(key) if t.has(key) else agency


def _describe_clock(rule: Rule, t: Texts) -> str:
    if rule.form == "feed_silent":
        return t("rules.periods", n=rule.periods)
    if rule.grace:
        return ", ".join(
            t("rules.grace", cadence=t(f"rules.cadence.{name}"), span=describe_span(at, t))
            for name, at in rule.grace.items()
        )
    lead = rule.before if rule.form in ("before", "window_end", "gps_term") else None
    length = lead or rule.within or rule.lead_under or rule.apart or rule.check_at
    return describe_span(length, t) if length is not None else ""


def _estimate_days(length: Span) -> float:
    return sum(term.count * _DAYS[term.unit] for term in length.terms)


def _list_notes(rule: Rule, t: Texts) -> list[str]:
    length = rule.within
    found = [t("rules.day0")] if rule.form in _COUNTED and length is not None and not length.is_exact else []
    found += [
        t(f"rules.{name}", span=describe_span(length, t))
        for name in ("stale_after", "latest", "at_least", "extension", "known_grace")
        if (length := getattr(rule, name)) is not None
    ]
    if (bound := rule.not_before) is not None:
        fact = t("rules.or").join(_describe_field(describe_pattern(one, t), bound.field, t) for one in bound.anchor)
        key = "rules.not_before.else" if bound.else_release_date else "rules.not_before"
        found.append(t(key, fact=fact, span=describe_span(bound.within, t)))
    if rule.answered_from:
        key = f"field.{rule.answered_from}"
        found.append(t("rules.answered_from", field=t(key) if t.has(key) else rule.answered_from))
    if rule.outlives_close:
        found.append(t("rules.outlives_close"))
    classes = labels_of("checkin.plan_set", "class")
    for name, length in rule.within_by_class.items():
        label = getattr(classes[name], t.language) if name in classes else name
        found.append(t("rules.class", **{"class": label}, span=describe_span(length, t)))
    if rule.roll == "next_working":
        found.append(t("rules.roll"))
    if rule.paused_by_custody:
        found.append(t("rules.custody"))
    return found
