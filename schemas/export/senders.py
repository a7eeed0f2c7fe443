"""Who may send what, in words: for the exported schemas and for docs/reference/senders.md."""

from collections.abc import Iterator

from schemas.agencies import AGENCY_TYPES
from schemas.catalogue import PAYLOADS
from schemas.payload import Payload

_NARROWED = {
    "reentry.system.registry_changed.v1": "the agency whose code it is, or one above it",
    "reentry.work.duty_set.v1": "the county or the city of the office",
    "reentry.work.reported.v1": "the office itself, or its county",
    "reentry.system.publisher_heartbeat.v1": "registered sources only, where there is a register",
    "reentry.system.publisher_manifest.v1": "registered sources only, where there is a register",
}
_OF_ACTIONS = "as far as its authority over the alert goes"


def senders(payload: type[Payload]) -> str:
    """The types of agencies that may send an event, as a list."""
    if not payload.SENT_BY:
        return "this pipeline"
    if len(payload.SENT_BY) == len(AGENCY_TYPES):
        return "any agency"
    return ", ".join(one for one in AGENCY_TYPES if one in payload.SENT_BY)


def narrowed(payload: type[Payload]) -> str:
    """What else must hold; empty where the type is enough."""
    if payload.TYPE.startswith("reentry.action."):
        return _OF_ACTIONS
    return _NARROWED.get(payload.TYPE, "")


def said(payload: type[Payload]) -> str:
    """Both in one text."""
    more = narrowed(payload)
    return senders(payload) + (f"; {more}" if more else "")


def table() -> Iterator[str]:
    """The lines of a Markdown table: type, senders, what else must hold."""
    yield "| event | who may send it | and |"
    yield "|---|---|---|"
    for payload in PAYLOADS.values():
        yield f"| `{payload.TYPE}` | {senders(payload)} | {narrowed(payload)} |"
