"""The connections that the settings describe: to Kafka and to the database. Secrets come from files, and are shown nowhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from brokers.connection import KafkaConnection
from cli.settings import PREFIX, InvalidSettings

if TYPE_CHECKING:
    from cli.settings import Settings

_TLS = ("kafka_ca_file", "kafka_certificate_file", "kafka_key_file", "kafka_key_password_file")
_LOGIN = ("kafka_username", "kafka_password_file")


def read_kafka_connection(settings: Settings) -> KafkaConnection:
    """The connection to Kafka, its files read. Raise InvalidSettings with one line that names the variable."""
    _check(settings)
    connection = KafkaConnection(
        settings.brokers,
        settings.kafka_security_protocol,
        settings.kafka_ca_file,
        settings.kafka_certificate_file,
        settings.kafka_key_file,
        _read_secret(settings, "kafka_key_password_file"),
        settings.kafka_sasl_mechanism,
        settings.kafka_username,
        _read_secret(settings, "kafka_password_file"),
    )
    for name in _TLS:
        path = getattr(settings, name)
        if path is not None:
            _read(name, path)
    try:
        connection.tls  # noqa: B018  made now, so that a file that cannot be used is named before anything starts
    except OSError as error:
        files = ", ".join(_variable(name) for name in _TLS if getattr(settings, name) is not None)
        raise InvalidSettings(f"{files}: no certificate or key that can be used ({error})") from None
    return connection


def _check(settings: Settings) -> None:
    """Raise InvalidSettings where one variable asks for what another forbids."""
    protocol = settings.kafka_security_protocol
    given = [name for name in (*_TLS, *_LOGIN) if getattr(settings, name) is not None]
    idle = given if protocol == "PLAINTEXT" else [name for name in given if name in _LOGIN and protocol == "SSL"]
    if idle:
        raise InvalidSettings(
            f"{_variable(idle[0])}: not used where {_variable('kafka_security_protocol')} is {protocol}"
        )
    if protocol == "SASL_SSL":
        for name in _LOGIN:
            if name not in given:
                raise InvalidSettings(f"{_variable(name)}: SASL_SSL needs it")
    if ("kafka_certificate_file" in given) != ("kafka_key_file" in given):
        raise InvalidSettings(f"{_variable('kafka_certificate_file')}: a certificate and its key come together")


def read_database_url(settings: Settings) -> str:
    """The address of the read model, the password from its file in it. Raise InvalidSettings."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    from sinks.readmodel.dialect import is_known, is_server

    try:
        url = make_url(settings.database_address)
    except ArgumentError:
        raise InvalidSettings(f"{_variable('database_url')}: no address that SQLAlchemy reads") from None
    if not is_known(url):
        raise InvalidSettings(f"{_variable('database_url')}: {url.drivername} is neither postgresql nor sqlite")
    for name in ("database_password_file", "database_ca_file"):
        if getattr(settings, name) is not None and not is_server(url):
            raise InvalidSettings(f"{_variable(name)}: only PostgreSQL has it")
    password = _read_secret(settings, "database_password_file")
    if password is not None:
        url = url.set(password=password)
    if settings.database_ca_file is not None:
        _read("database_ca_file", settings.database_ca_file)
        url = url.update_query_dict({"sslmode": "verify-full", "sslrootcert": str(settings.database_ca_file)})
    return url.render_as_string(hide_password=False)


def mask_database_url(settings: Settings) -> str:
    """The address of the read model as people and files may see it: without a password."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(settings.database_address)
    except ArgumentError:
        return "an address that SQLAlchemy does not read"
    return url.difference_update_query(["password", "sslpassword"]).render_as_string(hide_password=True)


def _read_secret(settings: Settings, name: str) -> str | None:
    """The text of a file without the end of its line; None where no file is named. Raise InvalidSettings."""
    path = getattr(settings, name)
    if path is None:
        return None
    try:
        text = _read(name, path).decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise InvalidSettings(f"{_variable(name)}: {path} is no text in UTF-8") from None
    if not text:
        raise InvalidSettings(f"{_variable(name)}: {path} is empty")
    return text


def _read(name: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidSettings(f"{_variable(name)}: cannot read {path}: {error.strerror}") from None


def _variable(name: str) -> str:
    return f"{PREFIX}{name.upper()}"


def find_exposed_secrets(settings: Settings) -> list[str]:
    """Variables whose file holds a secret that every user of this machine can read."""
    names = ("kafka_key_file", "kafka_key_password_file", "kafka_password_file", "database_password_file")
    return [
        _variable(name)
        for name in names
        if (path := getattr(settings, name)) is not None and path.exists() and path.stat().st_mode & 0o004
    ]
