"""A whole example of everything that is on a topic: documentation, test data, and what one can try `publish` with."""

from datetime import timedelta
from functools import cache
from typing import Any

from schemas.alert import Alert, event
from schemas.catalogue import PAYLOADS, PAYLOADS_BY_FACT
from schemas.envelope import SPECVERSION
from schemas.instants import instant, show
from schemas.payload import PIPELINE

PERSON_REF, DISPUTE_ID = "p1_o2jmhljvic5yapacbm5o4zwnrc", "d1_dcwd442d6alisdcrb2j7snjgcf"
OFFICE = "TOWN_JUSTICE-990102004-01"
_TIMES = {
    "release": "2026-02-26T09:12:00+08:00",
    "intake": "2026-03-10T10:00:00+08:00",
    "checkin": "2026-02-12T09:05:00+08:00",
    "dispute": "2026-03-20T15:30:00+08:00",
    "action": "2026-02-11T08:40:00+08:00",
    "system": "2026-02-06T00:20:00+08:00",
}
_COUNTED_TOPICS = ("release", "intake", "checkin", "work")
_COUNTED = [fact for fact in PAYLOADS_BY_FACT if fact.partition(".")[0] in _COUNTED_TOPICS]
_FIRST_SEQUENCES = {
    False: 10_401,
    True: 10_501,
}  # of the first event types; of those that have an example time of their own
_RECORDED_AFTER = timedelta(seconds=30)


def event_of(type_: str) -> dict[str, Any]:
    """The example of an event type as a CloudEvents JSON object. Raise KeyError on an unknown type."""
    payload = PAYLOADS[type_]
    topic, _, short = type_.removeprefix("reentry.").removesuffix(".v1").partition(".")
    ours = payload.BY == PIPELINE
    source = PIPELINE if ours else f"/agencies/{payload.BY}"
    repeated = payload.EXAMPLE[payload.REPEATS_TIME] if payload.REPEATS_TIME else None
    time = str(payload.EXAMPLE_TIME or repeated or _TIMES.get(topic))
    body: dict[str, Any] = {
        "specversion": SPECVERSION,
        "id": f"ev-{topic}-{short}",
        "source": source,
        "type": type_,
        "subject": "/agencies/PRISON-990100-01"
        if ours
        else {"dispute": DISPUTE_ID, "system": source, "work": OFFICE}.get(topic, PERSON_REF),
        "time": time,
        "datacontenttype": "application/json",
    }
    if topic in _COUNTED_TOPICS:
        body["recordedtime"] = show(instant(time) + _RECORDED_AFTER)
        body["sequence"] = str(_sequence(f"{topic}.{short}"))
    return {**body, "data": dict(payload.EXAMPLE)}


def _sequence(fact: str) -> int:
    later = PAYLOADS_BY_FACT[fact].EXAMPLE_TIME is not None
    alike = [one for one in _COUNTED if (PAYLOADS_BY_FACT[one].EXAMPLE_TIME is not None) is later]
    return _FIRST_SEQUENCES[later] + alike.index(fact)


_REASON = {
    "zh": "释放通知未签收：应在 2026-02-05 00:00 前办理，至今未收到答复",
    "en": "Release notice unanswered: due before 2026-02-05 00:00; no answer has come",
}
_COMPUTATION = [
    {"day": "2026-01-30", "is": "anchor"},
    {"day": "2026-01-31", "is": "off"},
    {"day": "2026-02-01", "is": "off"},
    {"day": "2026-02-02", "is": "counted", "n": 1},
    {"day": "2026-02-03", "is": "counted", "n": 2},
    {"day": "2026-02-04", "is": "due", "n": 3},
]
_OBLIGATION: dict[str, Any] = {
    "alert_id": "5f0c2f1e-7d5b-5d0e-9a3e-0d6f5f1b2c3d",
    "obligation_id": "0c4f2a8e-4a53-5d2e-8b1f-6a7d9e0c1b2a",
    "handover_id": "9b1d6c2e-3f4a-5b6c-8d7e-0f1a2b3c4d5e",
    "rule_id": "A02",
    "occurrence": "COUNTY_JUSTICE-990102-01",
    "owner_agency": "COUNTY_JUSTICE-990102-01",
    "jurisdiction": "990102",
    "severity": "WARN",
    "anchor_at": "2026-01-30T09:12:00+08:00",
    "due_at": "2026-02-05T00:00:00+08:00",
    "provisional": False,
    "reason": _REASON,
    "missing": ["reentry.intake.acknowledged.v1"],
    "computation": _COMPUTATION,
}
_ALERT: dict[str, Any] = {
    **_OBLIGATION,
    "subject": PERSON_REF,
    "handover_kind": "A",
    "rule_book": "cn-default@2",
    "state": "firing",
    "outcome": None,
    "step": 0,
    "stage": 0,
    "held": False,
    "raised_at": "2026-02-05T00:00:00+08:00",
    "changed_at": "2026-02-05T00:00:00+08:00",
    "resolved_at": None,
    "acknowledged_by": None,
    "assigned_to": None,
    "snoozed_until": None,
    "contest": None,
    "basis": [
        {
            "zh": "默认值：参照三个工作日回执",
            "en": "Default: after the three-working-day receipt",
            "status": "confirm_locally",
        }
    ],
    "seen": ["ev-release-notice_sent"],
    "ladder": [{"step": 0, "to": "COUNTY_JUSTICE-990102-01", "at": "2026-02-05T00:00:00+08:00"}],
    "revision": 1,
}


@cache
def alert() -> Alert:
    """An alert that fires: a notice of a Friday, not answered within three working days."""
    return Alert.model_validate(_ALERT)


def alert_event() -> dict[str, Any]:
    """The same alert as the CloudEvent on the alert topic."""
    return event(alert())


def case() -> dict[str, Any]:
    """The case of that person: the public fields only."""
    milestone = {
        "fact": "release.notice_sent",
        "time": "2026-01-30T09:12:00+08:00",
        "arrival": "2026-01-30T09:13:20.502+08:00",
        "source": "/agencies/PRISON-990100-01",
        "event_id": "ev-release-notice_sent",
    }
    handover = {
        "handover_id": _OBLIGATION["handover_id"],
        "kind": "A",
        "state": "NOTIFIED",
        "opened_at": "2026-01-30T09:12:00+08:00",
        "closed_at": None,
        "release_date": "2026-03-31",
        "sending": "PRISON-990100-01",
        "county": "COUNTY_JUSTICE-990102-01",
        "town": "COUNTY_JUSTICE-990102-01",
        "jurisdiction": "990102",
        "key_person": False,
        "milestones": [milestone],
    }
    return {
        "format": 2,
        "subject": PERSON_REF,
        "kind": "PERSON",
        "revision": 4,
        "changed_at": "2026-02-05T00:00:00+08:00",
        "handovers": [handover],
        "forgotten": [],
        "dispute": None,
        "obligations": [{**_OBLIGATION, "state": "overdue", "warn_at": "2026-02-03T00:00:00+08:00"}],
    }


def receipt() -> dict[str, Any]:
    """What the sender of that notice learns of it once a worker has refused it. Its signature is made up."""
    return {
        "receipt": {
            "id": "release-3-1207",
            "state": "refused",
            "topic": "reentry.release.v1",
            "partition": 3,
            "offset": 1207,
            "digest": "sha-256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "appended_at": "2026-01-30T09:13:20.502+08:00",
            "source": "/agencies/PRISON-990100-01",
            "event_id": "ev-release-notice_sent",
            "type": "reentry.release.notice_sent.v1",
            "reason": "SCHEMA",
            "errors": ["data.to_agency: Field required"],
        },
        "key": "0d1f9c2ab5e8734c",
        "signature": "A" * 86 + "==",
    }
