"""`handover bundle`: events of an office without a line, in a signed file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.output import CHECK_FAILED, Bar, fail, output, say
from cli.private_files import write_private

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.bundles import Head, Mark

app = typer.Typer(no_args_is_help=True, help="Carry events from an office without a line: make, verify, read.")
_CONTENT_TYPE = ("content-type", b"application/cloudevents+json")
_ACKNOWLEDGED_EACH = 1_000  # events after which the progress is noted

Public = Annotated[
    Path, typer.Option("--key", help="The office's public key (PEM), which it has handed over in person.")
]


@app.callback()
def _bundle() -> None:
    """Carry events from an office without a line: make, verify, read."""


@app.command()
def key(
    file: Annotated[Path, typer.Argument(help="The private key to be made; the public one lies beside it as .pub.")],
) -> None:
    """Make the office's pair of keys. The private one stays; the public one goes to who reads its bundles."""
    from gateway.signing import Signer, make_private_key, write_public

    if file.exists():
        fail(f"{file} is there already", "name a new file: bundles of the old key must stay readable")
    try:
        write_private(file, make_private_key())
        signer = Signer.read(file)
        file.with_suffix(".pub").write_text(write_public(signer.public), encoding="ascii")
    except OSError as error:
        fail(f"cannot write {file}: {error.strerror}", "name a file in a folder that can be written")
    say(f"key {signer.key_id}: {file} stays here, {file.with_suffix('.pub')} goes to the reader")


@app.command()
def make(
    events: Annotated[Path, typer.Argument(help="CloudEvents, one JSON a line, as handover import --out writes them.")],
    out: Annotated[Path, typer.Argument(help="The bundle to be made.")],
    private: Annotated[Path, typer.Option("--key", help="The office's private key (PEM).")],
    source: Annotated[str, typer.Option("--source", help="The office: /agencies/COUNTY_JUSTICE-990102-01.")],
) -> None:
    """Make a bundle. Exit 2 if an event is invalid or of another source: then none is made."""
    from gateway.bundles import InvalidBundle, make_bundle
    from gateway.signing import InvalidKeyFile, Signer
    from schemas.text_files import skip_mark

    try:
        lines = [text for line in skip_mark(events.read_bytes()).split(b"\n") if (text := line.strip())]
        signer = Signer.read(private)
        with output(str(out)) as stream:
            head = make_bundle(lines, source, signer, _now(), stream)
    except (InvalidBundle, InvalidKeyFile) as error:
        fail(str(error), "correct it; no bundle was made")
    except OSError as error:
        fail(f"cannot read {error.filename}: {error.strerror}", "name files that can be read")
    say(f"{out}: {head.events} events of {head.source}, signed by {signer.key_id}")


@app.command()
def verify(file: Annotated[Path, typer.Argument(help="A bundle.")], public: Public) -> None:
    """Check who made a bundle, that it is whole, and each event in it. Exit 1 if not."""
    head = _verify(file, public)
    say(f"{head.events} events of {head.source}, made at {head.made_at}: whole and signed")


@app.command()
def read(file: Annotated[Path, typer.Argument(help="A bundle.")], public: Public) -> None:
    """Publish the events of a bundle, all checked before. After a failure read it again: it goes on where it stopped."""
    from gateway.bundles import Mark

    head = _verify(file, public)
    mark = Mark.beside(file, head)
    try:
        done = mark.read()
        _send(file, head, mark, done)
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}", "the folder of the bundle must be readable and writable")
    say(f"{head.events - done} events of {head.source} published" + (f", {done} were before" if done else ""))


def _send(file: Path, head: Head, mark: Mark, done: int) -> None:
    from cli.kafka.producer import Sender
    from cli.runtime import read_settings
    from gateway.bundles import read_lines
    from schemas.parse import parse

    with Sender(read_settings()) as sender, Bar("publishing", head.events - done) as bar:
        for number, line in enumerate(read_lines(file, done), start=done + 1):
            event = parse(line)
            sender.send(event.topic, event.subject.encode(), line, headers=[_CONTENT_TYPE])
            bar.advance()
            if number % _ACKNOWLEDGED_EACH == 0 or number == head.events:
                sender.flush()
                mark.write(number)


def _verify(file: Path, public: Path) -> Head:
    from gateway.bundles import Forged, InvalidBundle, verify_bundle
    from gateway.signing import InvalidKeyFile, read_public

    try:
        return verify_bundle(file, read_public(public), _now())
    except Forged as error:
        fail(f"{file}: {error}", "ask the office which key is its own; nothing was published", CHECK_FAILED)
    except InvalidBundle as error:
        fail(f"{file}: {error}", "nothing was published", CHECK_FAILED)
    except InvalidKeyFile as error:
        fail(str(error), "give the office's public key (PEM)")
    except OSError as error:
        fail(f"cannot read {error.filename}: {error.strerror}", "name files that can be read")


def _now() -> datetime:
    from cli.runtime import read_clock, read_settings

    return read_clock(read_settings()).now(time.time_ns() // 1_000_000)
