"""Receipts: what became of a record, with a signature that anybody can check."""

import hashlib
from collections.abc import Sequence

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import ValidationError

from gateway import signing
from schemas.cloudevents import Headers
from schemas.dead_letter import said_by
from schemas.instants import from_millis
from schemas.invalid import BETWEEN, Reason
from schemas.payload import LONGEST_TEXT, is_id
from schemas.pii import found_in_event
from schemas.receipt import Receipt, SignedReceipt, State, receipt_id


def digest(value: bytes | None, headers: Headers) -> str:
    """Return the digest of a record's bytes: its value, after its `ce_` headers, sorted, each as `name: value` and a line's end."""
    lines = sorted(f"{name}: ".encode() + (text or b"") + b"\n" for name, text in headers if name.startswith("ce_"))
    return f"sha-256:{hashlib.sha256(b''.join(lines) + (value or b'')).hexdigest()}"


def make_receipt(
    state: State,
    place: tuple[str, int, int],
    timestamp_ms: int,
    value: bytes | None,
    headers: Headers,
    reason: Reason | None = None,
    message: str = "",
) -> Receipt:
    """Return the receipt of a record. `place`: topic without prefix, partition, offset; `timestamp_ms` is the broker's."""
    source, event_id, type_ = identify(value, headers)
    return Receipt(
        id=receipt_id(*place),
        state=state,
        topic=place[0],
        partition=place[1],
        offset=place[2],
        digest=digest(value, headers),
        appended_at=from_millis(timestamp_ms),
        source=source,
        event_id=event_id,
        type=type_,
        reason=reason,
        errors=tuple(message.split(BETWEEN)) if message else (),
    )


def identify(value: bytes | None, headers: Headers) -> tuple[str, str, str]:
    """Return source, id and type of a record as far as it tells them in a known form; each empty otherwise."""
    try:
        body = orjson.loads(value or b"")
    except orjson.JSONDecodeError:
        body = None
    told = {name: (text or b"").decode(errors="replace") for name, text in headers if name == "ce_id"}
    source, type_ = said_by(None if told else body, headers)
    id_ = told.get("ce_id", body.get("id") if isinstance(body, dict) else None)
    is_one = isinstance(id_, str) and len(id_) <= LONGEST_TEXT and is_id(id_) and not found_in_event({"id": id_})
    return source, id_ if isinstance(id_, str) and is_one else "", type_


def sign(receipt: Receipt, signer: signing.Signer) -> SignedReceipt:
    """Return the receipt with its signature."""
    told = receipt.model_dump(mode="json")
    return SignedReceipt(receipt=receipt, key=signer.key_id, signature=signer.sign(told))


def encode(receipts: SignedReceipt | Sequence[SignedReceipt]) -> bytes:
    """Return the JSON of one or more receipts."""
    if isinstance(receipts, SignedReceipt):
        return orjson.dumps(receipts.model_dump(mode="json"))
    return orjson.dumps([one.model_dump(mode="json") for one in receipts])


def read_signed(value: bytes | None) -> SignedReceipt:
    """Read one receipt. Raise ValueError for anything else."""
    try:
        return SignedReceipt.model_validate(orjson.loads(value or b""))
    except (orjson.JSONDecodeError, ValidationError):
        raise ValueError("no receipt") from None


def verify(value: bytes, key: Ed25519PublicKey) -> list[Receipt]:
    """Return the receipts of a file, one or a list, all of them signed by this key. Raise Forged, ValueError."""
    try:
        told = orjson.loads(value)
    except orjson.JSONDecodeError:
        raise ValueError("no JSON") from None
    found = []
    for one in told if isinstance(told, list) else [told]:
        if not isinstance(one, dict) or not isinstance(one.get("receipt"), dict):
            raise ValueError("no receipt")  # noqa: TRY004 of what is in a file
        signing.check(key, one["receipt"], str(one.get("signature")))
        found.append(read_signed(orjson.dumps(one)).receipt)
    return found
