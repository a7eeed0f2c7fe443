"""`handover topics`: the topics as they must be, what the broker has, and the way from one to the other."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from cli.report import CHECK_FAILED, fail
from cli.settings import InvalidSettings, Settings, load

if TYPE_CHECKING:
    from kafka import KafkaAdminClient

    from cli.stack.provision import Difference, Wanted

app = typer.Typer(no_args_is_help=True, help="Provision Kafka topics: what would change, change it, check it.")
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line: topic, kind, text, config.")]


@app.command()
def plan(as_json: Json = False) -> None:
    """Say what `apply` would change. Changes nothing."""
    with provisioning() as (_, _, todo):
        report(todo, as_json)
        if not as_json and not todo:
            typer.echo("Nothing to change.")


@app.command()
def apply(as_json: Json = False) -> None:
    """Create what is missing and set what differs. Deletes and shrinks nothing; running it again changes nothing."""
    from cli.stack import provision

    with provisioning() as (admin, topics, todo):
        provision.apply(admin, topics, todo)
        report(todo, as_json)
        stuck = [one for one in todo if one.kind == "impossible"]
        if not as_json:
            typer.echo(f"{len(todo) - len(stuck)} changed, {len(topics)} topics in place." if todo else "All in place.")
        if stuck:
            raise typer.Exit(CHECK_FAILED)


@app.command()
def check(as_json: Json = False) -> None:
    """Exit 1 when a topic is missing or not as it must be."""
    with provisioning() as (_, topics, todo):
        report(todo, as_json)
        if todo:
            raise typer.Exit(CHECK_FAILED)
        if not as_json:
            typer.echo(f"{len(topics)} topics in place.")


@contextmanager
def provisioning() -> Iterator[tuple["KafkaAdminClient", Sequence["Wanted"], list["Difference"]]]:
    """The admin client, the topics that must be, and what differs; every known failure ends in one line and exit 2."""
    from kafka.errors import KafkaError

    from cli.records import kafka_of, no_broker
    from cli.stack.provision import connect, differences, wanted

    settings = _settings()
    topics = wanted(settings)
    kafka = kafka_of(settings)
    try:
        admin = connect(kafka)
    except (KafkaError, OSError):
        no_broker(kafka)
    try:
        yield admin, topics, differences(admin, topics)
    except KafkaError as error:
        fail(f"the broker refused: {error}", "see its log")
    finally:
        admin.close()


def report(todo: Sequence["Difference"], as_json: bool) -> None:
    """Print what differs, one a line."""
    signs = {"create": "+", "configure": "~", "impossible": "!"}
    for one in todo:
        typer.echo(json.dumps(one.wire()) if as_json else f"{signs[one.kind]} {one.topic}: {one.text}")


def _settings() -> Settings:
    try:
        return load()
    except InvalidSettings as error:
        fail(str(error), "correct or unset it")
