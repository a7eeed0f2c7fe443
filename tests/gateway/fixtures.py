"""A gateway with keys of its own, and made-up events and numbers."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import load_pem_private_key
from fastapi.testclient import TestClient

from brokers.connection import KafkaConnection
from cli.stack.ports import free_ports
from gateway.api_keys import KeyRing, make_key
from gateway.app import GatewayConfig, create_app
from gateway.person_refs import PersonKeys
from gateway.reference_audit import ReferenceAudit
from gateway.signing import Signer, make_private_key
from schemas import examples
from schemas.instants import from_millis, show

COUNTY = "/agencies/COUNTY_JUSTICE-990102-01"
ACKNOWLEDGED = "reentry.intake.acknowledged.v1"
KEYS = PersonKeys(2, {1: b"1" * 32, 2: b"2" * 32})
_numbers = count(1)


def signer() -> Signer:
    return Signer(load_pem_private_key(make_private_key().encode(), None))  # type: ignore[arg-type]


def event(**changes: Any) -> dict[str, Any]:
    """A valid event of the county, of now, with an id of its own."""
    now = show(datetime.now(UTC))
    body = {**examples.event_of(ACKNOWLEDGED), "id": f"gateway-{next(_numbers)}", "time": now, "recordedtime": now}
    return {name: one for name, one in {**body, **changes}.items() if one is not None}


def citizen_number(place: str = "990102", born: str = "19900307", serial: str = "001") -> str:
    """A made-up number of a place that is not assigned, with the check that its form asks for."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    digits = f"{place}{born}{serial}"
    return digits + "10X98765432"[sum(int(one) * weight for one, weight in zip(digits, weights, strict=True)) % 11]


@contextmanager
def gateway(
    folder: Path, *, types: tuple[str, ...] = ("*",), rate: str = "6000/minute", **more: Any
) -> Iterator[TestClient]:
    """The application on a broker that is not there, with a key of the county that may ask for refs."""
    key, token = make_key(COUNTY, types, person_refs=True)
    path = folder / "keys.toml"
    path.write_text(replace(key, rate=None).entry(), encoding="utf-8")
    config = GatewayConfig(
        kafka=KafkaConnection(f"127.0.0.1:{free_ports(1)[0]}"),
        topic_prefix="",
        keys=KeyRing(path),
        signer=signer(),
        now=lambda: datetime.now(UTC),
        arrival=from_millis,
        person_keys=KEYS,
        audit=ReferenceAudit(folder / "audit.jsonl", b"a" * 32),
        rate=rate,
        follows=False,
        **more,
    )
    with TestClient(create_app(config), headers={"authorization": f"Bearer {token}"}) as client:
        yield client
