"""Every figure of a place and month, in the order in which they are shown."""

from sqlalchemy import Connection

from console.reports import (
    aftercare,
    alarms,
    contact,
    disputes,
    education,
    help_given,
    load,
    monitoring,
    obligations,
    publishers,
    reconciliation,
    reoffending,
    work_held,
)
from console.reports.indicator import Indicator, IndicatorPart
from console.reports.obligation_base import ObligationBase
from console.reports.person_base import PersonBase
from console.reports.releases_and_returns import ReleasesAndReturns
from console.reports.stages import KINDS
from handover.rules.rulebook import RuleBook

HIDDEN_FROM_STRANGERS = 5  # fewer are not told to who sees no rows
NAMES = (
    "on_time", "answer_time", "overdue", "due_soon", "key_releases", "today_no_receiver", "registered", "handed_over", "helped", "settled",
    "employment", "legal_aid", "legal_aid_in_time", "admission_education", "made_up", "release_education", "notice_lead", "returns",
    "dates_moved", "check_ins", "alarms", "em_over", "out_of_contact", "found_again", "reoffended_12", "reoffended_36", "reoffended_60",
    "reoffended_by_county", "reoffence_open", "works_held", "screening", "disputes_found", "disputes_accepted", "disputes_solved_closed",
    "disputes_solved_found", "disputes_time", "disputes_overdue", "disputes_moved", "disputes_special", "stock", "load", "publishers",
)  # fmt: skip


def compute_indicators(
    connection: Connection, ground: ObligationBase, book: RuleBook, prefix: str, kind: str
) -> list[Indicator]:
    """All of them; disputes and publishers only where no kind of handover is asked for."""
    assert ground.month is not None
    kinds = KINDS.get(kind, ())
    known = PersonBase(connection, book, prefix, kinds, ground.month, ground.at)
    found = {
        figure.name: figure
        for figure in (
            *obligations.compute(connection, ground, book, prefix, kinds),
            *ReleasesAndReturns(known).compute(),
            *aftercare.compute(known),
            *help_given.compute(known, ground),
            *education.compute(known),
            *contact.compute(known),
            alarms.compute(known),
            monitoring.compute(known),
            *reoffending.compute(known),
            reconciliation.compute(known),
            load.compute(known),
            *([] if kinds else [*disputes.compute(known), *work_held.compute(known)]),
            *([] if kinds else [publishers.compute(connection, book, ground.month, ground.at, prefix)]),
        )
    }
    return [found[name] for name in NAMES if name in found]


def is_too_few(figure: Indicator) -> bool:
    """Whether a figure says too much to who may not see its rows: of few people or disputes, however often it counts each."""
    counted = figure.bottom if figure.bottom is not None else figure.top
    size = len({row.subject for row in figure.rows}) or counted or 0
    return 0 < size < HIDDEN_FROM_STRANGERS


def is_about_few(part: IndicatorPart) -> bool:
    """The same of a part."""
    return 0 < part.people < HIDDEN_FROM_STRANGERS
