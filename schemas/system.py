"""What publishers and administrators tell about the data itself: `reentry.system.v1`, subject = source."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field, ValidationInfo, field_validator

from schemas import agencies, codes
from schemas.agencies import Senders
from schemas.instants import FIRST_YEAR, LAST_YEAR
from schemas.payload import (
    MEASURED,
    MOST_CODES,
    MOST_EVENTS,
    MOST_OF_A_DAY,
    PIPELINE,
    Code,
    Instant,
    LocalDate,
    Part,
    Payload,
    Period,
    Ref,
    Sequence,
)

MOST_DAYS = 400  # named by the calendar of a year
Count = Annotated[int, Field(ge=0, le=10**15)]


class TopicCount(Part):
    """How many events of one topic a publisher sent of a day, and perhaps their first and last sequence."""

    topic: Ref = Field(description="topic name")
    count: int = Field(ge=0, le=MOST_OF_A_DAY, description="events of that day")
    first_sequence: Sequence | None = Field(default=None, description="sequence of the first one")
    last_sequence: Sequence | None = Field(default=None, description="sequence of the last one")


class RuleChange(Part):
    """Keys of a rule to set."""

    rule_id: Ref = Field(description="the rule")
    part: Ref | None = Field(default=None, description="the entry of that rule; absent: all of them")
    set_: dict[str, Any] = Field(
        max_length=MOST_CODES, alias="set", description="keys of the rule book and their new values"
    )


class PublisherHeartbeat(Payload):
    """A publisher is alive. Silence of two periods raises X03."""

    TYPE: ClassVar[str] = "reentry.system.publisher_heartbeat.v1"
    BY: ClassVar[str] = "PRISON-990100-01"
    SENT_BY: ClassVar[Senders] = agencies.ANY
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = None
    EXAMPLE: ClassVar[Mapping[str, object]] = {"period": "PT15M"}

    period: Period = Field(description="time between two heartbeats; from PT1M to P31D")


class PublisherManifest(Payload):
    """A publisher says what it sent of a day, so that gaps are seen (X04)."""

    TYPE: ClassVar[str] = "reentry.system.publisher_manifest.v1"
    BY: ClassVar[str] = "PRISON-990100-01"
    SENT_BY: ClassVar[Senders] = agencies.ANY
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = None
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "day": "2026-02-05",
        "topics": [{"topic": "reentry.release.v1", "count": 12, "first_sequence": "10410", "last_sequence": "10421"}],
    }

    day: LocalDate = Field(description="local date of the time of the events counted")
    topics: list[TopicCount] = Field(max_length=MOST_CODES, description="how many events of each topic")


class CalendarPublished(Payload):
    """The list of a year's holidays and make-up days; replaces the older list of that year from its arrival on.

    It may name days of the neighbouring years: a notice for a year reaches back into the December before.
    """

    TYPE: ClassVar[str] = "reentry.system.calendar_published.v1"
    BY: ClassVar[str] = "PROVINCE_JUSTICE-990000-01"
    SENT_BY: ClassVar[Senders] = agencies.PROVINCE
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = None
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "year": 2027,
        "status": "published",
        "holidays": ["2027-01-01"],
        "workdays": ["2027-02-20"],
    }

    year: int = Field(ge=FIRST_YEAR, le=LAST_YEAR, description="calendar year")
    status: Annotated[str, codes.CALENDAR_STATUS] = Field(description="draft is ignored")
    holidays: list[LocalDate] = Field(max_length=MOST_DAYS, description="days off, weekends included or not")
    workdays: list[LocalDate] = Field(max_length=MOST_DAYS, description="weekend days that are worked")

    @field_validator("holidays", "workdays")
    @classmethod
    def _near(cls, days: list[str], info: ValidationInfo) -> list[str]:
        year = info.data.get("year")
        far = next((day for day in days if year is not None and abs(int(day[:4]) - year) > 1), None)
        if far is not None:
            raise ValueError(f"{far} is no day of {year} or of a neighbouring year")
        return days


class RulesChanged(Payload):
    """A new version of the rule book, from an instant on."""

    TYPE: ClassVar[str] = "reentry.system.rules_changed.v1"
    BY: ClassVar[str] = "PROVINCE_JUSTICE-990000-01"
    SENT_BY: ClassVar[Senders] = agencies.PROVINCE
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = None
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "book": "cn-default@2",
        "effective_from": "2026-03-01T00:00:00+08:00",
        "apply_to_open": False,
        "changes": [{"rule_id": "A10", "set": {"within": "5 d"}}],
    }

    book: Ref = Field(description="new name, e.g. cn-default@2")
    effective_from: Instant = Field(description="anchors from this instant on")
    apply_to_open: bool = Field(description="also for older anchors, from that instant on")
    changes: list[RuleChange] = Field(max_length=MOST_EVENTS, description="keys of rules to set, as in a rule book")


class RegistryChanged(Payload):
    """A jurisdiction code began, ended, or got a successor."""

    TYPE: ClassVar[str] = "reentry.system.registry_changed.v1"
    BY: ClassVar[str] = "PROVINCE_JUSTICE-990000-01"
    SENT_BY: ClassVar[Senders] = agencies.JUSTICE
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = None
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "code": "990102004",
        "change": "ABOLISHED",
        "valid_from": "2026-04-01",
        "successor_code": "990102009",
    }

    code: Code = Field(description="jurisdiction code")
    change: Annotated[str, codes.REGISTRY_CHANGE] = Field(description="what happened to the code")
    valid_from: LocalDate = Field(description="first day of the change")
    successor_code: Code | None = Field(default=None, description="code that follows it")


class ManifestJudged(Payload):
    """Our own verdict on a manifest (X04): found by the sink that sees all partitions, told to the workers."""

    TYPE: ClassVar[str] = "reentry.system.manifest_judged.v1"
    BY: ClassVar[str] = PIPELINE
    SENT_BY: ClassVar[Senders] = agencies.PIPELINE_ONLY
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = None
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "day": "2026-02-26",
        "due_at": "2026-02-27T02:00:00+08:00",
        "met_at": None,
        "missing": {"reentry.release.v1": 1},
    }

    day: LocalDate = Field(description="the manifest's day")
    due_at: Instant = Field(description="when all of it had to be here")
    met_at: Instant | None = Field(default=None, description="when all of it had arrived; absent: not yet")
    missing: dict[str, Count] = Field(description="events missing per topic")
    manifest_id: Ref | None = Field(default=None, description="the manifest judged; absent: the latest of the day")


class MetricJudged(Payload):
    """What a sink measured against a rule's threshold (X01, X02, X06-X08), told to the workers when it begins or ceases to hold."""

    TYPE: ClassVar[str] = "reentry.system.metric_judged.v1"
    BY: ClassVar[str] = PIPELINE
    SENT_BY: ClassVar[Senders] = agencies.PIPELINE_ONLY
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = None
    ABOUT: ClassVar[str] = MEASURED
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "rule_id": "X06",
        "measure": "ARRIVAL_LAG",
        "exceeded": True,
        "value": 30.5,
        "limit": 24.0,
        "since": "2026-02-05T23:40:00+08:00",
    }

    rule_id: Ref = Field(description="the rule of form metric")
    part: Ref | None = Field(default=None, description="its part; absent: the rule has none")
    measure: Annotated[str, codes.METRIC] = Field(description="what was measured")
    key: Ref | None = Field(
        default=None, description="of whom, within the subject: an officer, a topic, a consumer group"
    )
    exceeded: bool = Field(description="whether the threshold does not hold")
    value: float = Field(description="what was found")
    limit: float = Field(description="the threshold it was held against")
    n: Count | None = Field(default=None, description="how many were counted")
    since: Instant = Field(description="from when on it does not hold, or holds again")
    start: Instant | None = Field(default=None, description="beginning of the period counted")


PAYLOADS: tuple[type[Payload], ...] = (
    PublisherHeartbeat,
    PublisherManifest,
    CalendarPublished,
    RulesChanged,
    RegistryChanged,
    ManifestJudged,
    MetricJudged,
)
