"""What the page and the API of a person share."""

from console.audit import log as audit
from console.people import query as people
from console.web.request import Visitor


def record_read(visitor: Visitor, found: people.Person) -> None:
    """Keep in the audit that somebody read a person's page."""
    persons = [(found.subject, found.handovers[-1]["jurisdiction"])]
    audit.record(visitor.site, visitor.user, "read", persons=persons, about=f"/people/{found.subject}")
