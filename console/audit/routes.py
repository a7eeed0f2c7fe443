"""/audit: who saw whom, and why? For the auditor, who sees no person's page, and for the procurator within the prefix."""

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from console.audit import query as audit_query
from console.audit.log import ACTIONS, PURPOSES
from console.audit.query import AuditQuery
from console.audit.service import CHECKED, read_page, record_search
from console.audit.verification import Finding, check
from console.db.rows import AuditRow, AuditRowOfPersons
from console.text.formatter import Words
from console.web.request import Visitor, page, render
from sinks.readmodel.dialect import read_snapshot

router = APIRouter()
_FLAGS, _PERSONS = 5, 3


@router.get("/audit")
def list_records(request: Request, visitor: Annotated[Visitor, Depends(page("audit"))]) -> Response:
    """Records, the newest first; ?person=&by=&action=&before=."""
    asked, site, words = AuditQuery.read(request.query_params), visitor.site, visitor.words
    record_search(visitor, asked)
    rows, more = read_page(visitor, asked)
    with read_snapshot(site.engine) as connection:
        checked = check(connection, site.config.audit_key, CHECKED)
        flags = audit_query.read_unusual(connection, visitor.scope, _FLAGS)
        total, _ = audit_query.read_head(connection)
    filters = {"person": asked.person, "by": asked.by, "action": asked.action}
    given = {name: value for name, value in filters.items() if value}
    return render(
        visitor,
        "audit.html",
        rows=[_present_record(visitor, row) for row in rows],
        asked=filters,
        actions=ACTIONS,
        flags=[_present_flag(words, one) for one in flags],
        broken=[_describe_finding(words, one) for one in checked.findings],
        checked=checked.count,
        total=total,
        sealed=site.config.audit_key is not None,
        following=f"/audit?{urlencode({**given, 'before': rows[-1]['number']})}" if more else "",
        export=f"/audit/export?{urlencode(given)}",
    )


def _present_record(visitor: Visitor, row: AuditRowOfPersons) -> dict[str, Any]:
    words, persons = visitor.words, row["persons"]
    linked = "people" in visitor.pages
    return {
        "number": row["number"],
        "at": words.log_at(row["at"]),
        "iso": words.iso(row["at"]),
        "login": row["login"] or words.t("audit.nobody"),
        "office": words.agency(row["agency"]) if row["agency"] else "",
        "role": words.t(f"role.{row['role']}") if row["role"] else "",
        "action": words.t(f"audit.action.{row['action']}"),
        "persons": [
            {"ref": one, "shown": words.person(one), "href": f"/people/{one}" if linked else ""}
            for one in persons[:_PERSONS]
        ],
        "others": max(0, len(persons) - _PERSONS),
        "purpose": words.t(f"reveal.purpose.{row['purpose']}") if row["purpose"] in PURPOSES else row["purpose"],
        "about": _hide_person(words, row["about"]),
        "flag": row["action"] == "bulk_read",
    }


def _hide_person(words: Words, about: str) -> str:
    """Where it was, without what would tell who: a reference stands in the column of persons, cut short."""
    path, _, query = about.partition("?")
    parts = path.strip("/").split("/")
    if len(parts) > 1 and parts[0] in ("alerts", "people"):
        kept = words.alert_no(parts[1]) if parts[0] == "alerts" else words.person(parts[1])
        return "/".join(["", parts[0], kept, *parts[2:]])
    return f"{path}?…" if query else path


def _present_flag(words: Words, row: AuditRow) -> dict[str, Any]:
    told = row["details"]
    values = {"by": row["login"], "office": words.agency(row["agency"]), "at": words.at(row["at"])}
    return {
        "line": words.t("audit.flag.line", n=told["persons"], limit=told["limit"], **values),
        "href": f"/audit?{urlencode({'by': row['login']})}",
    }


def _describe_finding(words: Words, finding: Finding) -> str:
    if finding.what in ("head", "unsealed", "count"):
        return words.t(f"audit.found.{finding.what}", first=finding.first, last=finding.last)
    numbers = f"{finding.first}–{finding.last}" if finding.first != finding.last else str(finding.first)
    return words.t(f"audit.found.{finding.what}", numbers=numbers)
