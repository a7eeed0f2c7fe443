"""What all payloads share: kinds of values, and how strictly they are read."""

import re
from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, WithJsonSchema

from schemas.agencies import AGENCY_TYPES, Senders
from schemas.instants import FIRST_YEAR, LAST_YEAR, instant

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
_DURATION = re.compile(
    r"P(?=[0-9T])(?:(?P<weeks>[0-9]{1,4})W)?(?:(?P<days>[0-9]{1,4})D)?(?:T(?=[0-9])(?:(?P<hours>[0-9]{1,4})H)?"
    r"(?:(?P<minutes>[0-9]{1,5})M)?(?:(?P<seconds>[0-9]{1,6}(?:\.[0-9]{1,3})?)S)?)?"
)
_NOT_ZERO = re.compile("[1-9]")
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
    instant(text)
    return text


@lru_cache(maxsize=1_024)
def _duration(text: str) -> str:
    if _DURATION.fullmatch(text) is None or _NOT_ZERO.search(text) is None:
        raise ValueError("must be an ISO 8601 duration of weeks, days, hours, minutes or seconds like PT15M, not zero")
    return text


@lru_cache(maxsize=1_024)
def _period(text: str) -> str:
    found = _DURATION.fullmatch(text)
    parts = found.groupdict() if found is not None else {}
    length = timedelta(**{unit: float(value) for unit, value in parts.items() if value})
    if not SHORTEST_PERIOD <= length <= LONGEST_PERIOD:
        raise ValueError("must be a period from one minute (PT1M) to 31 days (P31D)")
    return text


# Values stay what they are on the wire; what has been checked here can be parsed later without an error.
LocalDate = Annotated[str, AfterValidator(_date), WithJsonSchema({"type": "string", "format": "date"})]
Instant = Annotated[str, AfterValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"})]
Duration = Annotated[str, AfterValidator(_duration), WithJsonSchema({"type": "string", "format": "duration"})]
Period = Annotated[
    str, AfterValidator(_duration), AfterValidator(_period), WithJsonSchema({"type": "string", "format": "duration"})
]
Code = Annotated[str, StringConstraints(pattern=f"^{JURISDICTION}$")]
AgencyId = Annotated[str, StringConstraints(pattern=f"^{AGENCY}$")]
PersonRef = Annotated[str, StringConstraints(pattern=f"^{PERSON}$")]
AlertId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
Sequence = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,18}$")]
Ref = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_TEXT)]  # an opaque id
Remark = Annotated[str, StringConstraints(max_length=LONGEST_NOTE)]  # free text that may be left out
Note = Annotated[str, StringConstraints(max_length=LONGEST_NOTE, pattern=r"\S")]  # free text that must say something


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
    ABOUT: ClassVar[str] = SOURCE  # what the pipeline speaks of, where it speaks itself: the pattern of the subject
    REPEATS_TIME: ClassVar[str | None] = (
        None  # the field that repeats the envelope's `time`; where they differ, `time` counts
    )
