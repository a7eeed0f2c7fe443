"""/audit: who saw whom, and why? For the auditor, who sees no person's page, and for the procurator within the prefix."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel
from starlette.responses import Response

from console.api import alerts
from console.audit import log as audit
from console.audit import query as audited
from console.audit.log import ACTIONS
from console.audit.query import Asked
from console.audit.verification import Finding, check
from console.people.name_reveal import PURPOSES
from console.text.formatter import Words
from console.web.request import Visitor, page, render
from sinks.readmodel.dialect import read_snapshot

router = APIRouter()
CHECKED = 1000  # records that the page itself checks; all of them: `handover audit verify`
_FLAGS, _PERSONS = 5, 3


@router.get("/audit")
def listing(request: Request, visitor: Annotated[Visitor, Depends(page("audit"))]) -> Response:
    """Records, the newest first; ?person=&by=&action=&before=."""
    asked, site, words = Asked.read(request.query_params), visitor.site, visitor.words
    _tell(visitor, asked)
    rows, more = _read(visitor, asked)
    with read_snapshot(site.engine) as connection:
        checked = check(connection, site.config.audit_key, CHECKED)
        flags = audited.unusual(connection, visitor.scope, _FLAGS)
        total, _ = audited.head(connection)
    filters = {"person": asked.person, "by": asked.by, "action": asked.action}
    given = {name: value for name, value in filters.items() if value}
    return render(
        visitor,
        "audit.html",
        rows=[_shown(visitor, row) for row in rows],
        asked=filters,
        actions=ACTIONS,
        flags=[_flag(words, one) for one in flags],
        broken=[_found(words, one) for one in checked.findings],
        checked=checked.count,
        total=total,
        sealed=site.config.audit_key is not None,
        following=f"/audit?{urlencode({**given, 'before': rows[-1]['number']})}" if more else "",
        export=f"/audit/export?{urlencode(given)}",
    )


def _tell(visitor: Visitor, asked: Asked) -> None:
    given = {"person": asked.person, "by": asked.by, "action": asked.action}
    query = urlencode({name: value for name, value in given.items() if value})
    audit.record(visitor.site, visitor.user, "read", about=f"/audit?{query}" if query else "/audit")


def _read(visitor: Visitor, asked: Asked) -> tuple[Sequence[Mapping[str, Any]], bool]:
    most = visitor.site.config.page_rows
    with visitor.site.engine.connect() as connection:
        rows = audited.records(connection, visitor.scope, asked, most + 1)
    return rows[:most], len(rows) > most


def _shown(visitor: Visitor, row: Mapping[str, Any]) -> dict[str, Any]:
    words, persons = visitor.words, row["persons"]
    linked = "people" in visitor.scope.pages
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
        "about": _about(words, row["about"]),
        "flag": row["action"] == "bulk_read",
    }


def _about(words: Words, about: str) -> str:
    """Where it was, without what would tell who: a reference stands in the column of persons, cut short."""
    path, _, query = about.partition("?")
    parts = path.strip("/").split("/")
    if len(parts) > 1 and parts[0] in ("alerts", "people"):
        kept = words.alert_no(parts[1]) if parts[0] == "alerts" else words.person(parts[1])
        return "/".join(["", parts[0], kept, *parts[2:]])
    return f"{path}?…" if query else path


def _flag(words: Words, row: Mapping[str, Any]) -> dict[str, Any]:
    told = row["details"]
    values = {"by": row["login"], "office": words.agency(row["agency"]), "at": words.at(row["at"])}
    return {
        "line": words.t("audit.flag.line", n=told["persons"], limit=told["limit"], **values),
        "href": f"/audit?{urlencode({'by': row['login']})}",
    }


def _found(words: Words, finding: Finding) -> str:
    if finding.what in ("head", "unsealed", "count"):
        return words.t(f"audit.found.{finding.what}", first=finding.first, last=finding.last)
    numbers = f"{finding.first}–{finding.last}" if finding.first != finding.last else str(finding.first)
    return words.t(f"audit.found.{finding.what}", numbers=numbers)


# --- the same as JSON


class Record(BaseModel):
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


class Records(BaseModel):
    """Records, the newest first; `before` goes on from there."""

    records: list[Record]
    before: int | None
    total: int
    findings: list[str]


@alerts.router.get("/audit", responses={code: alerts.ERRORS[code] for code in (401, 403)})
def as_json(
    request: Request,
    visitor: Annotated[Visitor, Depends(page("audit"))],
    person: Annotated[str, Query(max_length=64, description="a reference or its beginning")] = "",
    by: Annotated[str, Query(max_length=64, description="a login name")] = "",
    action: Annotated[str, Query(max_length=64, description=", ".join(ACTIONS))] = "",
    before: Annotated[str, Query(max_length=18, description="only records below this number")] = "",
) -> Records:
    """Who saw whom and why; whether the last records still fit together."""
    asked = Asked.read({"person": person, "by": by, "action": action, "before": before})
    _tell(visitor, asked)
    rows, more = _read(visitor, asked)
    with read_snapshot(visitor.site.engine) as connection:
        checked = check(connection, visitor.site.config.audit_key, CHECKED)
        total, _ = audited.head(connection)
    return Records(
        records=[Record.model_validate(row) for row in rows],
        before=rows[-1]["number"] if more else None,
        total=total,
        findings=[str(one) for one in checked.findings],
    )
