"""The value of `reentry.receipt.v1`, which the gateway also answers: what became of one record, signed."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.alert import At
from schemas.invalid import Reason
from schemas.topics import BY_NAME, SOURCES

State = Literal["in_log", "applied", "refused"]
_SHORT = {name.split(".")[1]: name for name in SOURCES}


class Receipt(BaseModel):
    """One record of an event topic and its state. It holds no payload and no subject."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    id: str = Field(description="names the record: topic-partition-offset, like release-3-1207")
    state: State = Field(description="in_log: acknowledged by all replicas; applied or refused: by a worker")
    topic: str = Field(description="without prefix")
    partition: int = Field(ge=0)
    offset: int = Field(ge=0)
    digest: str = Field(
        description="sha-256 of the bytes in the log; of a binary event its ce_ headers are part of them"
    )
    appended_at: At = Field(description="when the broker appended the record")
    source: str = Field(description="who sent it; empty where the record does not tell it in a known form")
    event_id: str = Field(description="id of the event; empty where the record does not tell it")
    type: str = Field(description="type of the event; empty where the record does not tell it in a known form")
    reason: Reason | None = Field(default=None, description="of a refusal")
    errors: tuple[str, ...] = Field(default=(), description="of a refusal: all that is wrong, by path, without values")


class SignedReceipt(BaseModel):
    """A receipt with the Ed25519 signature of the JSON of `receipt`: sorted keys, no blanks, UTF-8."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    receipt: Receipt
    key: str = Field(description="first 16 hex digits of the SHA-256 of the public key's 32 bytes")
    signature: str = Field(description="base64")


def receipt_id(topic: str, partition: int, offset: int) -> str:
    """The id of the receipts of a record; `topic` without prefix."""
    return f"{topic.split('.')[1]}-{partition}-{offset}"


def read_receipt_id(text: str) -> tuple[str, int, int]:
    """Topic (without prefix), partition and offset that an id names. Raise ValueError."""
    short, *numbers = text.split("-")
    if (
        short not in _SHORT
        or len(numbers) != 2
        or not all(one.isascii() and one.isdigit() and len(one) < 19 for one in numbers)
    ):
        raise ValueError("no id of a receipt: it is like release-3-1207")
    partition, offset = map(int, numbers)
    return BY_NAME[_SHORT[short]].name, partition, offset
