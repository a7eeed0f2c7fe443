"""What the authority of an action is judged by."""

from handover.facts.fact import Fact

ActionKey = tuple[str, str, str, str]  # source, id, fact, alert: all that authority depends on


def key_of(action: Fact) -> ActionKey:
    """What an action is judged by: another copy of the same event may name another alert."""
    return (action.source, action.id, action.name, alert_of(action))


def alert_of(action: Fact) -> str:
    """The alert that an action names; a publisher may write an identifier in capitals."""
    return str(action.data.get("alert_id")).lower()
