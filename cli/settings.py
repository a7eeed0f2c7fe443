"""The settings of a process, from variables that begin with REENTRY_. Read here only; below, values are arguments."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "REENTRY_"
OUTSIDE = ("REENTRY_TEST_",)  # read by tests, not by the product

Seconds = Annotated[float, Field(gt=0, le=3600)]
Port = Annotated[int, Field(ge=0, le=65535)]


class InvalidSettings(ValueError):
    """A variable holds a value that cannot be used. The text names the variable and what is allowed."""


class Settings(BaseSettings):
    """Every value a process may be given from outside, with the value it has otherwise."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="ignore", hide_input_in_errors=True, env_ignore_empty=True
    )

    brokers: str = Field("127.0.0.1:9092", description="Kafka bootstrap servers, host:port, separated by commas.")
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_SSL"] = Field(
        "PLAINTEXT", description="How brokers are reached: with TLS their certificate and host name are always checked."
    )
    kafka_ca_file: Path | None = Field(
        None, description="Certificates (PEM) of who signs the brokers'; without it this machine's authorities."
    )
    kafka_certificate_file: Path | None = Field(
        None, description="Our own certificate (PEM), where brokers ask for it."
    )
    kafka_key_file: Path | None = Field(None, description="Its key (PEM).")
    kafka_key_password_file: Path | None = Field(None, description="File with the password of that key.")
    kafka_sasl_mechanism: Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"] = Field(
        "SCRAM-SHA-512", description="How SASL_SSL proves the password."
    )
    kafka_username: str | None = Field(None, description="Who we are to the brokers, with SASL_SSL.")
    kafka_password_file: Path | None = Field(None, description="File with the password of that user.")
    topic_prefix: str = Field("", pattern=r"^[a-zA-Z0-9._-]*$", description="Put before every topic and group name.")
    partitions: int = Field(12, ge=1, le=1000, description="Partitions of every keyed topic. Fixed for life.")
    replication: int = Field(
        3, ge=1, le=9, description="Copies of every partition; two must agree when there are three."
    )

    data_dir: Path = Field(Path("var/data"), description="Folder of this machine's state: SQLite, local Kafka, logs.")
    database_url: str | None = Field(
        None, description="SQLAlchemy address of the read model; without it SQLite in data_dir."
    )
    database_password_file: Path | None = Field(
        None, description="File with PostgreSQL's password, which then need not stand in REENTRY_DATABASE_URL."
    )
    database_ca_file: Path | None = Field(
        None, description="Certificates (PEM) of who signs PostgreSQL's: TLS, certificate and host name are checked."
    )
    kafka_libs: Path | None = Field(
        None, description="Folder with Kafka's jars, for the broker that `up` and `demo` start."
    )

    rules: str = Field(
        "cn-default", description="Rule book: a name that the product brings, or the path of a TOML file."
    )
    calendar: Path | None = Field(
        None, description="Working days as TOML; without it the calendar beside the rule books."
    )
    unmarked: bool = Field(
        False,
        description="Sinks take alerts and cases without a worker's mark, as versions before marks wrote them.",
    )
    publishers: Path | None = Field(
        None, description="Register of publishers (TOML): of other sources no heartbeat is heard. Without it, of all."
    )
    notices_file: Path | None = Field(
        None, description="What `notify` does (TOML): channels, hours, who is told of what cannot be delivered."
    )
    clock_file: Path | None = Field(None, description="Segments of simulated time (JSON); without it time is real.")

    grace_seconds: float = Field(
        0.5, ge=0, le=60, description="How long a deadline waits for records still on their way."
    )
    commit_interval_seconds: Seconds = Field(1.0, description="How often the worker commits its offsets.")
    purge_seconds: Seconds = Field(
        60.0, description="How often a worker deletes what it has done with from the topic between workers."
    )
    session_timeout_seconds: Seconds = Field(
        10.0, description="After this silence a worker's partitions go to another."
    )
    standby_replicas: int = Field(1, ge=0, le=3, description="Workers that keep a warm copy of each partition's cases.")
    dead_letter_limit: float = Field(
        0.5, gt=0, le=1, description="Share of the last 200 subjects that may fail before the worker stops."
    )

    behind_seconds: Seconds = Field(
        60.0,
        description="Alerts processed up to an instant longer ago than this: pages warn, probes and commands fail.",
    )

    decoded_cases: int = Field(
        100_000,
        ge=1_000,
        le=10_000_000,
        description="Cases a worker keeps ready to be changed, about 19 kB each; others are read from their 2 kB.",
    )
    case_retention_days: int = Field(
        1827, ge=92, le=36525, description="Days after its last handover was closed until a case ends with a tombstone."
    )

    audit_key_file: Path | None = Field(
        None, description="File with the secret that seals the console's audit; at least 32 bytes."
    )

    oidc_file: Path | None = Field(
        None, description="Description (TOML) of the office's identity service, and what its claims mean here."
    )
    names_url: str = Field(
        "",
        pattern=r"^(https://[^\s/?#]+|http://(127\.0\.0\.1|localhost)(:\d+)?)(/[^\s?#]*)?$|^$",
        description="The office's name service, which browsers ask for a name; the console never does.",
    )

    gateway_keys: Path | None = Field(
        None, description="The gateway's keys of publishers (TOML); without it gateway-keys.toml in data_dir."
    )
    gateway_signing_key: Path | None = Field(
        None, description="Ed25519 key (PEM) that signs receipts; without it the gateway makes one in data_dir."
    )
    gateway_person_keys: Path | None = Field(
        None, description="HMAC keys of person_ref by version (TOML); without it the gateway makes no refs."
    )
    gateway_rate: str = Field(
        "6000/minute", pattern=r"^[1-9][0-9]*/(second|minute|hour)$", description="Events that each key may send."
    )
    gateway_certificate_file: Path | None = Field(
        None, description="The gateway's certificate (PEM): it then speaks TLS itself."
    )
    gateway_key_file: Path | None = Field(None, description="Its key (PEM).")
    gateway_client_ca_file: Path | None = Field(
        None,
        description="Certificates (PEM) of who signs publishers': without one no connection is taken, beside keys.",
    )

    web_host: str = Field("127.0.0.1", description="Address on which a process serves /live, /ready and /metrics.")
    web_port: Port = Field(0, description="Its port; 0 serves nothing.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="What is written to the log.")
    log_format: Literal["json", "text"] = Field(
        "json", description="Of the log: one JSON object a line, or text for people."
    )

    @property
    def database_address(self) -> str:
        """The SQLAlchemy address of the read model as it was given."""
        return self.database_url or f"sqlite:///{(self.data_dir / 'handover.sqlite').absolute()}"


def load() -> Settings:
    """Read the environment. Raise InvalidSettings with one line that names the variable."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise InvalidSettings(f"{PREFIX}{str(first['loc'][0]).upper()}: {first['msg']}") from None


def variables() -> dict[str, str]:
    """Every variable that is read, with its description."""
    return {f"{PREFIX}{name.upper()}": field.description or "" for name, field in Settings.model_fields.items()}


def unknown(environ: Mapping[str, str]) -> list[str]:
    """Variables that look like ours and are read by nobody: most likely misspelt."""
    known = variables()
    return sorted(
        name for name in environ if name.startswith(PREFIX) and name not in known and not name.startswith(OUTSIDE)
    )
