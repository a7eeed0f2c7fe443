"""What publishers and administrators tell about the data itself: `reentry.system.v1`."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from schemas.payload import PIPELINE, Code, Duration, Instant, LocalDate, Part, Payload, Sequence


class TopicCount(Part):
    """How many events of one topic a publisher has sent of a day, and perhaps their first and last sequence."""

    topic: str
    count: int = Field(ge=0)
    first_sequence: Sequence | None = None
    last_sequence: Sequence | None = None


class RuleChange(Part):
    """Keys of a rule to set; without `part`, of all entries of the id."""

    rule_id: str
    part: str | None = None
    set_: dict[str, object] = Field(alias="set")


class PublisherHeartbeat(Payload):
    """`reentry.system.publisher_heartbeat.v1`, by prison."""

    TYPE: ClassVar[str] = "reentry.system.publisher_heartbeat.v1"
    BY: ClassVar[str] = "PRISON-990100-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = None
    EXAMPLE: ClassVar[Mapping[str, object]] = {"period": "PT15M"}

    period: Duration = Field(description="ISO 8601; silence of two periods raises X03")


class PublisherManifest(Payload):
    """`reentry.system.publisher_manifest.v1`, by prison."""

    TYPE: ClassVar[str] = "reentry.system.publisher_manifest.v1"
    BY: ClassVar[str] = "PRISON-990100-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = None
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "day": "2026-02-05",
        "topics": [{"topic": "reentry.release.v1", "count": 12, "first_sequence": "10410", "last_sequence": "10421"}],
    }

    day: LocalDate = Field(description="local date of the time of the events counted")
    topics: list[TopicCount] = Field(description="list of {topic: str, count: int, first_sequence?: str, last_sequence?: str}")


class CalendarPublished(Payload):
    """`reentry.system.calendar_published.v1`, by province justice."""

    TYPE: ClassVar[str] = "reentry.system.calendar_published.v1"
    BY: ClassVar[str] = "PROVINCE_JUSTICE-990000-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = None
    EXAMPLE: ClassVar[Mapping[str, object]] = {"year": 2027, "status": "published", "holidays": ["2027-01-01"], "workdays": ["2027-02-20"]}

    year: int
    status: Literal["published", "draft"] = Field(description="draft is ignored")
    holidays: list[LocalDate]
    workdays: list[LocalDate] = Field(description="weekend days that are worked")


class RulesChanged(Payload):
    """`reentry.system.rules_changed.v1`, by province justice."""

    TYPE: ClassVar[str] = "reentry.system.rules_changed.v1"
    BY: ClassVar[str] = "PROVINCE_JUSTICE-990000-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = None
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "book": "cn-default@2",
        "effective_from": "2026-03-01T00:00:00+08:00",
        "apply_to_open": False,
        "changes": [{"rule_id": "A10", "set": {"within": "5 d"}}],
    }

    book: str = Field(description="new name, e.g. cn-default@2")
    effective_from: Instant
    apply_to_open: bool
    changes: list[RuleChange] = Field(description="list of {rule_id, part?, set: {key: value}} with the keys of rulebook.toml")


class RegistryChanged(Payload):
    """`reentry.system.registry_changed.v1`, by province justice."""

    TYPE: ClassVar[str] = "reentry.system.registry_changed.v1"
    BY: ClassVar[str] = "PROVINCE_JUSTICE-990000-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = None
    EXAMPLE: ClassVar[Mapping[str, object]] = {"code": "990102004", "change": "ABOLISHED", "valid_from": "2026-04-01", "successor_code": "990102009"}

    code: Code
    change: Literal["ADDED", "RENAMED", "ABOLISHED", "SUCCESSOR"]
    valid_from: LocalDate
    successor_code: Code | None = None


class ManifestJudged(Payload):
    """The pipeline's own verdict on a manifest (X04): found by a sink, which sees all partitions, told to the workers."""

    TYPE: ClassVar[str] = "reentry.system.manifest_judged.v1"
    BY: ClassVar[str] = PIPELINE
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = None
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "day": "2026-02-26",
        "due_at": "2026-02-27T02:00:00+08:00",
        "met_at": None,
        "missing": {"reentry.release.v1": 1},
    }

    day: LocalDate = Field(description="the manifest's day")
    due_at: Instant
    met_at: Instant | None = Field(default=None, description="when all of it had arrived; absent: not yet")
    missing: dict[str, int] = Field(description="events missing per topic")
    manifest_id: str | None = Field(default=None, description="the manifest judged; absent: the latest of the day")


PAYLOADS: tuple[type[Payload], ...] = (
    PublisherHeartbeat,
    PublisherManifest,
    CalendarPublished,
    RulesChanged,
    RegistryChanged,
    ManifestJudged,
)
