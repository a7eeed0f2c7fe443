"""What every command starts with: settings, clock, secrets, language; each ends the command in one line where it cannot be read."""

from __future__ import annotations

import contextlib
import os
import secrets
from dataclasses import fields
from typing import TYPE_CHECKING, NoReturn, cast

from cli.output import fail
from cli.private_files import make_folder, write_private

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from brokers.connection import KafkaConnection
    from cli.settings import Settings
    from console.text.i18n import Language
    from sinks.readmodel.migration_chain import NotMigrated
    from streams.app import WorkerConfig
    from streams.clock import Clock

SHORTEST_KEY = 32  # bytes
KEY_FILE = "audit.key"


def read_settings() -> Settings:
    """Return the settings; end with one line where a variable cannot be used."""
    from cli.settings import InvalidSettings, load

    try:
        return load()
    except InvalidSettings as error:
        fail(str(error), "correct the variable and try again")


def read_kafka(settings: Settings) -> KafkaConnection:
    """Return the connection to Kafka; end with one line where a variable or a file cannot be used."""
    from cli.connection import read_kafka_connection
    from cli.settings import InvalidSettings

    try:
        return read_kafka_connection(settings)
    except InvalidSettings as error:
        fail(str(error), "correct the variable and try again")


def open_database(settings: Settings) -> Engine:
    """Return the engine of the read model; nothing is opened yet. End with one line where a variable cannot be used."""
    from cli.connection import read_database_url
    from cli.settings import InvalidSettings
    from sinks.readmodel.database import connect

    try:
        return connect(read_database_url(settings))
    except InvalidSettings as error:
        fail(str(error), "correct the variable and try again")


def make_database_folder(settings: Settings) -> None:
    """Make the folder of SQLite's file where no other database is named."""
    if settings.database_url is None:
        make_folder(settings.data_dir)


def has_read_model(settings: Settings) -> bool:
    """Say whether there is a database to look into: one was named, or the sink has made its own."""
    return settings.database_url is not None or (settings.data_dir / "handover.sqlite").exists()


def no_broker(kafka: KafkaConnection) -> NoReturn:
    """End: nobody answers where the settings say a broker is, or it does not let us in."""
    from brokers.refusal import refusal

    reason = refusal(kafka)
    if reason is not None:
        fail(reason, "correct the REENTRY_KAFKA_ variables; more with: handover doctor")
    fail(f"no broker answers at {kafka.brokers}", "start one (handover up) or set REENTRY_BROKERS")


def fail_not_migrated(error: NotMigrated) -> NoReturn:
    """End: the tables are not those of this program."""
    fail(error.what, error.todo)


def read_clock(settings: Settings) -> Clock:
    """Return the clock that the settings name; end with one line where it cannot be read."""
    from streams.clock import Clock

    try:
        return Clock.load(settings.clock_file)
    except (OSError, ValueError, KeyError) as error:
        fail(f"cannot read clock file {settings.clock_file}: {error}", "correct REENTRY_CLOCK_FILE or unset it")


def choose_language(given: str | None) -> Language:
    """Return the language to speak: the one asked for, else what the environment says."""
    if given is None:
        wanted = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
        return "zh" if wanted.lower().startswith("zh") else "en"
    if given not in ("zh", "en"):
        fail(f"--lang {given}: unknown", "use zh or en")
    return cast("Language", given)


def make_audit_key(settings: Settings) -> bytes | None:
    """The secret that seals the audit, as the console takes it: where none is named, its first start makes one in the data folder."""
    path = settings.data_dir / KEY_FILE
    if settings.audit_key_file is None and not path.exists():
        make_folder(settings.data_dir)
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        write_private(fresh, secrets.token_hex(SHORTEST_KEY) + "\n")
        with contextlib.suppress(FileExistsError):  # another console was first: its secret holds
            os.link(fresh, path)
        fresh.unlink()
    return read_audit_key(settings)


def read_audit_key(settings: Settings) -> bytes | None:
    """The secret that seals the audit, None where there is none; end with one line where its file cannot be used."""
    path = settings.audit_key_file
    if path is None:
        path = settings.data_dir / KEY_FILE
        if not path.exists():
            return None
    try:
        key = path.read_bytes().strip()
    except OSError as error:
        fail(f"REENTRY_AUDIT_KEY_FILE: {path}: {error.strerror}", "name a file that can be read")
    if len(key) < SHORTEST_KEY:
        fail(f"REENTRY_AUDIT_KEY_FILE: {path} holds fewer than {SHORTEST_KEY} bytes", "make one: openssl rand -hex 32")
    return key


def build_worker_config(settings: Settings) -> WorkerConfig:
    """Return what a worker is given of the settings."""
    from streams.app import WorkerConfig

    given = {field.name: getattr(settings, field.name) for field in fields(WorkerConfig) if field.name != "kafka"}
    return WorkerConfig(read_kafka(settings), **given)
