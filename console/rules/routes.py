"""/rules: which number, on which article? And what differs between two rule books."""

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from console.rules import rule_text
from console.rules.book_view import address_of, find_book, group_differences, list_books
from console.rules.books import read_books
from console.text.formatter import Words
from console.web.request import NotFound, Visitor, page, redirect, render
from handover.rules.diff import differences
from handover.rules.rulebook import RuleBook

router = APIRouter()
_GROUPS = ("A", "B", "C", "D", "X")


@router.get("/rules")
def show_first_rule(visitor: Annotated[Visitor, Depends(page("rules"))]) -> Response:
    """The book in force."""
    with visitor.site.engine.connect() as connection:
        book = read_books(visitor.site, connection, visitor.site.now()).in_force
    return redirect(address_of(book.book, book.rules[0].id if book.rules else ""))


@router.get("/rules/diff")
def choose_diff(request: Request, visitor: Annotated[Visitor, Depends(page("rules"))]) -> Response:
    """The difference of two chosen books; ?a=&b=."""
    with visitor.site.engine.connect() as connection:
        found = read_books(visitor.site, connection, visitor.site.now())
    names = list(found.known)
    a = request.query_params.get("a", "") or found.in_force.book
    b = request.query_params.get("b", "") or next((name for name in reversed(names) if name != a), a)
    return redirect(f"/rules/diff/{quote(a, safe='')}/{quote(b, safe='')}")


@router.get("/rules/diff/{a}/{b}")
def show_difference(a: str, b: str, visitor: Annotated[Visitor, Depends(page("rules"))]) -> Response:
    """What differs between two books, rule by rule and key by key."""
    with visitor.site.engine.connect() as connection:
        found = read_books(visitor.site, connection, visitor.site.now())
    before, after = find_book(found, a), find_book(found, b)
    told = list(differences(before, after))
    return render(
        visitor,
        "rules_diff.html",
        before=before,
        after=after,
        names=list(found.known),
        count=len(told),
        groups=group_differences(visitor.words, before, after, told),
        books_nav=list_books(visitor.words, found, "", compared=True),
    )


@router.get("/rules/{book}/{rule}")
def show_rule(book: str, rule: str, visitor: Annotated[Visitor, Depends(page("rules"))]) -> Response:
    """One rule of a book: as a sentence, with its clock, severities, ladder and legal ground."""
    words = visitor.words
    with visitor.site.engine.connect() as connection:
        found = read_books(visitor.site, connection, visitor.site.now())
    shown = find_book(found, book)
    entries = [one for one in shown.rules if one.id == rule]
    if not entries:
        raise NotFound
    return render(
        visitor,
        "rules.html",
        shown=shown,
        state=found.state(book),
        rule_id=rule,
        told=[rule_text.describe_rule(one, shown, words.t) for one in entries],
        groups=_list_rules(words, shown),
        count=len(shown.ids),
        books_nav=list_books(words, found, book),
    )


def _list_rules(words: Words, book: RuleBook) -> list[tuple[str, list[Mapping[str, str]]]]:
    found: dict[str, dict[str, Mapping[str, str]]] = {}
    for one in book.rules:
        letter = one.id[:1] if one.id[:1] in _GROUPS else "other"
        told = rule_text.describe_rule(one, book, words.t)
        entry = {"id": one.id, "name": told.name, "clock": told.short, "to": address_of(book.book, one.id)}
        found.setdefault(letter, {}).setdefault(one.id, entry)
    return [(words.t(f"rules.group.{letter}"), list(entries.values())) for letter, entries in found.items()]
