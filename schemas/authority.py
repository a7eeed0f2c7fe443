"""Who may say what: which agencies an event is heard from, and which may act on an alert. Pure, by the names of agencies alone."""

import re
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from typing import NamedTuple

from schemas.agencies import JUSTICE, Senders
from schemas.catalogue import PAYLOADS
from schemas.envelope import Event
from schemas.invalid import InvalidEvent
from schemas.payload import PIPELINE, SOURCE

PLATFORM = "PLATFORM"  # who runs this pipeline owns alerts, and is no agency: the province acts on them
LIVING = frozenset(
    ("system.publisher_heartbeat", "system.publisher_manifest")
)  # where only registered sources are heard
_SOURCE = re.compile(SOURCE)
_SENT_BY: Mapping[str, Senders] = {type_: payload.SENT_BY for type_, payload in PAYLOADS.items()}
_COUNTY_DIGITS = 6
# Digits of its own code that a justice agency's people stand under, at least: a city's never reach beyond the city.
_LEAST_DIGITS: Mapping[str, int] = {"PROVINCE_JUSTICE": 2, "PRISON_ADMIN": 2, "CITY_JUSTICE": 4}
_RANK: Mapping[str, int] = {"TOWN_JUSTICE": 1, "CITY_JUSTICE": 3, "PRISON_ADMIN": 3, "PROVINCE_JUSTICE": 4}
_COUNTY_RANK = 2  # of a county, and of all others
_UNDER_PRISON_ADMIN = frozenset(("PRISON", "DETENTION"))


class Agency(NamedTuple):
    """The parts of an agency id `{TYPE}-{code}-{nn}`; empty for what is none."""

    type: str
    code: str

    @property
    def rank(self) -> int:
        """Of four levels: township, county, city, province."""
        return _RANK.get(self.type, _COUNTY_RANK)


def agency(id_: str) -> Agency:
    """Read an agency id."""
    parts = id_.split("-")
    return Agency(parts[0], parts[1]) if len(parts) == 3 else Agency("", "")


@lru_cache(maxsize=16_384)  # publishers are few
def type_of_source(source: str) -> str | None:
    """The type of the agency that a source names; None for what is no source."""
    return source.split("/")[2].partition("-")[0] if _SOURCE.fullmatch(source) else None


def check_sender(event: Event, publishers: Collection[str] | None = None) -> None:
    """Raise InvalidEvent (NOT_ALLOWED) where an agency says what is not its to say. The event's form has been checked.

    `publishers`: the sources that may say that they live and what they sent; None: any.
    """
    type_ = type_of_source(event.source)
    if type_ is None:
        if event.source == PIPELINE:
            return
        raise InvalidEvent("NOT_ALLOWED", "source: names no agency, so nobody has the authority")
    if type_ not in _SENT_BY[event.type]:
        raise InvalidEvent("NOT_ALLOWED", f"source: a {type_} may not send {event.fact}")
    narrower = _NARROWER.get(event.type)
    if narrower is not None:
        narrower(event)
    elif publishers is not None and event.fact in LIVING and event.source not in publishers:
        raise InvalidEvent("NOT_ALLOWED", "source: is not in the register of publishers")


def _check_registry(event: Event) -> None:
    """A code is changed by the agency that has it or one above it; so is the code that takes its duties over."""
    speaker = agency(event.source.split("/")[2])
    for name in ("code", "successor_code"):
        code = event.data.get(name)
        if code is not None and not _stands_above(speaker, code):
            raise InvalidEvent("NOT_ALLOWED", f"data.{name}: is neither the agency's own code nor one below it")


def _check_duty(event: Event) -> None:
    """What an office owes is set by its own county or city."""
    speaker, office = agency(event.source.split("/")[2]), agency(event.subject)
    if not _stands_above(speaker, office.code):
        raise InvalidEvent("NOT_ALLOWED", "source: is neither the county nor the city of the office that subject names")


def _check_report(event: Event) -> None:
    """Work is reported by the office that did it, or by its county."""
    id_ = event.source.split("/")[2]
    speaker = agency(id_)
    if id_ != event.subject and not (
        speaker.type == "COUNTY_JUSTICE" and _stands_above(speaker, agency(event.subject).code)
    ):
        raise InvalidEvent("NOT_ALLOWED", "source: is neither the office that subject names nor its county")


_NARROWER: Mapping[str, Callable[[Event], None]] = {
    "reentry.system.registry_changed.v1": _check_registry,
    "reentry.work.duty_set.v1": _check_duty,
    "reentry.work.reported.v1": _check_report,
}


def may_act(actor: str, fact: str, owner: str, jurisdiction: str) -> bool:
    """Whether an agency may act on an alert. `fact`: as in "action.waived"; `owner`, `jurisdiction`: the alert's.

    Who owes the answer may; so may an office of justice whose code is that of the alert's owner or jurisdiction, or above it,
    and a prison administration above the prison that owes. The decision on an objection is for a level above the owner.
    """
    speaker, owing = agency(actor), agency(owner)
    if fact == "action.contest_decided":
        return speaker.rank > owing.rank and _is_over(speaker, owing, jurisdiction)
    return actor == owner or _is_over(speaker, owing, jurisdiction)


def _is_over(speaker: Agency, owing: Agency, jurisdiction: str) -> bool:
    if speaker.type == "PRISON_ADMIN":
        return owing.type in _UNDER_PRISON_ADMIN and owing.code.startswith(_digits(speaker))
    if speaker.type not in JUSTICE:
        return False
    if not owing.type and speaker.type == "PROVINCE_JUSTICE":  # the platform owes
        return True
    return _stands_above(speaker, jurisdiction) or _stands_above(speaker, owing.code)


def _stands_above(speaker: Agency, code: str) -> bool:
    """Whether a code is the agency's own or below it."""
    if not code or speaker.type == "TOWN_JUSTICE":
        return code != "" and code == speaker.code
    return _whole(code).startswith(_digits(speaker))


def _digits(speaker: Agency) -> str:
    """The digits that all codes below an agency's begin with; GB/T 2260: pairs of zeros at the end stand for all that follow."""
    whole = _whole(speaker.code)
    end, least = len(whole), _LEAST_DIGITS.get(speaker.type, len(whole))
    while least < end <= _COUNTY_DIGITS and whole[end - 2 : end] == "00":
        end -= 2
    return whole[:end]


def _whole(code: str) -> str:
    return code.ljust(_COUNTY_DIGITS, "0")
