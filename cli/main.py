"""The `handover` command: a table of commands, each in a module of its own that is imported when it is used."""

from __future__ import annotations

import gc
import logging
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

from cli.output import BAD_INPUT


class _Command(NamedTuple):
    module: str
    name: str  # of a function, or of a typer app with commands of its own
    help: str


COMMANDS = {
    "demo": _Command(
        "cli.commands.demo", "demo", "Start everything on this machine with a simulated city, and say where."
    ),
    "up": _Command("cli.commands.up", "up", "Start the stack on this machine: Kafka, workers, sink."),
    "down": _Command("cli.commands.up", "down", "Stop the stack on this machine."),
    "status": _Command("cli.commands.up", "status", "Say what runs on this machine, and where."),
    "topics": _Command("cli.commands.topics", "app", "Provision Kafka topics: what would change, change it, check it."),
    "publish": _Command("cli.commands.publish", "publish", "Publish CloudEvents, one JSON a line, to their topics."),
    "import": _Command(
        "cli.commands.import_sheet", "import_sheet", "Import events from a spreadsheet, or make a template."
    ),
    "bundle": _Command("cli.commands.bundle", "app", "Carry events from an office without a line: make, verify, read."),
    "simulate": _Command(
        "cli.commands.simulate", "simulate", "Make synthetic events of a county, city, province or nation."
    ),
    "replay": _Command(
        "cli.commands.replay", "replay", "Run files of events through the rules, with no Kafka and no database."
    ),
    "dump": _Command("cli.commands.dump", "dump", "Write the recorded events to a file that replay reads."),
    "verify": _Command("cli.verify", "verify", "Replay the recorded log and compare with the alerts that were raised."),
    "alerts": _Command("cli.commands.alerts", "alerts", "Show open alerts and what is due next, by time to deadline."),
    "whatif": _Command("cli.commands.whatif", "whatif", "Compute the recorded history under another rule book."),
    "worker": _Command(
        "cli.commands.worker", "worker", "Run one stream worker; start as many as there are partitions."
    ),
    "sink": _Command("cli.commands.sink", "sink", "Write the SQL read model; measure and judge beside it."),
    "notify": _Command("cli.commands.notify", "notify", "Tell people of alerts: by mail, webhook, group chat."),
    "console": _Command("cli.commands.console", "console", "Serve the operations console."),
    "gateway": _Command(
        "cli.commands.gateway", "gateway", "Take events over HTTP, answer receipts and refs of persons."
    ),
    "receipt": _Command("cli.commands.receipt", "app", "Check a receipt of the gateway, without a network."),
    "audit": _Command("cli.commands.audit", "app", "Check that the record of who saw whom is whole."),
    "rules": _Command("cli.commands.rules", "app", "Check a rule book, print it for people, compare two."),
    "dlq": _Command("cli.commands.dlq", "app", "List, show, redrive or drop dead letters; a dry run unless --yes."),
    "schemas": _Command("cli.commands.schemas", "app", "Write JSON Schema and AsyncAPI."),
    "rebuild": _Command("cli.commands.rebuild", "app", "Build the read model anew from the log."),
    "doctor": _Command("cli.doctor", "doctor", "Check settings, broker, topics, database, calendar and clock."),
}


class _Table(TyperGroup):
    """Knows all commands by name and sentence, and imports the one that is called: `--help` stays quick."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        found = COMMANDS.get(cmd_name)
        if found is None:
            return None
        return TyperCommand(cmd_name, help=found.help, short_help=found.help, rich_markup_mode=None)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        return name, command if name is None else _load(name), rest


def _load(name: str) -> Any:
    entry = COMMANDS[name]
    found = getattr(import_module(entry.module), entry.name)
    if not isinstance(found, typer.Typer):
        single = typer.Typer(add_completion=False, rich_markup_mode=None)
        single.command(name)(found)
        found = single
    found.rich_markup_mode, found._add_completion = None, False  # noqa: SLF001 completion is the whole command's
    command = typer.main.get_command(found)
    command.name = name
    return command


app = typer.Typer(cls=_Table, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.callback()
def _handover() -> None:
    """Every promise in the handover of a person from prison to a county, and every missed one as an alert."""


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status: 0, 1 an asked-for check failed, 2 bad usage or input."""
    collect_seldom()
    command = typer.main.get_command(app)
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # its troubles end in our own one line
    try:
        return int(command.main(args=list(arguments), prog_name="handover", standalone_mode=False) or 0)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return _end_quietly()
    except Exception as error:
        if hasattr(error, "format_message"):
            return _usage(error)
        if type(error).__name__ == "InvalidSettings":  # its module is not imported for --help
            print(f"handover: {error}; correct the variable and try again", file=sys.stderr)
            return BAD_INPUT
        raise


def collect_seldom() -> None:
    """Look for cycles of unused objects seldom, among old ones hardly ever: cases are millions of small objects without cycles.

    By default it takes a tenth of the time of a small city, and more the more cases are in memory.
    """
    gc.set_threshold(50_000, 20, 1_000)


def _usage(error: Any) -> int:
    if type(error).__name__ == "NoArgsIsHelpError":
        print(error.format_message())
        return 0
    path = error.ctx.command_path if getattr(error, "ctx", None) is not None else "handover"
    text = " ".join(error.format_message().split()).removesuffix(".")
    print(f"handover: {text}; see {path} --help", file=sys.stderr)
    return BAD_INPUT


def _end_quietly() -> int:
    """The reader of our output has gone (`handover … | head`): end without a word."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def main() -> None:
    """Entry point of the `handover` script."""
    from cli.private_files import keep_private

    keep_private()
    try:
        status = run(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:
        status = _end_quietly()
    sys.exit(status)


if __name__ == "__main__":
    main()
