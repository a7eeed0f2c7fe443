"""Legal aid from the application to the lawyer, and work found, from the facts that offices and agencies told."""

from collections.abc import Sequence

from sqlalchemy import case, func, select

from console.reports.events import Home
from console.reports.indicator import DrillDownRow, Indicator, IndicatorPart, make_share
from console.reports.obligation_base import ObligationBase, ObligationFilter
from console.reports.person_base import PersonBase
from handover.facts.fact import Fact

_ASKED, _ANSWERED = "intake.help_referred", "intake.help_answered"
_ASSIGNED = ("ASSIGNED", "COMPLETED")
_WORK = "legal_aid"
SPECIAL = "special"


def compute(known: PersonBase, ground: ObligationBase) -> list[Indicator]:
    """Legal aid asked for, legal aid in time, work found."""
    return [_compute_legal_aid(known), _compute_in_time(known, ground), _compute_employment(known)]


def _compute_legal_aid(known: PersonBase) -> Indicator:
    """Denominator: applications of the month; numerator: decided. By all and key persons: asked, decided, assigned."""
    month = known.month
    asked = [
        (one, home)
        for one, home in known.read_events((_ASKED,), month.begins, month.ends)
        if one.data["kind"] == "LEGAL_AID"
    ]
    outcomes: dict[tuple[str, str], set[str]] = {}
    for one, _ in known.read_all((_ANSWERED,)):
        outcomes.setdefault((one.subject, one.data["referral_id"]), set()).add(one.data["outcome"])

    def list_outcomes(one: Fact) -> set[str]:
        return outcomes.get((one.subject, one.data["referral_id"]), set())

    def count(name: str, own: Sequence[tuple[Fact, Home]]) -> IndicatorPart:
        assigned = sum(not list_outcomes(one).isdisjoint(_ASSIGNED) for one, _ in own)
        values = {"asked": len(own), "decided": sum(bool(list_outcomes(one)) for one, _ in own), "assigned": assigned}
        return IndicatorPart(name, values, len({one.subject for one, _ in own}))

    special = [(one, home) for one, home in asked if home.key_person]
    parts = [count(name, own) for name, own in (("", asked), (SPECIAL, special)) if own]
    return make_share("legal_aid", [home.row(one, holds=bool(list_outcomes(one))) for one, home in asked], parts)


def _compute_in_time(known: PersonBase, ground: ObligationBase) -> Indicator:
    """Denominator: obligations of legal aid that fell due in the month and count; numerator: answered in time."""
    d, counted = ground.rows(), known.book.policies.works.list_counted(_WORK)
    wanted = ObligationFilter(None, known.prefix, known.kinds, counted)
    in_time = func.sum(case((d.c.standing == "in_time", 1), else_=0))
    top, bottom = known.connection.execute(
        select(in_time, func.count()).select_from(d).where(ground.result(d, "counted"), wanted.of(d))
    ).one()
    return Indicator("legal_aid_in_time", int(top or 0), bottom, obligations=("counted", (), True), work=_WORK)


def _compute_employment(known: PersonBase) -> Indicator:
    """Denominator: people of open handovers for whom work was asked for; numerator: the agency says since when it is found."""
    still_open = {home.handover_id for home in known.list_open()}
    last: dict[str, DrillDownRow] = {}
    for one, home in known.read_all((_ASKED, _ANSWERED)):
        if one.data["kind"] != "EMPLOYMENT" or home.handover_id not in still_open:
            continue
        before = last.get(one.subject)
        if before is None or not before.holds:
            last[one.subject] = home.row(one, holds=one.data.get("outcome") == "COMPLETED")
    return make_share("employment", list(last.values()))
