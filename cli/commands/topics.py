"""`handover topics`: the topics and the rights on them as they must be, what the broker has, and the way from one to the other."""

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.output import CHECK_FAILED, fail
from cli.runtime import read_settings

if TYPE_CHECKING:
    from kafka import KafkaAdminClient

    from brokers.rights import Binding
    from cli.stack.provision import Difference, Wanted

app = typer.Typer(
    no_args_is_help=True, help="Provision Kafka topics and rights: what would change, change it, check it."
)
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line: topic, kind, text, config.")]
Acls = Annotated[
    Path | None,
    typer.Option(
        "--acls",
        help="Rights too: a TOML file that lists the principals of each role (docs/runbook/secure-connections.md).",
    ),
]


@dataclass(frozen=True)
class Provisioning:
    """What must be. `rights` is None where nobody asked for them."""

    admin: "KafkaAdminClient"
    prefix: str
    topics: Sequence["Wanted"]
    rights: Collection["Binding"] | None

    def differences(self) -> list["Difference"]:
        """What the broker lacks. Raise KafkaError."""
        from cli.stack import acls, provision

        found = provision.differences(self.admin, self.topics)
        return found if self.rights is None else found + acls.differences(self.admin, self.rights, self.prefix)


@app.command()
def plan(acls: Acls = None, as_json: Json = False) -> None:
    """Say what `apply` would change. Changes nothing."""
    with open_provisioning(acls) as wanted:
        todo = wanted.differences()
        _print_differences(todo, as_json)
        if not as_json and not todo:
            typer.echo("Nothing to change.")


@app.command()
def apply(
    acls: Acls = None,
    revoke: Annotated[
        bool, typer.Option("--revoke", help="Take back rights on our topics and groups that the table does not say.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Create what is missing and set what differs. Deletes and shrinks nothing; running it again changes nothing."""
    from cli.stack import provision
    from cli.stack.acls import apply as apply_rights
    from cli.stack.acls import stuck

    if revoke and acls is None:
        fail("--revoke takes back what a file does not say", "name it with --acls")
    with open_provisioning(acls) as wanted:
        todo = provision.differences(wanted.admin, wanted.topics)
        provision.apply(wanted.admin, wanted.topics, todo)
        if wanted.rights is not None:
            todo += apply_rights(wanted.admin, wanted.rights, wanted.prefix, revoke=revoke)
        _print_differences(todo, as_json)
        left = stuck(todo, revoke=revoke)
        if not as_json:
            done = f"{len(todo) - len(left)} changed, {len(wanted.topics)} topics in place."
            typer.echo(done if todo else "All in place.")
        if left:
            raise typer.Exit(CHECK_FAILED)


@app.command()
def check(acls: Acls = None, as_json: Json = False) -> None:
    """Exit 1 when a topic is missing or not as it must be; with --acls also when a right is missing or one too many."""
    with open_provisioning(acls) as wanted:
        todo = wanted.differences()
        _print_differences(todo, as_json)
        if todo:
            raise typer.Exit(CHECK_FAILED)
        if not as_json:
            typer.echo(f"{len(wanted.topics)} topics in place.")


@contextmanager
def open_provisioning(acls: Path | None) -> Iterator[Provisioning]:
    """What must be, and the admin client; every known failure ends in one line and exit 2."""
    from kafka.errors import KafkaError

    from brokers.rights import InvalidPrincipals, bindings, read_principals
    from cli.runtime import no_broker, read_kafka
    from cli.stack.acls import NoAuthorizer
    from cli.stack.provision import connect, list_topics

    settings = read_settings()
    prefix, topics, kafka = settings.topic_prefix, list_topics(settings), read_kafka(settings)
    try:
        rights = None if acls is None else frozenset(bindings(read_principals(acls), prefix))
    except InvalidPrincipals as error:
        fail(str(error), "correct it")
    try:
        admin = connect(kafka)
    except (KafkaError, OSError):
        no_broker(kafka)
    try:
        yield Provisioning(admin, prefix, topics, rights)
    except NoAuthorizer:
        fail("the broker has no authorizer", "set authorizer.class.name on it: docs/runbook/secure-connections.md")
    except KafkaError as error:
        fail(f"the broker refused: {error}", "see its log")
    finally:
        admin.close()


def _print_differences(todo: Sequence["Difference"], as_json: bool) -> None:
    """Print what differs, one a line."""
    signs = {"create": "+", "configure": "~", "grant": "+", "revoke": "-", "impossible": "!"}
    for one in todo:
        typer.echo(json.dumps(one.wire()) if as_json else f"{signs[one.kind]} {one.topic}: {one.text}")
