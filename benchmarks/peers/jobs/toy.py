"""The toy job, the same code for all Python programs: a release not answered before its deadline gives an alert.

State of a person: {release id: [deadline in ms, whether its answer came before it]}.
"""

import orjson

UNANSWERED_MS = 60_000  # after a release; also how long an answer waits for its release
Held = dict[str, list[int]]


def take(held: Held, value: bytes, timestamp_ms: int, *, is_release: bool) -> Held:
    """Take an event into the state of its person."""
    told = orjson.loads(value)
    name = told["id"]
    if held.pop(name, None) is None:
        held[name] = [told["deadline_ms"], 0] if is_release else [timestamp_ms + UNANSWERED_MS, 1]
    return held


def expire(held: Held, person: str, until_ms: int) -> list[tuple[bytes, bytes]]:
    """Take out what is due by an instant; the alerts that it gives, as (key, value)."""
    found = []
    for name, (deadline_ms, is_answer) in list(held.items()):
        if deadline_ms <= until_ms:
            del held[name]
            if not is_answer:
                alert = f"{name}:{deadline_ms}"
                found.append((alert.encode(), orjson.dumps({"alert": alert, "person": person})))
    return found


def due(held: Held) -> int:
    """The next deadline in ms; 0: none."""
    return min((deadline_ms for deadline_ms, _ in held.values()), default=0)
