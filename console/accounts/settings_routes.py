"""/settings: my view, and who am I? Saved views are kept here, too."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from console.auth.users import set_preferences
from console.queue import saved_views
from console.text.i18n import LANGUAGES, Language
from console.web.forms import InvalidForm, describe_errors
from console.web.request import LANGUAGE_COOKIE, Form, NotAllowed, Visitor, any_user, form, redirect, render

router = APIRouter()


@router.get("/settings")
def show_settings(request: Request, visitor: Annotated[Visitor, Depends(any_user)]) -> Response:
    """Who I am, what I may do, my language and shortcuts, my saved views."""
    with visitor.site.engine.connect() as connection:
        saved = saved_views.list_views(connection, visitor.user)
    mine = [one for one in saved if one["user_id"] == visitor.user.user_id]
    return render(visitor, "settings.html", saved=mine, done="saved" in request.query_params)


@router.post("/settings")
def save_settings(sent: Annotated[Form, Depends(form("login"))]) -> Response:
    """Keep my language and whether single keys are shortcuts."""
    language: Language | None = found if (found := sent["language"]) in LANGUAGES else None
    set_preferences(sent.visitor.site.engine, sent.visitor.user.user_id, language=language, keys=sent["keys"] == "on")
    answer = redirect("/settings?saved=1")
    answer.delete_cookie(LANGUAGE_COOKIE, path="/")
    return answer


@router.post("/views")
def save_view(sent: Annotated[Form, Depends(form("today"))]) -> Response:
    """Save the queue's filters under a name: for me, my office, or everyone where the role may."""
    visitor, back = sent.visitor, f"/today?{sent['query']}"
    if sent["shared"] == "everyone" and not visitor.may("share_view"):
        raise NotAllowed("share_view")
    try:
        saved_views.save_view(visitor.site.engine, visitor.user, sent["name"], sent["shared"], sent["query"])
    except InvalidForm as invalid:
        t = visitor.words.t
        what = " ".join(describe_errors(visitor.words, invalid.errors).values())
        page = {
            "title": t("view.not_saved"),
            "what": what,
            "safe": "",
            "typed": {},
            "to": back,
            "todo": t("view.back"),
            "code": "",
        }
        return render(visitor, "problem.html", status=422, **page)
    return redirect(back)


@router.post("/views/{view_id}/remove")
def remove_view(view_id: str, sent: Annotated[Form, Depends(form("today"))]) -> Response:
    """Forget one of my views."""
    saved_views.remove_view(sent.visitor.site.engine, sent.visitor.user, view_id)
    return redirect("/settings")
