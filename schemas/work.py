"""What justice offices owe as offices, and what they did: `reentry.work.v1`, subject agency_id of the office."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from schemas import agencies, codes
from schemas.agencies import Senders
from schemas.payload import MOST_CODES, MOST_COUNTED, LocalDate, Part, Payload

Count = Annotated[int, Field(ge=0, le=MOST_COUNTED)]


class DutyItem(Part):
    """One kind of work that an office owes."""

    kind: Annotated[str, codes.WORK_KIND] = Field(description="kind of work")
    cadence: Annotated[str, codes.CADENCE] = Field(description="how often")


class DutySet(Payload):
    """What work an office owes, from a day on; a later one (by `from`) replaces the one before."""

    TYPE: ClassVar[str] = "reentry.work.duty_set.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SENT_BY: ClassVar[Senders] = agencies.SETTING_WORK
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("from",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "items": [{"kind": "SCREENING", "cadence": "MONTHLY"}, {"kind": "PUBLICITY", "cadence": "QUARTERLY"}],
        "from": "2026-01-01",
    }
    EXAMPLE_TIME: ClassVar[str | None] = "2026-01-05T09:00:00+08:00"

    items: list[DutyItem] = Field(max_length=MOST_CODES, description="what is owed, and how often")
    from_: LocalDate = Field(alias="from", description="first day of the first windows")


class Reported(Payload):
    """The office reported its work. It answers a window whose last day lies in [from, to]."""

    TYPE: ClassVar[str] = "reentry.work.reported.v1"
    BY: ClassVar[str] = "TOWN_JUSTICE-990102004-01"
    SENT_BY: ClassVar[Senders] = agencies.HELPING
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("kind", "from", "to")
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "kind": "SCREENING",
        "from": "2026-01-01",
        "to": "2026-01-31",
        "held": 4,
        "people": 63,
        "found": 5,
        "solved": 4,
    }
    EXAMPLE_TIME: ClassVar[str | None] = "2026-02-03T09:00:00+08:00"

    kind: Annotated[str, codes.WORK_KIND] = Field(description="as in duty_set")
    from_: LocalDate = Field(alias="from", description="first day reported on")
    to: LocalDate = Field(description="last day reported on, not before `from`")
    held: Count | None = Field(default=None, description="times held")
    people: Count | None = Field(default=None, description="people reached")
    found: Count | None = Field(default=None, description="found: disputes, needs")
    solved: Count | None = Field(default=None, description="of these, solved")


PAYLOADS: tuple[type[Payload], ...] = (DutySet, Reported)
