"""Showing a name and printing a page: both are kept in the audit first."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import JSONResponse, Response

from console.alerts.query import find_row
from console.audit import log as audit
from console.audit.log import PERSON, PURPOSES
from console.people import query as people
from console.web.request import BadForm, Form, NotAllowed, NotFound, Visitor, form, redirect
from console.web.security import own_path

router = APIRouter()


@router.post("/people/{person_ref}/reveal")
def reveal_name(person_ref: str, sent: Annotated[Form, Depends(form("people"))]) -> Response:
    """Let the page ask the office's name service for five minutes. Where none is configured there is nothing to be shown."""
    visitor, purpose = sent.visitor, sent["purpose"]
    with visitor.site.engine.connect() as connection:
        found = people.find_person(connection, visitor.scope, person_ref)
    if found is None:
        raise NotFound
    if not visitor.may("reveal"):
        raise NotAllowed("reveal")
    if purpose not in PURPOSES or not visitor.site.config.names_url:
        raise BadForm
    persons = [(found.subject, found.handovers[-1]["jurisdiction"])]
    audit.record(
        visitor.site, visitor.user, "reveal", persons=persons, about=f"/people/{found.subject}", purpose=purpose
    )
    return redirect(f"/people/{found.subject}")


@router.post("/prints")
def record_print(sent: Annotated[Form, Depends(form("login"))]) -> Response:
    """Keep that a page is printed, and say the number that the paper carries."""
    visitor, path = sent.visitor, own_path(sent["page"])
    number = audit.record(visitor.site, visitor.user, "print", persons=_list_persons(visitor, path), about=path)
    return JSONResponse({"number": number, "text": visitor.words.t("print.number", number=number)})


def _list_persons(visitor: Visitor, path: str) -> list[tuple[str, str]]:
    """Whose page it is; nobody's where it is not in scope."""
    kind, _, of = path.partition("?")[0].strip("/").partition("/")
    with visitor.site.engine.connect() as connection:
        if kind == "people" and of and "people" in visitor.pages:
            one = people.find_person(connection, visitor.scope, of)
            return [(one.subject, one.handovers[-1]["jurisdiction"])] if one is not None else []
        row = find_row(connection, visitor.scope, of) if kind == "alerts" and of else None
        return [(row["subject"], row["jurisdiction"])] if row and str(row["subject"]).startswith(PERSON) else []
