"""The one description of the connection to Kafka. Both client libraries take the same arguments, so it gives them to both."""

import ssl
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

Protocol = Literal["PLAINTEXT", "SSL", "SASL_SSL"]
Mechanism = Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"]


@dataclass(frozen=True)
class KafkaConnection:
    """Where the brokers are (`host:port`, separated by commas), how to prove who they are, and who we are.

    With TLS a broker's certificate and host name are always checked: there is no way to switch that off.
    """

    brokers: str
    protocol: Protocol = "PLAINTEXT"
    ca_file: Path | None = None  # without it the system's authorities
    certificate_file: Path | None = None
    key_file: Path | None = None
    key_password: str | None = field(default=None, repr=False)
    mechanism: Mechanism = "SCRAM-SHA-512"
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def servers(self) -> list[str]:
        """The bootstrap servers."""
        return [one.strip() for one in self.brokers.split(",") if one.strip()]

    @property
    def is_secured(self) -> bool:
        """Whether brokers are reached by TLS."""
        return self.protocol != "PLAINTEXT"

    @property
    def has_login(self) -> bool:
        """Whether we say who we are by name and password."""
        return self.protocol == "SASL_SSL"

    @cached_property
    def tls(self) -> ssl.SSLContext | None:
        """The context of every TLS connection; None without TLS. Raise OSError (ssl.SSLError too) for files that cannot be used."""
        if not self.is_secured:
            return None
        context = ssl.create_default_context(cafile=None if self.ca_file is None else str(self.ca_file))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.certificate_file is not None:
            # A function, not a text: without one OpenSSL would ask the terminal.
            context.load_cert_chain(self.certificate_file, self.key_file, password=lambda: self.key_password or "")
        return context

    def client(self) -> dict[str, Any]:
        """The arguments of any client: kafka-python and aiokafka name them alike."""
        found: dict[str, Any] = {"bootstrap_servers": self.servers, "security_protocol": self.protocol}
        if self.is_secured:
            found["ssl_context"] = self.tls
        if self.has_login:
            found |= {
                "sasl_mechanism": self.mechanism,
                "sasl_plain_username": self.username,
                "sasl_plain_password": self.password,
            }
        return found

    def reader(self) -> dict[str, Any]:
        """The arguments of a consumer: what a transaction has taken back, or not yet decided, is no fact."""
        return {**self.client(), "isolation_level": "read_committed"}
