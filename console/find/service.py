"""What a search shows, and the audit record of whom it showed."""

from typing import Any

from console.audit import log as audit
from console.find.hits import list_subjects, present_alert, present_owner, present_subject
from console.find.query import find
from console.queue.query import Moment
from console.queue.snoozes import read_snoozes
from console.web.request import Visitor

LONGEST = 64


def search(visitor: Visitor, text: str) -> dict[str, Any]:
    """Everything in scope that a text names, in words; who was shown is kept in the audit."""
    site, scope, words = visitor.site, visitor.scope, visitor.words
    moment = Moment.now_at(site)
    with site.engine.connect() as connection:
        found = find(connection, scope, text[:LONGEST], site.book, words.list_office_types)
        snoozes = read_snoozes(connection, list_subjects(found), moment.now)
    persons = [(one.subject, one.handovers[-1]["jurisdiction"]) for one in found.subjects if one.handovers]
    owed = [row for one in found.subjects for row in one.owed]
    audit.record_list(visitor, sorted({*persons, *audit.list_persons([*owed, *found.alerts])}))
    people = "people" in visitor.pages
    return {
        "n": found.count,
        "more": found.more,
        "wrong_check": found.wrong_check,
        "subjects": [present_subject(words, one, moment, snoozes) for one in found.subjects],
        "alerts": [present_alert(words, one, moment, snoozes) for one in found.alerts],
        "offices": [present_owner(words, one, office=True, people=people) for one in found.offices],
        "places": [present_owner(words, one, office=False, people=people) for one in found.places],
        "rules": [{"id": one, "name": words.rule(one), "href": f"/today?rule={one}"} for one in found.rules],
    }
