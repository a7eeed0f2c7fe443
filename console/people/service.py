"""What the page and the API of a person share."""

from console.audit import log as audit
from console.auth.sealed_files import find_sealed_place
from console.people import query as people
from console.web.request import NotAllowed, NotFound, Visitor


def record_read(visitor: Visitor, found: people.Person) -> None:
    """Keep in the audit that somebody read a person's page."""
    persons = [(found.subject, found.handovers[-1]["jurisdiction"])]
    audit.record(visitor.site, visitor.user, "read", persons=persons, about=f"/people/{found.subject}")


def refuse_person(visitor: Visitor, subject: str) -> NotAllowed | NotFound:
    """Why a person is not shown. That a sealed file was asked for is kept in the audit."""
    with visitor.site.engine.connect() as connection:
        place = find_sealed_place(connection, visitor.scope, subject)
    if place is None:
        return NotFound()
    details = {"refused": "sealed"}
    audit.record(
        visitor.site, visitor.user, "refused", persons=[(subject, place)], about=f"/people/{subject}", details=details
    )
    return NotAllowed("sealed")
