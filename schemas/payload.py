"""What all payloads share: kinds of values, and how strictly they are read."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, WithJsonSchema

from schemas.instants import instant

PIPELINE = "/pipeline"  # the source of what this pipeline writes itself
AGENCY_TYPES = (
    "PRISON", "DETENTION", "PRISON_ADMIN", "COURT", "PROVINCE_JUSTICE", "CITY_JUSTICE", "COUNTY_JUSTICE", "TOWN_JUSTICE", "PROCURATORATE",
    "POLICE", "MEDIATION", "LEGAL_AID", "HRSS", "CIVIL", "LOCATION",
)  # fmt: skip
AGENCY = rf"(?:{'|'.join(AGENCY_TYPES)})-[0-9]{{2,12}}-[0-9]{{2}}"
PERSON = r"p1_[a-z2-7]{26}"
DISPUTE = r"d1_[a-z2-7]{26}"
_DURATION = re.compile(r"P(?!$)(?:\d{1,4}W)?(?:\d{1,4}D)?(?:T(?=\d)(?:\d{1,4}H)?(?:\d{1,5}M)?(?:\d{1,6}(?:\.\d{1,3})?S)?)?")


def _date(text: str) -> str:
    if len(text) != 10:
        raise ValueError("must be a date like 2026-03-31")
    date.fromisoformat(text)
    return text


def _instant(text: str) -> str:
    instant(text)
    return text


def _duration(text: str) -> str:
    if _DURATION.fullmatch(text) is None:
        raise ValueError("must be an ISO 8601 duration like PT15M")
    return text


LocalDate = Annotated[str, AfterValidator(_date), WithJsonSchema({"type": "string", "format": "date"})]
Instant = Annotated[str, AfterValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"})]
Duration = Annotated[str, AfterValidator(_duration), WithJsonSchema({"type": "string", "format": "duration"})]
Code = Annotated[str, StringConstraints(pattern=r"^(?:[0-9]{2}|[0-9]{4}|[0-9]{6}|[0-9]{9})$")]
AgencyId = Annotated[str, StringConstraints(pattern=f"^{AGENCY}$")]
PersonRef = Annotated[str, StringConstraints(pattern=f"^{PERSON}$")]
AlertId = Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")]
Sequence = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,18}$")]
Note = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Part(BaseModel):
    """A part of a payload. Unknown fields are kept and ignored; errors never quote what was sent."""

    model_config = ConfigDict(strict=True, extra="allow", frozen=True, hide_input_in_errors=True)


class Payload(Part):
    """The `data` of one event type: its type, an agency that sends it, when two are the same fact, an example."""

    TYPE: ClassVar[str]
    BY: ClassVar[str]  # an agency of the example, or the pipeline itself
    SAME_WHEN: ClassVar[tuple[str, ...] | None]  # fields that are equal in the same business fact; None: never merged (semantics.md 3.6)
    EXAMPLE: ClassVar[Mapping[str, object]]
