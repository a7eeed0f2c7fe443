"""Actions are heard as far as the authority of their agency goes. It is judged once, by the alert as it is when they arrive.

Later changes of the owner change nothing about it, so a case remembers what it decided (`Case.heard`, `Case.refused`).
"""

from collections.abc import Callable, Mapping

from handover.agencies import Successors
from handover.cases.action_key import alert_of, key_of
from handover.cases.case import Case
from handover.facts.fact import Fact, in_order
from handover.ids import alert_id, obligation_id
from handover.obligations.derive import Derived, Slot
from handover.obligations.obligation import Obligation
from schemas.authority import may_act

WITHOUT_AUTHORITY = "source: has no authority over the alert that data.alert_id names"


def hear(case: Case, derived: Derived, successors: Successors, owed: Callable[[], Mapping[Slot, Obligation]]) -> None:
    """Judge the actions that have come since, and leave out of `derived` those without authority.

    `owed`: all obligations at this instant, the answered ones too; asked for only where an alert is not known otherwise.
    """
    told = [action for actions in derived.actions.values() for action in actions]
    new = [action for action in told if (key := key_of(action)) not in case.heard and key not in case.refused]
    places = _places(case, derived.duties, new) if new else {}
    if any(alert_of(action) not in places for action in new):
        places = _places(case, owed(), new)
    for action in in_order(new):
        place = places.get(alert_of(action))
        if place is None:
            case.refused.add(key_of(action))  # nobody has authority over what is not there, now or later
        elif may_act(successors.agency(action.agency), action.name, *place):
            case.heard.add(key_of(action))
        else:
            _refuse(case, action)
    if case.refused:
        left = {
            alert: [one for one in acts if key_of(one) not in case.refused] for alert, acts in derived.actions.items()
        }
        derived.actions = {alert: actions for alert, actions in left.items() if actions}


def _refuse(case: Case, action: Fact) -> None:
    case.refused.add(key_of(action))
    if case.speaks_for(action.subject, action.arrival):  # else the case of another ref tells it
        case.refusals.append(action)


def _places(case: Case, duties: Mapping[Slot, Obligation], actions: list[Fact]) -> dict[str, tuple[str, str]]:
    """Owner and jurisdiction of the alerts that actions name, as far as they are known."""
    wanted = {alert_of(action) for action in actions}
    found: dict[str, tuple[str, str]] = {}
    for slot in (*case.memories, *duties):
        name = alert_id(obligation_id(*slot))
        if name in wanted:
            found[name] = _place(case, slot, duties)
    return found


def _place(case: Case, slot: Slot, duties: Mapping[Slot, Obligation]) -> tuple[str, str]:
    duty = duties.get(slot)
    if duty is not None:
        return duty.owner, duty.jurisdiction
    shown = case.shown.get(slot)
    beside = (one.jurisdiction for other, one in duties.items() if other[0] == slot[0])
    return case.memories[slot].owner, shown.jurisdiction if shown is not None else next(beside, "")
