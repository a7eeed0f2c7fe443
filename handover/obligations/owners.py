"""Who owes: the owner words of a rule book resolved to agencies (semantics.md 5)."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol

from handover.agencies import Successors, code_of, county_bureau, type_of
from handover.calendar import MILLISECOND
from handover.facts.fact import Fact, last
from handover.obligations.handovers import Handover

_TO_COUNTY = (
    "release.survey_requested",
    "release.notice_sent",
    "release.decision_notice_sent",
    "release.decision_documents_sent",
)
_PLACES = (  # where the person is to live: the latest fact of the first name that has the field
    ("release.scheduled", "intended_code"),
    ("release.scheduled", "home_code"),
    ("release.decision_effective", "execution_place"),
    ("release.admitted", "home_code"),
)
_ASKS = frozenset(("release.survey_requested",))
_NAMES_COUNTY = (*_TO_COUNTY, "intake.transfer_arrived", "intake.acknowledged")


class Owners(Protocol):
    """Resolves the owner words within one scope, once the anchor of an obligation is known."""

    def agency(self, role: str, anchor: Fact, county: str | None = None) -> str:
        """The agency that a role means; `county` overrides (rules with `per = "to_agency"`)."""
        ...

    def jurisdiction(self, county: str | None = None) -> str:
        """Where the person or dispute is."""
        ...


class HandoverOwners:
    """The agencies of one handover of a person; for a transfer's child those of its parent, and the two counties.

    `until`: as they were before an instant. Of a handover that goes on for a closed one, its own facts count first.
    """

    def __init__(self, handover: Handover, successors: Successors, until: datetime | None = None) -> None:
        self._transfer = handover if handover.transfer_id is not None else None
        self._handover = handover.parent if self._transfer is not None and handover.parent is not None else handover
        self._successors = successors
        self._until = until
        self._cache: dict[str, str] = {}
        self._county = ""

    def agency(self, role: str, anchor: Fact, county: str | None = None) -> str:
        """See Owners."""
        of_anchor = _OF_ANCHOR.get(role)
        if of_anchor is not None:
            return self._successors.agency(of_anchor(self, anchor))
        if role in ("county", "town", "city") and county is not None:
            return self._successors.agency(self._of_county(role, county))
        return self._in_force(role)

    def _in_force(self, role: str) -> str:
        found = self._cache.get(role)
        if found is None:
            found = self._cache[role] = self._successors.agency(_ROLES[role](self))
        return found

    def jurisdiction(self, county: str | None = None) -> str:
        """See Owners."""
        if county is None:
            return code_of(self._in_force("town"))
        return code_of(self._successors.agency(self._of_county("town", county)))

    def _of_county(self, role: str, county: str) -> str:
        if role == "town":
            return self._assigned_by(county) or county
        return _city(county) if role == "city" else county

    def _of(self, *names: str) -> list[Fact]:
        """Its facts of these names, in order, as far as they count."""
        found = self._handover.of(*names)
        return found if self._until is None else [fact for fact in found if fact.time < self._until]

    def _latest(self, *names: str) -> Fact | None:
        found = self._of(*names)
        return found[-1] if found else None

    def _source_of(self, *names: str) -> str | None:
        for name in names:
            fact = self._latest(name)
            if fact is not None:
                return fact.agency
        return None

    def sending(self) -> str:
        """5.1."""
        told = self._source_of("release.scheduled", "release.occurred", "release.notice_sent", "release.admitted")
        return told or self.county()

    def deciding(self) -> str:
        """5.1."""
        return self._source_of("release.decision_effective") or self.county()

    def deliverer(self) -> str:
        """5.1."""
        decision = self._latest("release.decision_effective")
        return (decision.data.get("deliver_by") if decision else None) or self.deciding()

    def county(self) -> str:
        """5.2."""
        self._county = self._county or self._told_county() or self._inherited_county()
        return self._county

    def _told_county(self) -> str:
        """As the handover's own facts name it; empty where none does."""
        named = [(fact.order, to) for fact in self._of(*_NAMES_COUNTY) if (to := _county_named_by(fact)) is not None]
        return max(named)[1] if named else ""

    def _inherited_county(self) -> str:
        """By the place where the person lives, or by what it was handed on from; else whoever spoke first."""
        handover = self._handover
        if handover.handed_on == "M":
            return county_bureau(str(handover.facts[0].data["to_code"]))
        if handover.handed_on and handover.parent is not None:
            return self._before().county()
        for name, field in _PLACES:
            fact = self._latest(name)
            if fact is not None and (place := fact.data.get(field)):
                return county_bureau(str(place))
        return handover.facts[0].agency if handover.facts else ""

    def _before(self) -> "HandoverOwners":
        """The agencies of the parent, as they were when it was closed."""
        assert self._handover.parent is not None
        return HandoverOwners(self._handover.parent, self._successors, self._handover.opened_at + MILLISECOND)

    def _assigned(self) -> Fact | None:
        assigned, arrived = self._latest("intake.assigned"), self._latest("intake.transfer_arrived")
        if assigned is None or (arrived is not None and assigned.time < arrived.time):
            return None
        return assigned

    def _assigned_by(self, county: str) -> str | None:
        """The town that this county has named."""
        arrived = self._latest("intake.transfer_arrived")
        own = self._successors.county(code_of(county))
        named = [
            fact
            for fact in self._of("intake.assigned")
            if (arrived is None or fact.time >= arrived.time) and self._successors.county(code_of(fact.agency)) == own
        ]
        return str(named[-1].data["town_agency"]) if named else None

    def town(self) -> str:
        """5.2."""
        assigned = self._assigned()
        if assigned is not None:
            return str(assigned.data["town_agency"])
        if self._handover.handed_on == "C" and not self._told_county():
            return self._before().town()
        return self.county()

    def city(self) -> str:
        """5.2."""
        return _city(self.county())

    def new_county(self) -> str:
        """5.2: of the transfer."""
        decided = (self._transfer or self._handover).latest("intake.transfer_decided")
        return str(decided.data["to_agency"]) if decided else self.county()

    def old_county(self, anchor: Fact) -> str:
        """5.2: of the transfer that the anchor belongs to."""
        transfer_id = anchor.data.get("transfer_id")
        decided = [
            fact
            for fact in self._handover.of("intake.transfer_decided")
            if transfer_id is None or fact.data["transfer_id"] == transfer_id
        ]
        return str(decided[-1].data["from_agency"]) if decided else self.county()

    def answerer(self, anchor: Fact) -> str:
        """5.2: whom the referral or the survey names."""
        if anchor.name in _ASKS:
            return str(anchor.data["to_agency"])
        referral = last(
            fact
            for fact in self._handover.of("intake.help_referred")
            if fact.data["referral_id"] == anchor.data.get("referral_id")
        )
        return str(referral.data["to_agency"]) if referral else anchor.agency

    def destination(self, anchor: Fact) -> str:
        """The county to which a person moves or may move, as the anchor names it."""
        return county_bureau(str(anchor.data["to_code"])) if anchor.data.get("to_code") else self.county()

    def closer(self, anchor: Fact) -> str:
        """Who closed the file."""
        return anchor.agency


def _city(county: str) -> str:
    return f"CITY_JUSTICE-{code_of(county)[:4]}00-01"


def _county_named_by(fact: Fact) -> str | None:
    if fact.name == "intake.transfer_arrived" or fact.name in _TO_COUNTY:
        return str(fact.data["to_agency"])
    if fact.name == "intake.acknowledged" and fact.data["accepted"] and type_of(fact.agency) == "COUNTY_JUSTICE":
        return fact.agency
    return None


_ROLES: Mapping[str, Callable[[HandoverOwners], str]] = {
    "sending": HandoverOwners.sending,
    "deciding": HandoverOwners.deciding,
    "deliverer": HandoverOwners.deliverer,
    "county": HandoverOwners.county,
    "town": HandoverOwners.town,
    "city": HandoverOwners.city,
    "new_county": HandoverOwners.new_county,
    "publisher": HandoverOwners.sending,
    "committee": HandoverOwners.county,
    "platform": lambda _: PLATFORM,
}


_OF_ANCHOR: Mapping[str, Callable[[HandoverOwners, Fact], str]] = {
    "answerer": HandoverOwners.answerer,
    "consulted": HandoverOwners.destination,
    "destination": HandoverOwners.destination,
    "closer": HandoverOwners.closer,
    "old_county": HandoverOwners.old_county,
}


class DisputeOwners:
    """The committee that holds a dispute, and where the dispute is."""

    def __init__(self, facts: Mapping[str, list[Fact]], reported: Fact | None, successors: Successors) -> None:
        self._facts, self._reported, self._successors = facts, reported, successors

    def agency(self, role: str, anchor: Fact, county: str | None = None) -> str:
        """The committee; disputes know no other owner."""
        named = last([*self._facts.get("dispute.accepted", ()), *self._facts.get("dispute.assigned", ())])
        if named is not None:
            return self._successors.agency(str(named.data["committee"]))
        return self._successors.agency((self._reported or anchor).agency)

    def jurisdiction(self, county: str | None = None) -> str:
        """The place where it was reported."""
        return self._successors.code(self._reported.data["place_code"]) if self._reported else ""


PLATFORM = "PLATFORM"  # who runs this pipeline


class PlaceOwners:
    """The county and the city of a jurisdiction that is measured as a whole."""

    def __init__(self, code: str, successors: Successors) -> None:
        self._code = successors.code(code)

    def agency(self, role: str, anchor: Fact, county: str | None = None) -> str:
        """The bureau of its county or city; the platform where the rule says so."""
        if role == "platform":
            return PLATFORM
        own = f"COUNTY_JUSTICE-{self._code[:6]}-01"
        return _city(own) if role == "city" else own

    def jurisdiction(self, county: str | None = None) -> str:
        """Itself."""
        return self._code


class SourceOwners:
    """The publisher of a feed, or the pipeline, which is the platform's."""

    def __init__(self, agency: str, successors: Successors) -> None:
        self._agency = successors.agency(agency)

    def agency(self, role: str, anchor: Fact, county: str | None = None) -> str:
        """The publisher itself, or the platform."""
        return PLATFORM if role == "platform" else self._agency

    def jurisdiction(self, county: str | None = None) -> str:
        """Its code."""
        return code_of(self._agency)


class OfficeOwners:
    """The office that owes work of its own."""

    def __init__(self, agency: str, successors: Successors) -> None:
        self._agency = successors.agency(agency)

    def agency(self, role: str, anchor: Fact, county: str | None = None) -> str:
        """The office itself, or the platform."""
        return PLATFORM if role == "platform" else self._agency

    def jurisdiction(self, county: str | None = None) -> str:
        """Its code."""
        return code_of(self._agency)
