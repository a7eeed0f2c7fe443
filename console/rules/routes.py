"""/rules: which number, on which article? And what differs between two rule books."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from console.rules import rule_text
from console.rules.books import Books, books
from console.text.formatter import Words
from console.web.request import NotFound, Visitor, page, redirect, render
from handover.rules.diff import Difference, differences
from handover.rules.rulebook import RuleBook

router = APIRouter()
_GROUPS = ("A", "B", "C", "D", "X")


@router.get("/rules")
def first_rule(visitor: Annotated[Visitor, Depends(page("rules"))]) -> Response:
    """The book in force."""
    with visitor.site.engine.connect() as connection:
        book = books(visitor.site, connection, visitor.site.now()).in_force
    return redirect(address(book.book, book.rules[0].id if book.rules else ""))


@router.get("/rules/diff")
def choose_diff(request: Request, visitor: Annotated[Visitor, Depends(page("rules"))]) -> Response:
    """The difference of two chosen books; ?a=&b=."""
    with visitor.site.engine.connect() as connection:
        found = books(visitor.site, connection, visitor.site.now())
    names = list(found.known)
    a = request.query_params.get("a", "") or found.in_force.book
    b = request.query_params.get("b", "") or next((name for name in reversed(names) if name != a), a)
    return redirect(f"/rules/diff/{quote(a, safe='')}/{quote(b, safe='')}")


@router.get("/rules/diff/{a}/{b}")
def diff(a: str, b: str, visitor: Annotated[Visitor, Depends(page("rules"))]) -> Response:
    """What differs between two books, rule by rule and key by key."""
    with visitor.site.engine.connect() as connection:
        found = books(visitor.site, connection, visitor.site.now())
    before, after = book_named(found, a), book_named(found, b)
    told = list(differences(before, after))
    return render(
        visitor,
        "rules_diff.html",
        before=before,
        after=after,
        names=list(found.known),
        count=len(told),
        groups=grouped(visitor.words, before, after, told),
        books_nav=nav(visitor.words, found, "", compared=True),
    )


@router.get("/rules/{book}/{rule}")
def rule(book: str, rule: str, visitor: Annotated[Visitor, Depends(page("rules"))]) -> Response:
    """One rule of a book: as a sentence, with its clock, severities, ladder and legal ground."""
    words = visitor.words
    with visitor.site.engine.connect() as connection:
        found = books(visitor.site, connection, visitor.site.now())
    shown = book_named(found, book)
    entries = [one for one in shown.rules if one.id == rule]
    if not entries:
        raise NotFound
    return render(
        visitor,
        "rules.html",
        shown=shown,
        state=found.state(book),
        rule_id=rule,
        told=[rule_text.told(one, shown, words.t) for one in entries],
        groups=_listed(words, shown),
        count=len(shown.ids),
        books_nav=nav(words, found, book),
    )


def address(book: str, rule: str) -> str:
    """Where a rule is shown."""
    return f"/rules/{quote(book, safe='')}/{quote(rule, safe='')}"


def book_named(found: Books, name: str) -> RuleBook:
    """A known book. Raise NotFound."""
    book = found.known.get(name)
    if book is None:
        raise NotFound
    return book


def nav(words: Words, found: Books, current: str, *, compared: bool = False) -> list[dict[str, Any]]:
    """The books to choose from, then the comparison and what is proposed."""
    entries: list[dict[str, Any]] = []
    for name, book in found.known.items():
        if book.rules:
            label = words.t("rules.in_force", book=name) if found.state(name) == "force" else name
            entries.append({"to": address(name, book.rules[0].id), "label": label, "on": name == current})
    entries.append({"to": "/rules/diff", "label": words.t("rules.compare"), "on": compared})
    entries.append({"to": "/rules/changes", "label": words.t("rules.changes"), "on": current == "changes"})
    return entries


def grouped(words: Words, before: RuleBook, after: RuleBook, told: Sequence[Difference]) -> list[dict[str, Any]]:
    """Differences by rule, as lines that are taken away and lines that are added."""
    found: dict[str, dict[str, Any]] = {}
    for one in told:
        group = found.setdefault(one.label, {"label": one.label, "name": _name(words, before, after, one), "lines": []})
        if one.key is None:
            key = "diff.gone" if one.after is None else "diff.new"
            group["lines"].append({"sign": "del" if one.after is None else "add", "text": words.t(key)})
            continue
        for sign, side in (("del", one.before), ("add", one.after)):
            if side is not None:
                group["lines"].append({"sign": sign, "text": f"{one.key} = {rule_text.value(side)}"})
    return list(found.values())


def _name(words: Words, before: RuleBook, after: RuleBook, one: Difference) -> str:
    if not one.rule:
        return words.t("diff.book")
    rule = after.by_key.get((one.rule, one.part)) or before.by_key.get((one.rule, one.part))
    return words.t.of(rule.names) if rule is not None else ""


def _listed(words: Words, book: RuleBook) -> list[tuple[str, list[Mapping[str, str]]]]:
    found: dict[str, dict[str, Mapping[str, str]]] = {}
    for one in book.rules:
        letter = one.id[:1] if one.id[:1] in _GROUPS else "other"
        told = rule_text.told(one, book, words.t)
        entry = {"id": one.id, "name": told.name, "clock": told.short, "to": address(book.book, one.id)}
        found.setdefault(letter, {}).setdefault(one.id, entry)
    return [(words.t(f"rules.group.{letter}"), list(entries.values())) for letter, entries in found.items()]
