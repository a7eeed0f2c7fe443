"""Rule books as pages show them: where a rule stands, the books to choose from, what differs between two."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from console.rules import rule_text
from console.rules.books import Books
from console.text.formatter import Words
from console.web.request import NotFound
from handover.rules.diff import Difference
from handover.rules.rulebook import RuleBook


def address_of(book: str, rule: str) -> str:
    """Where a rule is shown."""
    return f"/rules/{quote(book, safe='')}/{quote(rule, safe='')}"


def find_book(found: Books, name: str) -> RuleBook:
    """A known book. Raise NotFound."""
    book = found.known.get(name)
    if book is None:
        raise NotFound
    return book


def list_books(words: Words, found: Books, current: str, *, compared: bool = False) -> list[dict[str, Any]]:
    """The books to choose from, then the comparison and what is proposed."""
    entries: list[dict[str, Any]] = []
    for name, book in found.known.items():
        if book.rules:
            label = words.t("rules.in_force", book=name) if found.state(name) == "force" else name
            entries.append({"to": address_of(name, book.rules[0].id), "label": label, "on": name == current})
    entries.append({"to": "/rules/diff", "label": words.t("rules.compare"), "on": compared})
    entries.append({"to": "/rules/changes", "label": words.t("rules.changes"), "on": current == "changes"})
    return entries


def group_differences(
    words: Words, before: RuleBook, after: RuleBook, told: Sequence[Difference]
) -> list[dict[str, Any]]:
    """Differences by rule, as lines that are taken away and lines that are added."""
    found: dict[str, dict[str, Any]] = {}
    for one in told:
        group = found.setdefault(
            one.label, {"label": one.label, "name": _name_rule(words, before, after, one), "lines": []}
        )
        if one.key is None:
            key = "diff.gone" if one.after is None else "diff.new"
            group["lines"].append({"sign": "del" if one.after is None else "add", "text": words.t(key)})
            continue
        for sign, side in (("del", one.before), ("add", one.after)):
            if side is not None:
                group["lines"].append({"sign": sign, "text": f"{one.key} = {rule_text.format_value(side)}"})
    return list(found.values())


def _name_rule(words: Words, before: RuleBook, after: RuleBook, one: Difference) -> str:
    if not one.rule:
        return words.t("diff.book")
    rule = after.by_key.get((one.rule, one.part)) or before.by_key.get((one.rule, one.part))
    return words.t.of(rule.names) if rule is not None else ""
