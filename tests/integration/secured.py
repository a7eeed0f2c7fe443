"""A broker that allows nothing that nobody was given, reached by TLS and by name and password; its authority is made here."""

import ipaddress
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from kafka import KafkaAdminClient
from kafka.admin import ScramMechanism, UserScramCredentialUpsertion

from brokers.connection import KafkaConnection
from cli.stack.kafka import Broker, Door
from cli.stack.ports import free_ports

_SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
_AUTHORIZER = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"


@dataclass(frozen=True)
class Authority:
    """A certificate authority with a folder for what it signs."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def make(cls, folder: Path) -> "Authority":
        """A new one, its certificate in `ca.pem`."""
        folder.mkdir(parents=True, exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        one = cls(folder, key, _signed("test authority", key, "test authority", key, is_authority=True))
        one.ca_file.write_bytes(one.certificate.public_bytes(serialization.Encoding.PEM))
        return one

    @property
    def ca_file(self) -> Path:
        return self.folder / "ca.pem"

    def sign(self, name: str, host: str = "", password: str = "") -> tuple[Path, Path]:
        """Key and certificate of a name, which is at a host: the two files, the certificate's with the key in it too."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _signed(name, key, "test authority", self.key, host=host)
        lock = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
        private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)
        own, whole = self.folder / f"{name}.key", self.folder / f"{name}.pem"
        own.write_bytes(private)
        chain = (certificate, self.certificate)
        whole.write_bytes(private + b"".join(one.public_bytes(serialization.Encoding.PEM) for one in chain))
        return own, whole


def _signed(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    by: ec.EllipticCurvePrivateKey,
    *,
    host: str = "",
    is_authority: bool = False,
) -> x509.Certificate:
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
    if host:
        try:
            at: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
        except ValueError:
            at = x509.DNSName(host)
        built = built.add_extension(x509.SubjectAlternativeName([at]), critical=False)
    return built.sign(by, hashes.SHA256())


@dataclass(frozen=True)
class Secured:
    """What runs. `inner`: the open door of the broker's administrator, which no network would have."""

    inner: str
    port: int
    wrong_host_port: int
    authority: Authority

    def connection(self, name: str, password: str | None = None) -> KafkaConnection:
        """The way in of somebody whose password is the name, backwards."""
        password = name[::-1] if password is None else password
        address = f"127.0.0.1:{self.port}"
        return KafkaConnection(address, "SASL_SSL", self.authority.ca_file, username=name, password=password)

    def at_the_wrong_host(self, name: str) -> KafkaConnection:
        """The same at a door whose certificate is another host's."""
        return replace(self.connection(name), brokers=f"127.0.0.1:{self.wrong_host_port}")

    def variables(self, name: str) -> dict[str, str]:
        """The same as settings; the password is in a file."""
        secret = self.authority.folder / f"{name}.password"
        secret.write_text(f"{name[::-1]}\n", encoding="utf-8")
        secret.chmod(0o600)
        return {
            "REENTRY_BROKERS": f"127.0.0.1:{self.port}",
            "REENTRY_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "REENTRY_KAFKA_CA_FILE": str(self.authority.ca_file),
            "REENTRY_KAFKA_USERNAME": name,
            "REENTRY_KAFKA_PASSWORD_FILE": str(secret),
        }

    def enrol(self, names: Iterable[str]) -> None:
        """Let the broker know them, with the name backwards as the password."""
        admin = KafkaAdminClient(bootstrap_servers=self.inner)
        admin.alter_user_scram_credentials(
            [
                UserScramCredentialUpsertion(name, ScramMechanism.SCRAM_SHA_512, name[::-1], iterations=4096)
                for name in names
            ]
        )
        admin.close()


@contextmanager
def secured(folder: Path, superusers: Iterable[str] = ("operator",)) -> Iterator[Secured]:
    """A running broker."""
    authority = Authority.make(folder / "authority")
    _, right = authority.sign("broker", "127.0.0.1")
    _, wrong = authority.sign("elsewhere", "kafka.elsewhere.example")
    good, bad = free_ports(2)
    doors = (Door("SECURED", good, good), Door("ELSEWHERE", bad, bad))
    properties = {
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURED:SASL_SSL,ELSEWHERE:SASL_SSL",
        "authorizer.class.name": _AUTHORIZER,
        "allow.everyone.if.no.acl.found": "false",
        "super.users": ";".join(["User:ANONYMOUS", *(f"User:{name}" for name in superusers)]),
        "transaction.max.timeout.ms": "900000",
    }
    for door, store in (("secured", right), ("elsewhere", wrong)):
        prefix = f"listener.name.{door}"
        properties |= {
            f"{prefix}.ssl.keystore.type": "PEM",
            f"{prefix}.ssl.keystore.location": str(store),
            f"{prefix}.sasl.enabled.mechanisms": "SCRAM-SHA-512",
            f"{prefix}.scram-sha-512.sasl.jaas.config": _SCRAM,
        }
    with Broker(folder / "kafka", properties=properties, doors=doors) as broker:
        one = Secured(broker.bootstrap, good, bad, authority)
        one.enrol(superusers)
        yield one
