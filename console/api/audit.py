"""/api/v1/audit: who saw whom, and why, with the same scope as the page."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel

from console.api.answers import ERRORS, PREFIX
from console.audit import query as audit_query
from console.audit.log import ACTIONS
from console.audit.query import AuditQuery
from console.audit.service import CHECKED, read_page, record_search
from console.audit.verification import check
from console.web.request import Visitor, page
from sinks.readmodel.dialect import read_snapshot

router = APIRouter(prefix=PREFIX, tags=["console"])


class AuditItem(BaseModel):
    """One record of the audit; `persons` are those within the prefix."""

    number: int
    at: datetime
    login: str
    role: str
    agency: str
    action: str
    about: str
    purpose: str
    details: dict[str, Any]
    persons: list[str]
    previous: str
    hash: str


class AuditPage(BaseModel):
    """Records, the newest first; `before` goes on from there."""

    records: list[AuditItem]
    before: int | None
    total: int
    findings: list[str]


@router.get("/audit", responses={code: ERRORS[code] for code in (401, 403)})
def as_json(
    request: Request,
    visitor: Annotated[Visitor, Depends(page("audit"))],
    person: Annotated[str, Query(max_length=64, description="a reference or its beginning")] = "",
    by: Annotated[str, Query(max_length=64, description="a login name")] = "",
    action: Annotated[str, Query(max_length=64, description=", ".join(ACTIONS))] = "",
    before: Annotated[str, Query(max_length=18, description="only records below this number")] = "",
) -> AuditPage:
    """Who saw whom and why; whether the last records still fit together."""
    asked = AuditQuery.read({"person": person, "by": by, "action": action, "before": before})
    record_search(visitor, asked)
    rows, more = read_page(visitor, asked)
    with read_snapshot(visitor.site.engine) as connection:
        checked = check(connection, visitor.site.config.audit_key, CHECKED)
        total, _ = audit_query.read_head(connection)
    return AuditPage(
        records=[AuditItem.model_validate(row) for row in rows],
        before=rows[-1]["number"] if more else None,
        total=total,
        findings=[str(one) for one in checked.findings],
    )
