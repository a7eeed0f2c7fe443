"""The one place that says who sees which rows and who may do what; pages name their roles. What is not named is denied."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self, cast

from sqlalchemy import ColumnElement, FromClause, and_, false, or_

from handover.rules.policy import Policies
from schemas.authority import may_act
from sinks.readmodel.sealing import is_sealed

Role = Literal[
    "township", "county", "city", "province", "prison", "procurator", "platform", "rules", "auditor"
]  # fmt: skip
ROLES: tuple[Role, ...] = (
    "township", "county", "city", "province", "prison", "procurator", "platform", "rules", "auditor",
)  # fmt: skip

OFFICES: tuple[Role, ...] = ("township", "county", "city", "province", "prison", "procurator")  # that see persons

_OWN = frozenset(("acknowledge", "unacknowledge", "comment", "reveal"))
_TOWNSHIP = _OWN | {"snooze", "resume", "record"}
_COUNTY = _TOWNSHIP | {"assign", "contest"}
_CITY = _COUNTY | {"waive", "reopen", "decide", "share_view"}
ACTIONS: Mapping[Role, frozenset[str]] = {
    "township": _TOWNSHIP,
    "county": _COUNTY,
    "city": _CITY,
    "province": _CITY | {"propose_rules"},
    "prison": _OWN | {"record"},
    "procurator": frozenset(),
    "platform": frozenset(("redrive", "drop", "manage_users")),
    "rules": frozenset(("propose_rules", "approve_rules")),
    "auditor": frozenset(),
}

# Who sees no sealed file, but what they owe themselves: all that are neither the owning county or town nor a deciding organ.
SEALED_FROM: frozenset[Role] = frozenset(("city", "province", "procurator", "platform", "rules", "auditor"))
_ON_ALERTS = _CITY - {"reveal", "record", "share_view"}
_ON_OWN = _COUNTY - {"reveal", "record"}  # what township, county and prison do to their own obligations only

_OF_COUNTY = frozenset(
    ("COUNTY_JUSTICE", "TOWN_JUSTICE", "MEDIATION")
)  # silent, they leave other counties' lists whole
_BELOW_COUNTY = _OF_COUNTY | {"LEGAL_AID"}  # whose ladders lead to the county's office of justice
_PROVINCE_STEP = 3  # of the ladder: from here on the province is told
_PRISON_TOPICS = ("reentry.release.v1", "reentry.intake.v1")
_ALL_TOPICS = (
    *_PRISON_TOPICS,
    "reentry.checkin.v1",
    "reentry.dispute.v1",
    "reentry.work.v1",
    "reentry.action.v1",
    "reentry.system.v1",
)

Condition = tuple[str, Literal["under", "is", "in", "not_in", "from"], Any]
Rows = tuple[tuple[Condition, ...], ...]  # any of these, all conditions of one


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom the rule book shows alerts to, beside the justice offices of the place: ids of rules."""

    procurator: tuple[str, ...]
    platform: tuple[str, ...]
    not_owner: tuple[str, ...]  # of these, whoever owes sees nothing by owing

    @classmethod
    def of(cls, policies: Policies) -> Self:
        """What a book says (`shown_to`)."""
        shown = policies.list_shown_to
        return cls(shown("procurator"), shown("platform"), policies.list_hidden_from_owner())


@dataclass(frozen=True, slots=True)
class Scope:
    """What one user sees and may do: conditions on rows, read once as SQL and once on a row in hand.

    Without an audience, roles that see rows by their rules see none.
    """

    role: Role
    agency: str
    prefix: str
    audience: Audience | None = None

    @property
    def obligations(self) -> Rows:
        """Alerts and obligations."""
        place: Condition = ("jurisdiction", "under", self.prefix)
        own: Condition = ("owner_agency", "is", self.agency)
        match self.role:
            case "township" | "county" | "city":
                return (place,), (own,)
            case "province":
                objection: Condition = (
                    "contest",
                    "is",
                    "open",
                )  # to what a city owes: only the province may decide on it
                of_city: Condition = ("owner_agency", "under", "CITY_JUSTICE-")
                return (place, ("step", "from", _PROVINCE_STEP)), (place, objection, of_city)
            case "prison" | "procurator" | "platform":
                return self._by_rule(place, own)
            case "rules" | "auditor":
                return ()

    def _by_rule(self, place: Condition, own: Condition) -> Rows:
        """What the rule book shows to a role that is no justice office: what it owes, and what names it."""
        if self.audience is None:
            return ()
        owed: tuple[Condition, ...] = (own, ("rule_id", "not_in", self.audience.not_owner))
        match self.role:
            case "procurator":
                return owed, (place, ("rule_id", "in", self.audience.procurator))
            case "platform":
                return owed, (("rule_id", "in", self.audience.platform),)
            case _:
                return (owed,)

    @property
    def handovers(self) -> Rows:
        """Handovers of persons. The province sees a person only by an escalated alert: see `people` of console/people/query.py."""
        match self.role:
            case "township" | "county" | "city" | "procurator":
                return ((("jurisdiction", "under", self.prefix),),)
            case "prison":
                return ((("sending", "is", self.agency),),)
            case "province" | "platform" | "rules" | "auditor":
                return ()

    @property
    def disputes(self) -> Rows:
        """Cases of disputes, whether or not anybody owes anything for them."""
        if self.role in ("township", "county", "city"):
            return ((("kind", "is", "DISPUTE"), ("jurisdiction", "under", self.prefix)),)
        return ()

    @property
    def topics(self) -> tuple[str, ...]:
        """Topics whose events may be shown."""
        return _PRISON_TOPICS if self.role == "prison" else _ALL_TOPICS

    def depends_on(self, source: str) -> bool:
        """Whether a publisher's silence makes this user's lists doubtful: those below, and the city's prisons and courts."""
        agency = source.removeprefix("/agencies/").partition("/")[0]
        code = _code(agency)
        match self.role:
            case "township" | "county":
                of_city = agency.partition("-")[0] not in _OF_COUNTY and code[:4] == self.prefix[:4]
                return of_city or code.startswith(self.prefix[:6])
            case "city" | "province" | "procurator":
                return code.startswith(self.prefix)
            case "prison":
                return agency == self.agency
            case "platform":
                return True
            case "rules" | "auditor":
                return False

    @property
    def actions(self) -> frozenset[str]:
        """Actions that are allowed at all."""
        return ACTIONS[self.role]

    def may(self, action: str, row: Mapping[str, object] | None = None) -> bool:
        """Whether an action is allowed, on a row if one is given: who does not decide for a city acts on what is its own."""
        if action not in ACTIONS[self.role]:
            return False
        if row is None:
            return True
        if not self.sees(row) or (action in _ON_ALERTS and not self._has_authority(action, row)):
            return False
        if self.role not in ("township", "county", "prison"):
            return True
        owner = str(row["owner_agency"])
        if action == "record":
            return owner == self.agency or (self.role == "county" and _code(owner).startswith(self.prefix))
        return action not in _ON_OWN or self._owes(owner)

    def _owes(self, owner: str) -> bool:
        """Whether an owner is this office, or one below a county whose obligations its ladder brings here."""
        if owner == self.agency:
            return True
        below = owner.partition("-")[0] in _BELOW_COUNTY and _code(owner).startswith(self.prefix)
        return self.role == "county" and self.prefix != "" and below

    def _has_authority(self, action: str, row: Mapping[str, object]) -> bool:
        """Whether a worker would hear it from this user's agency."""
        fact = "action.contest_decided" if action == "decide" else f"action.{action}"
        return may_act(self.agency, fact, str(row["owner_agency"]), str(row["jurisdiction"]))

    def sees(self, row: Mapping[str, object]) -> bool:
        """Whether a row of alerts or obligations is in scope."""
        return meets_any(self.obligations, row)

    def filter_obligations(self, table: FromClause) -> ColumnElement[bool]:
        """The filter on a table of alerts or obligations."""
        open_to_me = as_sql(self.obligations, table)
        if self.role not in SEALED_FROM:
            return open_to_me
        return and_(open_to_me, or_(~is_sealed(table.c.subject), table.c.owner_agency == self.agency))

    def filter_handovers(self, table: FromClause) -> ColumnElement[bool]:
        """The filter on the table of handovers."""
        open_to_me = as_sql(self.handovers, table)
        return and_(open_to_me, ~is_sealed(table.c.subject)) if self.role in SEALED_FROM else open_to_me

    def filter_sealed(self, table: FromClause) -> ColumnElement[bool]:
        """Rows of handovers that lie in scope and are sealed from this user: counted, never shown."""
        place: Rows = ((("jurisdiction", "under", self.prefix),),)
        return and_(as_sql(place, table), is_sealed(table.c.subject)) if self.role in SEALED_FROM else false()

    def is_sealed_from(self, row: Mapping[str, object], *, sealed: bool) -> bool:
        """Whether a row in hand, whose person's file is sealed or not, may not be shown to this user."""
        return sealed and self.role in SEALED_FROM and row.get("owner_agency") != self.agency


def _code(agency: str) -> str:
    parts = agency.split("-")
    return parts[1] if len(parts) == 3 else ""


def meets_any(rows: Rows, row: Mapping[str, object]) -> bool:
    """Whether a row meets the conditions; a column that it does not have meets none."""
    return any(all(_meets_one(row.get(name), how, wanted) for name, how, wanted in one) for one in rows)


def _meets_one(value: Any, how: str, wanted: Any) -> bool:
    if value is None or wanted == "":
        return False
    match how:
        case "under":
            return str(value).startswith(wanted)
        case "is":
            return bool(value == wanted)
        case "in":
            return value in wanted
        case "not_in":
            return value not in wanted
        case _:
            return bool(value >= wanted)


def as_sql(rows: Rows, table: FromClause) -> ColumnElement[bool]:
    """The same conditions for the database."""
    return or_(false(), *(and_(*(_condition(table, *one) for one in all_of)) for all_of in rows))


def _condition(table: FromClause, name: str, how: str, wanted: Any) -> ColumnElement[bool]:
    if name not in table.c or wanted == "":
        return false()
    column: ColumnElement[Any] = table.c[name]
    match how:
        case "under":
            return under(column, wanted)
        case "is":
            return cast("ColumnElement[bool]", column == wanted)
        case "in":
            return column.in_(wanted)
        case "not_in":
            return column.not_in(wanted)
        case _:
            return cast("ColumnElement[bool]", column >= wanted)


def under(column: ColumnElement[Any], prefix: str) -> ColumnElement[bool]:
    """Codes that begin with a prefix, as a range that an index serves in every collation."""
    above = prefix[:-1] + ("A" if prefix[-1] == "9" else chr(ord(prefix[-1]) + 1))
    return and_(column >= prefix, column < above)
