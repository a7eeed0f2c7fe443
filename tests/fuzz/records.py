"""Records as no publisher should write them: the made-up city's, changed in bytes, JSON, values, times, size, headers and place."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from random import Random
from typing import Any

import orjson

from cli.simulation.record import Record as BufferedEvent
from cli.simulation.stream import Options, simulate
from handover.ids import alert_id, handover_id, obligation_id
from schemas.agencies import AGENCY_TYPES
from schemas.catalogue import codes_of
from schemas.instants import from_millis, show
from schemas.topics import ACTION, ROUTED, SOURCES, partition_of
from tests.schemas.examples import EVENTS

PARTITIONS = 4
STRUCTURED = [("content-type", b"application/cloudevents+json")]
LARGEST = 1_048_000  # what a broker takes by default, less the frame
BASES = 500
VARIANTS = 7  # of each base: about a quarter of all records stay as the publisher meant them
_PERSON = re.compile(rb"p1_[a-z2-7]{26}")
_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"

Header = tuple[str, bytes | None]


@dataclass(frozen=True, slots=True)
class Draft:
    """A record on its way to a topic (without prefix). No partition: where murmur2 of the key puts it."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[Header] = field(default_factory=lambda: list(STRUCTURED))
    partition: int | None = None

    def place(self) -> int:
        """The partition it goes to."""
        if self.partition is not None:
            return self.partition
        return partition_of(self.key, PARTITIONS) if self.key is not None else 0


Change = Callable[[Draft, Random], Draft]


# --- bases


@cache
def bases() -> tuple[BufferedEvent, ...]:
    """Some days of the city, and every event type once."""
    city = simulate(Options("city", 5, 0, register=0.02))
    found = [one for one in (next(city) for _ in range(BASES)) if one.value is not None]
    start = found[0].received
    named = sorted(EVENTS.values(), key=lambda event: str(event["type"]))
    for number, event in enumerate(named):
        at = show(from_millis(start - 60_000 * (len(named) - number)))
        value = orjson.dumps({**event, "time": at, **({"recordedtime": at} if "recordedtime" in event else {})})
        topic = f"reentry.{str(event['type']).split('.')[1]}.v1"
        found.append(BufferedEvent(start + number, topic, str(event["subject"]), value, misplaced=False))
    return tuple(sorted(found, key=lambda one: one.received))


def renamed(text: bytes, era: int) -> bytes:
    """The same with other persons: one set for each era."""
    tail = base32(era, 3).encode()
    return _PERSON.sub(lambda found: found.group()[:-3] + tail, text)


def base32(number: int, length: int) -> str:
    """A number as so many letters of a reference."""
    return "".join(_BASE32[number >> 5 * place & 31] for place in range(length))


def drafts(seed: int, era: int) -> Iterator[tuple[int, Draft, bool]]:
    """The records of one era: (instant in ms, record, whether it is as it should be)."""
    dice = Random(f"{seed}/{era}")
    for told in bases():
        assert told.value is not None
        good = Draft(told.topic, renamed(told.key.encode(), era), renamed(told.value, era))
        yield told.received, good, True
        for _ in range(VARIANTS):
            changed = good
            for change in dice.choices(CHANGES, WEIGHTS, k=dice.choice((1, 1, 1, 2, 3))):
                changed = change(changed, dice)
            yield told.received + dice.randrange(60_000), changed, False


# --- bytes


def _damaged(draft: Draft, dice: Random) -> Draft:
    value = bytearray(draft.value or b"")
    for _ in range(dice.choice((1, 1, 2, 8, 64))):
        at = dice.randrange(len(value) + 1)
        match dice.randrange(4):
            case 0 if at < len(value):
                value[at] ^= 1 << dice.randrange(8)
            case 1:
                value[at:at] = dice.randbytes(dice.choice((1, 2, 7)))
            case 2:
                del value[at : at + dice.choice((1, 2, 30))]
            case _:
                value[at:at] = value[max(0, at - dice.randrange(40)) : at]
    return replace(draft, value=bytes(value))


def _cut(draft: Draft, dice: Random) -> Draft:
    return replace(draft, value=(draft.value or b"")[: dice.randrange(len(draft.value or b"") + 1)])


def _other_bytes(draft: Draft, dice: Random) -> Draft:
    value = dice.choice((None, b"", b"null", b"[]", b"{}", b'""', b"0", b"\xef\xbb\xbf{}", b"\x00", dice.randbytes(200), b"\x1f\x8b\x08" + dice.randbytes(40)))  # fmt: skip
    return replace(draft, value=value)


# --- JSON


def _opened(draft: Draft) -> dict[str, Any] | None:
    try:
        body = orjson.loads(draft.value or b"")
    except orjson.JSONDecodeError:
        return None
    return body if isinstance(body, dict) else None


def _closed(draft: Draft, body: Any) -> Draft:
    try:
        return replace(draft, value=orjson.dumps(body))
    except (TypeError, RecursionError):
        return draft


_TEXTS = (
    *("", " ", "?", "\x00", "\ud83d\ude00", "null", "../../etc", "<script>", "%s%n{0}", "１３８００１３８０００", "身份证号 990102190001011234"),
    *("13800138000", "a" * 257, "é" * 300, "\u202e\u0000", "/agencies/PRISON-990100-01", "p1_" + "z" * 26, "d1_" + "z" * 26, "9" * 40),
)  # fmt: skip
_TIMES = (
    *("1900-01-01T00:00:00Z", "1899-12-31T23:59:59Z", "2199-12-31T23:59:59+08:00", "2200-01-01T00:00:00Z", "2026-02-30T00:00:00Z"),
    *("2026-03-02T24:00:00Z", "2026-03-02T23:59:60Z", "2026-03-02", "2026-03-02T10:00:00", "2026-03-02T10:00:00.123456789+08:00"),
    *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1970-01-01T00:00:00Z", "1901-01-01", "2198-12-31", "2026-W10-1"),
)  # fmt: skip
_NUMBERS = (0, -1, 1, 2**31, 2**63, 2**64 - 1, -(2**63), 0.5, -0.0, 1e308, 1e-308, 10**15)


def _value(dice: Random) -> Any:
    match dice.randrange(8):
        case 0:
            return None
        case 1:
            return dice.random() < 0.5
        case 2:
            return dice.choice(_NUMBERS)
        case 3:
            return dice.choice(_TIMES)
        case 4:
            return [_value(dice) for _ in range(dice.randrange(4))]
        case 5:
            return {dice.choice(_TEXTS): _value(dice) for _ in range(dice.randrange(3))}
        case _:
            return dice.choice(_TEXTS)


def _places(body: Any) -> list[tuple[Any, Any]]:
    """Every (container, key or index) of a JSON value."""
    found: list[tuple[Any, Any]] = []
    inside = list(body.items()) if isinstance(body, dict) else list(enumerate(body))
    for name, one in inside:
        found.append((body, name))
        if isinstance(one, dict | list):
            found += _places(one)
    return found


def _other_value(draft: Draft, dice: Random) -> Draft:
    body = _opened(draft)
    if not body:
        return draft
    container, name = dice.choice(_places(body))
    container[name] = _value(dice)
    return _closed(draft, body)


def _other_shape(draft: Draft, dice: Random) -> Draft:
    body = _opened(draft)
    if not body:
        return draft
    container, name = dice.choice(_places(body))
    match dice.randrange(6):
        case 0:
            del container[name]
        case 1:
            container[name] = [container[name]]
        case 2:
            container[name] = {"value": container[name]}
        case 3 if isinstance(container, dict):
            container[dice.choice(_TEXTS)] = container.pop(name)
        case 4:
            for _ in range(dice.choice((3, 31, 33, 200))):
                container[name] = {"a": container[name]} if dice.random() < 0.5 else [container[name]]
        case _:
            body[dice.choice(_TEXTS)] = _value(dice)
    return _closed(draft, body)


def _raw_json(draft: Draft, dice: Random) -> Draft:
    """What no library writes: names twice, numbers beyond all bounds, escapes, endless nesting."""
    value = draft.value or b"{}"
    deep = dice.choice((10, 100, 5_000))
    more = dice.choice(
        (b'"id":"twice"', b'"time":NaN', b'"n":1e999', b'"n":' + b"9" * 5_000, b'"x":"\\ud800"', b'"\\u0069d":"x"', b'"x":\'y\'',
         b'"x":' + b"[" * deep + b"]" * deep, b'"x":' + b'{"a":' * deep + b"1" + b"}" * deep, b'"data":{}', b'/**/"x":1', b'"x":"' + b"\\u0031" * 11 + b'"')
    )  # fmt: skip
    return replace(
        draft, value=value[:1] + more + b"," + value[1:] if dice.random() < 0.7 else value[:-1] + b"," + more + b"}"
    )


def _other_type(draft: Draft, dice: Random) -> Draft:
    body = _opened(draft)
    if body is None:
        return draft
    type_ = dice.choice([*EVENTS, "reentry.release.notice_sent.v2", "reentry.alert.changed.v1", "x", "", 7])
    topic = draft.topic if dice.random() < 0.3 or type_ not in EVENTS else f"reentry.{str(type_).split('.')[1]}.v1"
    if type_ in EVENTS and dice.random() < 0.5:
        body = {
            **body,
            "data": EVENTS[str(type_)]["data"],
            "subject": body.get("subject"),
            "source": EVENTS[str(type_)]["source"],
        }
    return replace(_closed(draft, {**body, "type": type_}), topic=topic)


def _another_fact(draft: Draft, dice: Random) -> Draft:
    """Any fact of the catalogue about the same subject, sound, with other codes, dates and references: what nobody expects now."""
    body = _opened(draft)
    if body is None:
        return draft
    event = EVENTS[dice.choice(sorted(EVENTS))]
    type_ = str(event["type"])
    fact = type_.removeprefix("reentry.").removesuffix(".v1")
    data = dict(event["data"])
    for name, value in data.items():
        if dice.random() < 0.4 or name == "person_refs":
            data[name] = _likely(fact, name, value, body, dice)
    topic = fact.partition(".")[0]
    alike = str(body.get("type")).split(".")[1:2] == [topic] or topic in ("release", "intake", "checkin")
    subject = body.get("subject") if alike and topic != "system" else event["subject"]
    if topic == "dispute":
        subject = f"d1_{str(body.get('subject'))[3:]}"
    source = event["source"] if dice.random() < 0.8 or topic == "system" else body.get("source")
    key = str(subject).encode(errors="replace")
    told = {
        **body,
        "type": type_,
        "source": source,
        "subject": subject,
        "data": data,
        "id": f"any-{dice.randrange(10**6)}",
    }
    return replace(_closed(draft, told), topic=f"reentry.{topic}.v1", key=key)


def _likely(fact: str, name: str, value: Any, body: Mapping[str, Any], dice: Random) -> Any:
    if codes := sorted(codes_of(fact, name)):
        return dice.choice(codes)
    match value:
        case bool():
            return not value
        case int():
            return dice.choice((0, 1, 7, 2026, 10**6))
        case str() if value[:2] == "20" and "T" in value:
            return dice.choice(("1901-01-01T00:00:00Z", "2026-03-01T00:00:00+08:00", "2199-12-30T00:00:00+08:00"))
        case str() if value[:2] == "20":
            return dice.choice(("1901-01-01", "2026-03-02", "2026-12-31", "2199-12-31"))
        case str() if value.startswith("p1_"):
            return str(body.get("subject"))
        case [{"rule_id": _, **_more}, *_]:
            return [{"rule_id": dice.choice(("A01", "A02", "X01", "R01", "??")), "set": dice.choice(_RULES)}]
        case list() if name == "person_refs":
            return [str(body.get("subject"))]
        case list():
            return value * dice.choice((0, 2, 50))
        case _:
            return value


_RULES: Sequence[Mapping[str, Any]] = (
    {"within": "5 d"}, {"within": "99999999999 wd"}, {"within": "4 months"}, {"within": 5}, {"form": ["within"]}, {"form": {}}, {"owner": []}, {"stages": []},
    {"stages": [{"at": "due + 999999999 d", "severity": "HIGH"}]}, {"stages": [{"at": "due", "severity": []}]}, {"kinds": [[]]}, {"off": True}, {"off": "x"},
    {"names": {"zh": [], "en": 1}}, {"anchor": "release date"}, {"anchor": []}, {"cleared_by": ["a + b"]}, {"basis": {"status": []}}, {"id": {}}, {"part": []},
    {"roll": []}, {"within": "0 wd"}, {"within": "9999 wd"}, {"before": "9999 d"}, {"within": "9999 month"}, {"nothing": 1}, {},
)  # fmt: skip


def _other_time(draft: Draft, dice: Random) -> Draft:
    body = _opened(draft)
    if body is None:
        return draft
    name = dice.choice(("time", "time", "recordedtime", "receivedtime"))
    data = body.get("data")
    days = [one for one in data if str(data[one])[:2] in ("19", "20")] if isinstance(data, dict) else []
    if days and isinstance(data, dict) and dice.random() < 0.5:
        data[dice.choice(days)] = dice.choice(_TIMES)
    else:
        body[name] = dice.choice(_TIMES)
    return _closed(draft, body)


def _told_again(draft: Draft, dice: Random) -> Draft:
    """The same event again, another one under its id, or one that corrects what was never told."""
    body = _opened(draft)
    if body is None or dice.random() < 0.3:
        return draft
    match dice.randrange(4):
        case 0:
            body["corrects"] = dice.choice([body.get("id"), "nobody", "a" * 300])
        case 1:
            body["id"] = f"again-{dice.randrange(5)}"
        case 2:
            body["handoverid"] = dice.choice(_TEXTS)
        case _:
            body["sequence"] = str(dice.choice((0, 1, 10**17, 10**18, -1)))
    return _closed(draft, body)


def _large(draft: Draft, dice: Random) -> Draft:
    """Up to what a broker takes: texts, unknown fields, lists, numbers that grow when written again."""
    if dice.random() < 0.97:  # large ones are rare, else nothing else would be tried
        return _other_value(draft, dice)
    body = _opened(draft)
    if body is None:
        return replace(draft, value=b"x" * LARGEST)
    room = dice.choice((20_000, 300_000, 999_000, LARGEST)) - len(draft.value or b"") - 500
    data = body.setdefault("data", {})
    if not isinstance(data, dict):
        data = body["data"] = {}
    match dice.randrange(6):
        case 0:
            data["unknown"] = "a" * room
        case 1:
            data["person_refs"] = ["p1_" + base32(dice.getrandbits(130), 26) for _ in range(room // 32)]
        case 2:
            data["documents"] = ["A"] * (room // 4)
        case 3:
            data.update({f"k{number}": number for number in range(room // 16)})
        case 4:
            return replace(draft, value=orjson.dumps(body)[:-1] + b',"big":[' + b"1e15," * (room // 5) + b"0]}")
        case _:
            body["x" * (room // 2)] = "\x01" * (room // 12)
    return _closed(draft, body)


# --- headers and places


def _binary(draft: Draft, dice: Random) -> Draft:
    """Binary content mode, sound or with an attribute spoilt."""
    body = _opened(draft)
    if body is None:
        return draft
    told: list[Header] = [("content-type", b"application/json")]
    told += [(f"ce_{name}", str(one).encode(errors="replace")) for name, one in body.items() if name != "data"]
    if dice.random() < 0.5:
        spoilt = dice.randrange(len(told))
        told[spoilt] = (told[spoilt][0], dice.choice((None, b"", b"\xff\xfe", dice.randbytes(9), b"1" * 300)))
    if dice.random() < 0.2:
        told.append(dice.choice(told))
    return replace(_closed(draft, body.get("data")), headers=told)


_HEADERS: Sequence[Header] = (
    ("content-type", b"application/cloudevents-batch+json"), ("content-type", b"application/cloudevents+avro"), ("content-type", None),
    ("content-type", b"\xff"), ("Content-Type", b"application/cloudevents+json; charset=UTF-16"), ("ce_id", b"x"), ("ce_", b"x"),
    ("ce_data", b"{}"), ("", b""), ("\u202e", b"\x00"), ("reentry.redrives", b"many"), ("reentry.reason", b"FAILED"), ("x", b"y" * 60_000),
    ("__streams.errors.topic", b"x"), ("reentry.marker", b"{"), ("reentry.subject", None), ("epoch", b"9" * 30), ("traceparent", b"00-0-0-0"),
)  # fmt: skip


def _other_headers(draft: Draft, dice: Random) -> Draft:
    told = list(draft.headers) if dice.random() < 0.6 else []
    told += dice.choices(_HEADERS, k=dice.randrange(4))
    dice.shuffle(told)
    return replace(draft, headers=told)


def _other_place(draft: Draft, dice: Random) -> Draft:
    match dice.randrange(4):
        case 0:
            return replace(draft, key=dice.choice((None, b"", b"\xff\x00", b"k" * 5_000, b"p1_" + b"q" * 26)))
        case 1:
            return replace(draft, topic=dice.choice(SOURCES))
        case _:
            return replace(draft, partition=dice.randrange(PARTITIONS))


def _internal(draft: Draft, dice: Random) -> Draft:
    """What only our own workers write, written by somebody else."""
    if dice.random() < 0.9:
        return _other_place(draft, dice)
    subject = dice.choice((draft.key, b"", b"\xff", None))
    arrival = dice.choice((b"0", b"-1", b"x", None, b"1" * 40, b"1772380800000", b"-99999999999999999999"))
    marker = dice.choice((b"{", b"[]", b'{"0":[1]}', b'{"x":[1]}', b'{"0":["a"]}', b'{"0":5}', b'{"9":[1,2,3,4,5]}', None, b'{"0":[99999999999999999999]}', b'{"0":[1e3]}'))  # fmt: skip
    told: list[Header] = [("reentry.subject", subject), ("reentry.arrival", arrival)]
    if dice.random() < 0.4:
        told = [("reentry.marker", marker)]
    return replace(draft, topic=ROUTED, headers=told[dice.randrange(2) :] or told)


# --- authors


def _other_author(draft: Draft, dice: Random) -> Draft:
    """A sound event of an agency of any type and place."""
    body = _opened(draft)
    if body is None:
        return draft
    code = dice.choice(("99", "9901", "990000", "990100", "990102", "990102004", "980201", "000000"))
    source = f"/agencies/{dice.choice(AGENCY_TYPES)}-{code}-01{dice.choice(('', '/console', '/ghost'))}"
    subject = source if str(body.get("type")).startswith("reentry.system.") else body.get("subject")
    return _closed(draft, {**body, "source": source, "subject": subject})


STRANGER = "O-stranger"  # acts without authority, on alerts that there may be


def _strangers_action(draft: Draft, dice: Random) -> Draft:
    body = _opened(draft)
    if body is None or not isinstance(subject := body.get("subject"), str):
        return draft
    name = dice.choice(("acknowledged", "assigned", "snoozed", "waived", "contested", "contest_decided", "reopened"))
    rule, occurrence = dice.choice((("A01", ""), ("A13", ""), ("A10", ""), ("B01", ""), ("B16", ""), ("A12", "key")))
    event = EVENTS[f"reentry.action.{name}.v1"]
    told = {"alert_id": alert_id(obligation_id(handover_id(subject, 1), rule, occurrence)), "by": STRANGER}
    kind = dice.choice(("COUNTY_JUSTICE", "CITY_JUSTICE", "PROVINCE_JUSTICE", "PRISON_ADMIN", "PRISON", "TOWN_JUSTICE"))
    code = "980201004" if kind == "TOWN_JUSTICE" else "980201" if kind == "COUNTY_JUSTICE" else "980200"
    acted = {
        **body,
        "id": f"stranger-{dice.randrange(10**9)}",
        "source": f"/agencies/{kind}-{code}-01",
        "type": f"reentry.action.{name}.v1",
        "data": {**event["data"], **told, **({"to": STRANGER} if name == "assigned" else {})},
    }
    return replace(_closed(draft, acted), topic=ACTION)


_CHOICES: tuple[tuple[Change, int], ...] = (
    (_damaged, 6), (_cut, 2), (_other_bytes, 2), (_other_value, 10), (_other_shape, 6), (_raw_json, 3), (_other_type, 4), (_other_time, 6),
    (_told_again, 4), (_another_fact, 20), (_large, 2), (_binary, 6), (_other_headers, 3), (_other_place, 6), (_internal, 2),
    (_other_author, 6), (_strangers_action, 8),
)  # fmt: skip
CHANGES = [change for change, _ in _CHOICES]
WEIGHTS = [weight for _, weight in _CHOICES]
