"""`handover rules`: check a rule book, print it for people, compare two."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.report import CHECK_FAILED, fail, json_line, say

if TYPE_CHECKING:
    from handover.rulebook import RuleBook

app = typer.Typer(no_args_is_help=True, help="Check a rule book, print it for people, compare two.")
Book = Annotated[str, typer.Argument(help="A rule book: a name the product brings, or a TOML file.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
Lang = Annotated[str | None, typer.Option("--lang", help="zh or en; else what LANG says.")]
_NOT_SET = "-"


@app.command()
def check(book: Book) -> None:
    """Say whether a rule book can be used. Exit 1 if not."""
    loaded = _load(book, CHECK_FAILED)
    say(f"{loaded.book}: {len(loaded.rules)} rules, usable")


@app.command()
def explain(
    book: Book = "cn-default",
    rule: Annotated[str | None, typer.Option("--rule", help="Only this rule.")] = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Print a rule book for people: each rule with its clock, who owes, what answers it, and on which ground."""
    from cli.rule_text import paragraph

    language = language_of(lang)
    loaded = _load(book)
    chosen = [one for one in loaded.rules if rule in (None, one.id)]
    if not chosen:
        fail(f"{loaded.book} has no rule {rule}", f"use of {', '.join(dict.fromkeys(one.id for one in loaded.rules))}")
    if as_json:
        wanted = {one.key for one in chosen}
        for entry in loaded.raw["rule"]:
            if (entry["id"], entry.get("part", "")) in wanted:
                json_line(entry)
        return
    say(f"{loaded.names[language]} ({loaded.book})")
    for one in chosen:
        say("")
        say(paragraph(one, loaded, language))


@app.command()
def diff(before: Book, after: Book, as_json: Json = False) -> None:
    """Compare two rule books, key by key of each rule."""
    for change in changes(_load(before), _load(after)):
        if as_json:
            json_line(change)
        else:
            say(_line(change))


def changes(before: RuleBook, after: RuleBook) -> Iterator[dict[str, Any]]:
    """Yield what differs: {rule, part, key, before, after}; a rule that comes or goes has key null."""
    for key in dict.fromkeys((*before.raw, *after.raw)):
        if key not in ("rule", "extends") and before.raw.get(key) != after.raw.get(key):
            yield _change("", "", key, before.raw.get(key), after.raw.get(key))
    old, new = _entries(before), _entries(after)
    for name in dict.fromkeys((*old, *new)):
        if name not in new or name not in old:
            yield _change(*name, None, old.get(name), new.get(name))
            continue
        for key in dict.fromkeys((*old[name], *new[name])):
            if old[name].get(key) != new[name].get(key):
                yield _change(*name, key, old[name].get(key), new[name].get(key))


def _entries(book: RuleBook) -> dict[tuple[str, str], Mapping[str, Any]]:
    return {(one["id"], one.get("part", "")): one for one in book.raw["rule"] if not one.get("off")}


def _change(rule: str, part: str, key: str | None, before: Any, after: Any) -> dict[str, Any]:
    return {"rule": rule, "part": part, "key": key, "before": before, "after": after}


def _line(change: Mapping[str, Any]) -> str:
    name = change["rule"] + (f" ({change['part']})" if change["part"] else "")
    if change["key"] is None:
        return f"- {name}" if change["after"] is None else f"+ {name}"
    return f"~ {f'{name} ' if name else ''}{change['key']}: {_show(change['before'])} → {_show(change['after'])}"


def _show(value: Any) -> str:
    import orjson

    if value is None:
        return _NOT_SET
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _load(name: str, status: int = 2) -> RuleBook:
    from handover.rulebook import InvalidRuleBook, load

    try:
        return load(name)
    except OSError as error:
        fail(f"cannot read {name}: {error.strerror}", "give the path of a rule book")
    except InvalidRuleBook as error:
        fail(str(error), "correct this entry and check again", status=status)


def language_of(given: str | None) -> str:
    """Return the language to speak: the one asked for, else what the environment says."""
    if given is None:
        wanted = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
        return "zh" if wanted.lower().startswith("zh") else "en"
    if given not in ("zh", "en"):
        fail(f"--lang {given}: unknown", "use zh or en")
    return given
