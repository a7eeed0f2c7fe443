"""What the page and the API of the audit share: a page of records, and the record of having looked."""

from collections.abc import Sequence
from urllib.parse import urlencode

from console.audit import log as audit
from console.audit import query as audit_query
from console.audit.query import AuditQuery
from console.db.rows import AuditRowOfPersons
from console.web.request import Visitor

CHECKED = 1000  # records that the page itself checks; all of them: `handover audit verify`


def record_search(visitor: Visitor, asked: AuditQuery) -> None:
    """Keep in the audit who looked for whom in it."""
    given = {"person": asked.person, "by": asked.by, "action": asked.action}
    query = urlencode({name: value for name, value in given.items() if value})
    audit.record(visitor.site, visitor.user, "read", about=f"/audit?{query}" if query else "/audit")


def read_page(visitor: Visitor, asked: AuditQuery) -> tuple[Sequence[AuditRowOfPersons], bool]:
    """The records in scope that an address asks for, a page of them, and whether there are more."""
    most = visitor.site.config.page_rows
    with visitor.site.engine.connect() as connection:
        rows = audit_query.read_records(connection, visitor.scope, asked, most + 1)
    return rows[:most], len(rows) > most
