"""One rule as a paragraph for people, in Chinese or English."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handover.calendar import Span
    from handover.facts import Pattern
    from handover.rulebook import Rule, RuleBook, Stage

_UNITS = {
    "zh": {"min": "分钟", "h": "小时", "d": "天", "wd": "个工作日", "month": "个月"},
    "en": {"min": "min", "h": "h", "d": "days", "wd": "working days", "month": "months"},
}
_SEVERITIES = {"INFO": "提示", "WARN": "预警", "HIGH": "严重", "CRIT": "紧急"}
_LABELS = {
    "zh": ("适用", "起算", "期限", "级别", "责任单位", "答复", "取消", "依据"),
    "en": ("Kinds", "Starts", "Within", "Severity", "Owner", "Answered by", "Cancelled by", "Basis"),
}
_NOTES = {
    "zh": ("末日顺延至工作日", "羁押期间中止"),
    "en": ("a last day off moves to the next working day", "paused in custody"),
}
_STATUS = {
    "zh": {"verified": "已核对", "confirm_locally": "待本地确认"},
    "en": {"verified": "checked against the text", "confirm_locally": "confirm locally"},
}


def paragraph(rule: Rule, book: RuleBook, language: str) -> str:
    """Return the rule in some lines: what it asks, of whom, by when, and why."""
    kinds, starts, within, severity, owner, answer, cancel, basis = _LABELS[language]
    title = f"{rule.id}{f' ({rule.part})' if rule.part else ''}  {rule.names[language]}"
    rolls, pause = _NOTES[language]
    notes = [rolls] * (rule.roll == "next_working") + [pause] * rule.paused_by_custody
    rows = [
        (kinds, ", ".join(sorted(rule.kinds))),
        (starts, _anchor(rule)),
        (within, "; ".join([_period(rule, language), *notes])),
        (severity, " → ".join(_stage(stage, language) for stage in rule.stages)),
        (owner, book.roles.get(rule.owner, rule.owner) if language == "zh" else rule.owner),
        (answer, _any(rule.cleared_by)),
        (cancel, _any(tuple((one,) for one in rule.cancelled_by))),
        (basis, f"{rule.basis[language]} [{_STATUS[language].get(rule.basis['status'], rule.basis['status'])}]"),
    ]
    return "\n".join([title, *(f"    {label}: {text}" for label, text in rows if text and text.strip("; "))])


def _anchor(rule: Rule) -> str:
    extra = [f"[{'|'.join(rule.field)}]"] * bool(rule.field) + [f"/ {rule.per}"] * bool(rule.per)
    return " ".join([", ".join(_name(one) for one in rule.anchor), *extra])


def _period(rule: Rule, language: str) -> str:
    found = []
    if rule.within is not None:
        found.append(span_text(rule.within, language))
    if rule.before is not None:
        found.append(f"{'提前' if language == 'zh' else 'ahead by '}{span_text(rule.before, language)}")
    if rule.extension is not None:
        found.append(f"+ {span_text(rule.extension, language)}")
    found += [f"{name} {span_text(span, language)}" for name, span in {**rule.grace, **rule.within_by_class}.items()]
    return ", ".join(found)


def span_text(span: Span, language: str) -> str:
    """Return a duration in words."""
    between = "" if language == "zh" else " "
    return " + ".join(f"{term.count}{between}{_UNITS[language][term.unit]}" for term in span.terms)


def _stage(stage: Stage, language: str) -> str:
    at = stage.base
    offset = f" {'+' if stage.sign > 0 else '-'} {span_text(stage.offset, language)}" if stage.offset else ""
    word = _SEVERITIES[stage.severity] if language == "zh" else stage.severity
    return f"{word} ({at}{offset})"


def _any(alternatives: tuple[tuple[Pattern, ...], ...]) -> str:
    return ", ".join(" + ".join(_name(one) for one in alternative) for alternative in alternatives)


def _name(pattern: Pattern) -> str:
    conditions = ", ".join(
        one.field + (f"{'!=' if one.other else '='}{'|'.join(sorted(one.values))}" if one.values else "")
        for one in pattern.conditions
    )
    when = "" if pattern.when == "any" else f"{pattern.when} "
    return f"{when}{pattern.name}{f'[{conditions}]' if conditions else ''}"
