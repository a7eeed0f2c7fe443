"""Who owes: the owner words of a rule book resolved to agencies (semantics.md 5)."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from handover.agencies import Successors, code_of, type_of
from handover.facts.fact import Fact, last
from handover.obligations.handovers import Handover

_TO_COUNTY = ("release.notice_sent", "release.decision_notice_sent", "release.decision_documents_sent")
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
    """The agencies of one handover of a person; for a transfer's child those of its parent, and the two counties."""

    def __init__(self, handover: Handover, successors: Successors, facts: Sequence[Fact] | None = None) -> None:
        self._handover = handover.parent or handover
        self._transfer = handover if handover.parent is not None else None
        self._successors = successors
        self._facts = self._handover.facts if facts is None else facts
        self._cache: dict[str, str] = {}
        self._county = ""

    def agency(self, role: str, anchor: Fact, county: str | None = None) -> str:
        """See Owners."""
        if role == "answerer":
            return self._successors.agency(self._answerer(anchor))
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
            return self._assigned() or county
        return _city(county) if role == "city" else county

    def _latest(self, *names: str) -> Fact | None:
        if len(names) == 1 and self._facts is self._handover.facts:
            return self._handover.latest(names[0])
        return last(fact for fact in self._facts if fact.name in names)

    def _source_of(self, *names: str) -> str | None:
        for name in names:
            fact = self._latest(name)
            if fact is not None:
                return fact.agency
        return None

    def sending(self) -> str:
        """5.1."""
        return self._source_of("release.scheduled", "release.occurred", "release.notice_sent") or self.county()

    def deciding(self) -> str:
        """5.1."""
        return self._source_of("release.decision_effective") or self.county()

    def deliverer(self) -> str:
        """5.1."""
        decision = self._latest("release.decision_effective")
        return (decision.data.get("deliver_by") if decision else None) or self.deciding()

    def county(self) -> str:
        """5.2."""
        self._county = self._county or self._told_county()
        return self._county

    def _told_county(self) -> str:
        known = self._facts if self._facts is not self._handover.facts else self._handover.of(*_NAMES_COUNTY)
        named = [(fact.order, to) for fact in known if (to := _county_named_by(fact)) is not None]
        if named:
            return max(named)[1]
        scheduled, decision = self._latest("release.scheduled"), self._latest("release.decision_effective")
        if scheduled is not None:
            home = scheduled.data.get("intended_code") or scheduled.data["home_code"]
            return f"COUNTY_JUSTICE-{home[:6]}-01"
        if decision is not None:
            return f"COUNTY_JUSTICE-{decision.data['execution_place'][:6]}-01"
        return self._facts[0].agency if self._facts else ""

    def _assigned(self) -> str | None:
        assigned, arrived = self._latest("intake.assigned"), self._latest("intake.transfer_arrived")
        if assigned is None or (arrived is not None and assigned.time < arrived.time):
            return None
        return str(assigned.data["town_agency"])

    def town(self) -> str:
        """5.2."""
        return self._assigned() or self.county()

    def city(self) -> str:
        """5.2."""
        return _city(self.county())

    def old_county(self) -> str:
        """5.2: of the transfer."""
        return self._of_transfer("from_agency")

    def new_county(self) -> str:
        """5.2: of the transfer."""
        return self._of_transfer("to_agency")

    def _of_transfer(self, field: str) -> str:
        decided = (self._transfer or self._handover).latest("intake.transfer_decided")
        return str(decided.data[field]) if decided else self.county()

    def _answerer(self, anchor: Fact) -> str:
        referral = last(
            fact
            for fact in self._handover.of("intake.help_referred")
            if fact.data["referral_id"] == anchor.data.get("referral_id")
        )
        return str(referral.data["to_agency"]) if referral else anchor.agency


def _city(county: str) -> str:
    return f"CITY_JUSTICE-{code_of(county)[:4]}00-01"


def _county_named_by(fact: Fact) -> str | None:
    if fact.name == "intake.transfer_arrived" or fact.name in _TO_COUNTY:
        return str(fact.data["to_agency"])
    if fact.name == "intake.acknowledged" and type_of(fact.agency) == "COUNTY_JUSTICE":
        return fact.agency
    return None


_ROLES: Mapping[str, Callable[[HandoverOwners], str]] = {
    "sending": HandoverOwners.sending,
    "deciding": HandoverOwners.deciding,
    "deliverer": HandoverOwners.deliverer,
    "county": HandoverOwners.county,
    "town": HandoverOwners.town,
    "city": HandoverOwners.city,
    "old_county": HandoverOwners.old_county,
    "new_county": HandoverOwners.new_county,
    "publisher": HandoverOwners.sending,
    "committee": HandoverOwners.county,
    "platform": lambda _: PLATFORM,
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


def before(facts: Sequence[Fact], at: datetime) -> list[Fact]:
    """The facts that happened before an instant."""
    return [fact for fact in facts if fact.time < at]
