"""What all payloads share: kinds of values, and how strictly they are read."""

import re
from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, WithJsonSchema

from schemas.agencies import AGENCY_TYPES, Senders
from schemas.instants import DAY, FIRST_YEAR, INSTANT, LAST_YEAR, event_instant

PIPELINE = "/pipeline"  # the source of what this pipeline writes itself
JURISDICTION = r"(?:[0-9]{2}|[0-9]{4}|[0-9]{6}|[0-9]{9})"  # GB/T 2260, GB/T 10114: province, city, county, township
AGENCY = rf"(?:{'|'.join(AGENCY_TYPES)})-{JURISDICTION}-[0-9]{{2}}"
PERSON = r"p1_[a-z2-7]{26}"
DISPUTE = r"d1_[a-z2-7]{26}"
_SYSTEM = r"(?:/[A-Za-z0-9._~-]{1,64})?"  # one of several publishers of an agency
SOURCE = f"/agencies/{AGENCY}{_SYSTEM}"
MEASURED = (
    rf"(?:{SOURCE}|{PIPELINE}|{JURISDICTION})"  # what a metric is about: a publisher, the pipeline itself, a place
)
LONGEST_TEXT, LONGEST_NOTE = 256, 200  # characters
# Silence of two periods is told: after seconds it would be a matter of chance, after months of no use.
SHORTEST_PERIOD, LONGEST_PERIOD = timedelta(minutes=1), timedelta(days=31)
MOST_CODES = 100  # members of a list in one fact: kinds of paper, agencies told, items of a plan
MOST_EVENTS = 1_000  # that one event names or one rule book changes
MOST_OF_A_DAY = 86_400_000  # events of one topic from one publisher: a thousand a second, the whole day
MOST_COUNTED = 1_000_000_000  # people, sessions: of a whole country
MOST_HOURS = 100_000  # of one act, eleven years
# Characters that nobody sees: controls, blanks of other widths, joiners, marks of direction, fillers, private use.
_UNSEEN = "".join(
    chr(first) if first == last else f"{chr(first)}-{chr(last)}"
    for first, last in (
        *((0x00, 0x1F), (0x7F, 0xA0), (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x1680, 0x1680)),
        *((0x17B4, 0x17B5), (0x180B, 0x180F), (0x2000, 0x200F), (0x2028, 0x202F), (0x205F, 0x206F), (0x2800, 0x2800)),
        *((0x3000, 0x3000), (0x3164, 0x3164), (0xE000, 0xF8FF), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0)),
        *((0xFFF0, 0xFFFB), (0xFFFE, 0xFFFF), (0xE0000, 0x10FFFF)),
    )
)
SEEN = f"[^ {_UNSEEN}]"  # in every engine of regular expressions: these classes stand in no name that all of them know
UNSEEN = f"[{_UNSEEN}]"
ID = f"{SEEN}(?:[^{_UNSEEN}]*{SEEN})?"  # an id: blanks within, none around it
_TIME_OF_DAY = r"T(?:[0-9]{1,3}H(?:[0-9]{1,5}M)?(?:@)?|[0-9]{1,5}M(?:@)?|@)".replace(
    "@", r"[0-9]{1,6}(?:\.[0-9]{1,3})?S"
)
_DAYS = f"[0-9]{{1,2}}D(?:{_TIME_OF_DAY})?"
DURATION = f"P(?:[0-9]W(?:{_DAYS}|{_TIME_OF_DAY})?|{_DAYS}|{_TIME_OF_DAY})"  # less than a year; months differ in length
_ZERO = "[^1-9]*"
_DURATION = re.compile(f"(?!{_ZERO}$){DURATION}")
_PART = re.compile(r"([0-9.]+)([WDHMS])")
_UNITS = {
    "W": timedelta(weeks=1),
    "D": timedelta(days=1),
    "H": timedelta(hours=1),
    "M": timedelta(minutes=1),
    "S": timedelta(seconds=1),
}
_ISO_DATE = 10  # characters; date.fromisoformat takes other forms too


@lru_cache(maxsize=16_384)
def _date(text: str) -> str:
    try:
        day = date.fromisoformat(text) if len(text) == _ISO_DATE and text[4] == "-" and text[7] == "-" else None
    except ValueError:
        day = None
    if day is None:
        raise ValueError("must be a date of the calendar like 2026-03-31")
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(f"must lie in the years {FIRST_YEAR} to {LAST_YEAR}")
    return text


def _instant(text: str) -> str:
    event_instant(text)
    return text


@lru_cache(maxsize=1_024)
def _duration(text: str) -> str:
    if _DURATION.fullmatch(text) is None:
        raise ValueError(
            "must be an ISO 8601 duration of up to 9 weeks, 99 days, 999 hours, minutes or seconds like PT15M, not zero"
        )
    return text


@lru_cache(maxsize=1_024)
def _period(text: str) -> str:
    length = sum((float(count) * _UNITS[unit] for count, unit in _PART.findall(text)), timedelta())
    if not SHORTEST_PERIOD <= length <= LONGEST_PERIOD:
        raise ValueError("must be a period from one minute (PT1M) to 31 days (P31D)")
    return text


def _seen_at_the_ends(text: str) -> str:
    if not is_id(text):
        raise ValueError("must be a text without blanks around it or characters that nobody sees")
    return text


_ID = re.compile(ID)


def is_id(text: str) -> bool:
    """Whether a text can name something: not empty, no blanks around it, no character that nobody sees.

    Texts that look alike (full-width letters, other cases) are different ids.
    """
    if text.isascii():
        return text.isprintable() and text != "" and text[0] != " " and text[-1] != " "
    return _ID.fullmatch(text) is not None


def matching(pattern: str, **more: object) -> dict[str, Any]:
    """The JSON Schema of a text that has a form as a whole."""
    return {"type": "string", "pattern": f"^(?:{pattern})$", **more}


# Values stay what they are on the wire; what has been checked here can be parsed later without an error.
INSTANT_FORM = matching(INSTANT, format="date-time")
LocalDate = Annotated[str, AfterValidator(_date), WithJsonSchema(matching(DAY, format="date"))]
Instant = Annotated[str, AfterValidator(_instant), WithJsonSchema(INSTANT_FORM)]
_LENGTH = matching(DURATION, **{"not": {"pattern": f"^{_ZERO}$"}})
Period = Annotated[
    str,
    AfterValidator(_duration),
    AfterValidator(_period),
    WithJsonSchema({**_LENGTH, "description": "from one minute to 31 days"}),
]
Code = Annotated[str, StringConstraints(pattern=f"^{JURISDICTION}$")]
Place = Annotated[str, StringConstraints(pattern=r"^(?:[0-9]{6}|[0-9]{9})$")]  # a county or township
AgencyId = Annotated[str, StringConstraints(pattern=f"^{AGENCY}$")]
PersonRef = Annotated[str, StringConstraints(pattern=f"^{PERSON}$")]
AlertId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
Sequence = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,18}$")]
_REF = {"minLength": 1, "maxLength": LONGEST_TEXT}
Ref = Annotated[  # an opaque id
    str,
    StringConstraints(min_length=1, max_length=LONGEST_TEXT),
    AfterValidator(_seen_at_the_ends),
    WithJsonSchema(matching(ID, **_REF)),
]
MaybeRef = Annotated[  # the same, or empty: not yet
    str,
    StringConstraints(max_length=LONGEST_TEXT),
    AfterValidator(lambda text: text and _seen_at_the_ends(text)),
    WithJsonSchema(matching(f"(?:{ID})?", maxLength=LONGEST_TEXT)),
]
Remark = Annotated[str, StringConstraints(max_length=LONGEST_NOTE)]  # free text that may be left out
Note = Annotated[str, StringConstraints(max_length=LONGEST_NOTE, pattern=SEEN)]  # free text that must say something


def source_of(senders: Senders) -> str:
    """The pattern of the sources of some types of agencies."""
    if len(senders) == len(AGENCY_TYPES):
        return SOURCE
    types = "|".join(one for one in AGENCY_TYPES if one in senders)
    return f"/agencies/(?:{types})-{JURISDICTION}-[0-9]{{2}}{_SYSTEM}"


class Part(BaseModel):
    """A part of a payload. Unknown fields are kept and ignored; errors never quote what was sent."""

    model_config = ConfigDict(strict=True, extra="allow", frozen=True, hide_input_in_errors=True)


class Payload(Part):
    """The `data` of one event type: its type, an agency that sends it, when two are the same fact, an example."""

    TYPE: ClassVar[str]
    BY: ClassVar[str]  # the agency of the example, or the pipeline itself
    SENT_BY: ClassVar[Senders]  # the types of agencies that may send it; none: the pipeline itself
    SAME_WHEN: ClassVar[
        tuple[str, ...] | None
    ]  # equal in two tellings of one fact (semantics.md 3.6); None: never merged
    EXAMPLE: ClassVar[Mapping[str, object]]
    EXAMPLE_TIME: ClassVar[str | None] = None  # when the example happened, where its topic does not say
    ABOUT: ClassVar[str] = SOURCE  # what the pipeline speaks of, where it speaks itself: the pattern of the subject
    REPEATS_TIME: ClassVar[str | None] = (
        None  # the field that repeats the envelope's `time`; where they differ, `time` counts
    )
