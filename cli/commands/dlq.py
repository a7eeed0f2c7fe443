"""`handover dlq`: dead letters, looked at, sent again, or dropped. Nothing changes without --yes."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from cli.kafka.dead_letters import Decisions, read_letters
from cli.output import CHECK_FAILED, fail, json_line, say, warn

if TYPE_CHECKING:
    from cli.settings import Settings
    from schemas.dead_letter import DeadLetter

app = typer.Typer(no_args_is_help=True, help="List, show, redrive or drop dead letters; a dry run unless --yes.")

Places = Annotated[list[str] | None, typer.Argument(metavar="PLACE…", help="Partition:offset, as `list` shows them.")]
Reason = Annotated[str | None, typer.Option("--reason", help="Only those with this reason, e.g. SCHEMA.")]
Everything = Annotated[bool, typer.Option("--all", help="All that are pending.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do it; without, only say what would be done.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


@app.command("list")
def list_(
    reason: Reason = None,
    source: Annotated[
        str | None, typer.Option("--source", help="Only of this agency or source, e.g. PRISON-990100-01.")
    ] = None,
    type_: Annotated[
        str | None, typer.Option("--type", help="Only of this event type, e.g. release.notice_sent.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", help="Only what arrived from this instant on, RFC 3339 with offset.")
    ] = None,
    decided: Annotated[bool, typer.Option("--decided", help="Also those that were redriven or dropped.")] = False,
    as_json: Json = False,
) -> None:
    """List dead letters, oldest first. Exit 1 if any is pending. Values are never shown.

    Of a record that does not say who sent it, or what it is, neither --source nor --type finds the letter.
    """
    from cli.rule_files import read_instant

    first = read_instant(since, "--since")
    letters, decisions = _read()
    shown = [
        one
        for one in letters
        if reason in (None, one.reason)
        and (source is None or _is_of(one, source))
        and (type_ is None or _fact(one.type) == _fact(type_))
        and (first is None or one.arrival >= first)
        and (decided or decisions.of(one) == "pending")
    ]
    for letter in shown:
        if as_json:
            json_line({**letter.wire(), "state": decisions.of(letter)})
        else:
            say(f"{letter.place:>8}  {letter.row()}  {decisions.of(letter)}")
    if not as_json:
        counts = Counter(one.reason for one in shown)
        say(", ".join(f"{count} {name}" for name, count in counts.most_common()) or "no dead letters")
    if any(decisions.of(one) == "pending" for one in shown):
        raise typer.Exit(CHECK_FAILED)


def _is_of(letter: DeadLetter, source: str) -> bool:
    """Whether a letter is of a source, or of any source of an agency."""
    wanted = source if source.startswith("/") else f"/agencies/{source}"
    return letter.source == wanted or letter.source.startswith(f"{wanted}/")


def _fact(type_: str) -> str:
    return type_.removeprefix("reentry.").removesuffix(".v1")


@app.command()
def show(place: Annotated[str, typer.Argument(help="Partition:offset.")], as_json: Json = False) -> None:
    """Show one dead letter: its headers, what is wrong, and the shape of its value, never the values."""
    letters, decisions = _read()
    letter = _choose(letters, [place])[0]
    described = {**letter.wire(), "state": decisions.of(letter), "shape": letter.shape()}
    if as_json:
        json_line(described)
        return
    for name, value in described.items():
        if name != "shape":
            say(f"{name}: {value}")
    say("value, types only:")
    for line in letter.shape():
        say(f"  {line}")


@app.command()
def redrive(
    places: Places = None,
    reason: Reason = None,
    everything: Everything = False,
    again: Annotated[bool, typer.Option("--again", help="Also those that were redriven before.")] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Send dead letters to their own topic again, bytes untouched: those that would be understood now.

    Each is sent at most three times. An event that arrives twice is one event.
    """
    _refuse_vague(places, reason, everything)
    letters, decisions = _read()
    wanted = _select(letters, decisions, places, reason, again=again)
    now = _now()
    verdicts = [(letter, _explain_refusal(letter, now)) for letter in wanted]
    sent = [letter for letter, why_not in verdicts if why_not is None]
    for letter, why_not in verdicts:
        text = "would pass" if why_not is None and not yes else "sent" if why_not is None else f"stays: {why_not}"
        _say(letter, text, as_json)
    if yes and sent:
        _send(sent)
        decisions.record(sent, "redriven")
    _summarise(len(sent), len(wanted), "sent", yes=yes, as_json=as_json)


@app.command()
def drop(
    places: Places = None,
    reason: Reason = None,
    everything: Everything = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Mark dead letters as dropped, so that nobody is asked about them again. The log keeps them for its year."""
    _refuse_vague(places, reason, everything)
    letters, decisions = _read()
    if not decisions.kept:
        fail("without a read model there is nowhere to remember it", "set REENTRY_DATABASE_URL or start the sink")
    wanted = _select(letters, decisions, places, reason, again=False)
    for letter in wanted:
        _say(letter, "dropped" if yes else "would be dropped", as_json)
    if yes:
        decisions.record(wanted, "dropped")
    _summarise(len(wanted), len(wanted), "dropped", yes=yes, as_json=as_json)


def _read() -> tuple[list[DeadLetter], Decisions]:
    from cli.runtime import read_settings

    settings = read_settings()
    return read_letters(settings), Decisions(settings)


def _refuse_vague(places: Iterable[str] | None, reason: str | None, everything: bool) -> None:
    if not (places or reason or everything):
        fail("it is not said which dead letters", "name places, or use --reason or --all")


def _select(
    letters: Sequence[DeadLetter],
    decisions: Decisions,
    places: Iterable[str] | None,
    reason: str | None,
    *,
    again: bool,
) -> list[DeadLetter]:
    if places:
        letters = _choose(letters, list(places))
    states = ("pending", "redriven") if again else ("pending",)
    return [one for one in letters if reason in (None, one.reason) and decisions.of(one) in states]


def _choose(letters: Sequence[DeadLetter], places: list[str]) -> list[DeadLetter]:
    by_place = {letter.place: letter for letter in letters}
    for place in places:
        if place not in by_place:
            fail(f"there is no dead letter at {place}", "see: handover dlq list")
    return [by_place[place] for place in places]


def _now() -> datetime:
    from cli.runtime import read_clock, read_settings

    return read_clock(read_settings()).now(time.time_ns() // 1_000_000)


def _explain_refusal(letter: DeadLetter, now: datetime) -> str | None:
    """Return why a letter is not sent again, or None. It would arrive now."""
    from cli.runtime import read_settings
    from schemas.dead_letter import Refusal, understood

    found = understood(letter, now, read_settings().topic_prefix)
    if not isinstance(found, Refusal):
        return None
    return found.message if found.reason in ("TRIES", "MASKED") else f"{found.reason}: {found.message}"


def _send(letters: Sequence[DeadLetter]) -> None:
    from cli.kafka.producer import Sender
    from cli.runtime import read_settings

    settings: Settings = read_settings()
    with Sender(settings) as sender:
        for letter in letters:
            topic = letter.topic.removeprefix(settings.topic_prefix)
            sender.send(topic, letter.key, letter.value, headers=letter.headers_of_next_try())


def _say(letter: DeadLetter, text: str, as_json: bool) -> None:
    if as_json:
        json_line({**letter.wire(), "result": text})
    else:
        say(f"{letter.place:>8}  {letter.row()}  {text}")


def _summarise(done: int, of: int, word: str, *, yes: bool, as_json: bool) -> None:
    if not as_json:
        say(f"{done} of {of} {word}" if yes else f"{done} of {of} would be {word}")
    if not yes and done:
        warn("a dry run: nothing was changed; add --yes to do it")
