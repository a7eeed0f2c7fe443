"""What is wrong with a request, as RFC 9457 tells it: all reasons at once, by place, never a value that was sent."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import orjson
from starlette.responses import Response

from schemas.invalid import InvalidEvent

MEDIA_TYPE = "application/problem+json"
_STATUS = {"MALFORMED": 400, "NOT_ALLOWED": 403}  # of a refused event; all other reasons: 422
_TITLES = {
    "MALFORMED": "No event can be read",
    "NOT_ALLOWED": "The sender may not say this",
    "PII_IN_TEXT": "It holds what names a person",
    "CLOCK_AHEAD": "It comes from the future",
    "CLOCK_BEHIND": "It comes from too long ago",
    "UNKNOWN_TYPE": "The event type is not known",
    "UNKNOWN_VERSION": "The version of the event type is not known",
}


@dataclass(frozen=True, slots=True)
class Error:
    """One reason: `place: rule`; `index` says which event of a batch."""

    text: str
    index: int | None = None

    def wire(self) -> dict[str, object]:
        """Return the error as JSON; the place stands apart where there is one."""
        place, colon, rule = self.text.partition(": ")
        told: dict[str, object] = {"place": place, "rule": rule} if colon else {"rule": self.text}
        return told if self.index is None else {"event": self.index, **told}


@dataclass(eq=False)
class Problem(Exception):
    """A request that is refused. `retry_after`: seconds after which the same request may succeed."""

    status: int
    kind: str
    title: str
    errors: Sequence[Error] = ()
    retry_after: int | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        """Return the answer."""
        detail = "; ".join(one.text for one in self.errors)
        body = {
            "type": f"urn:reentry:problem:{self.kind.lower()}",
            "title": self.title,
            "status": self.status,
            **({"detail": detail} if detail else {}),
            **({"errors": [one.wire() for one in self.errors]} if self.errors else {}),
        }
        headers = dict(self.headers)
        if self.retry_after is not None:
            headers["retry-after"] = str(self.retry_after)
        return Response(orjson.dumps(body), self.status, headers, MEDIA_TYPE)


def refuse_events(refused: Sequence[tuple[int | None, InvalidEvent]]) -> Problem:
    """Return the problem of events that are none; the first one's reason gives its kind."""
    reason = refused[0][1].reason
    errors = [Error(text, index) for index, error in refused for text in error.errors]
    return Problem(_STATUS.get(reason, 422), reason, _TITLES.get(reason, "It does not follow its schema"), errors)


def refuse(status: int, text: str = "") -> Problem:
    """Return the problem of a request that is refused for its form alone."""
    titles = {
        400: "The request cannot be read",
        401: "No key, or one that is not known",
        403: "The key does not allow this",
        404: "Nothing is here",
        405: "The method is not allowed here",
        408: "The body comes too slowly",
        413: "The body is too large",
        415: "The content type is not read here",
        429: "Too many requests",
        503: "Not available now",
    }
    title = titles.get(status, "The request is refused")
    return Problem(status, f"http-{status}", title, (Error(text),) if text else ())


def unavailable(text: str, seconds: int) -> Problem:
    """Return the problem of what may succeed later; nothing of it has been acknowledged."""
    return Problem(503, "unavailable", "Not available now", (Error(text),), retry_after=seconds)
