"""What the process says of itself, and its static files."""

from typing import Any

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import JSONResponse, Response

from console.assets import asset
from console.web import NotFound, site_of
from sinks.tables import alert

router = APIRouter()
_FOR_EVER = "public, max-age=31536000, immutable"


@router.get("/live")
def live() -> dict[str, Any]:
    """Whether the process answers."""
    return {"live": True}


@router.get("/ready")
def ready(request: Request) -> Response:
    """Whether pages can be read; `kafka` says whether actions can be sent."""
    try:
        with site_of(request).engine.connect() as connection:
            connection.execute(select(alert.c.alert_id).limit(1))
        good = True
    except SQLAlchemyError:
        good = False
    kafka = request.app.state.publisher.away_since is None
    return JSONResponse({"ready": good, "kafka": kafka}, 200 if good else 503)


@router.get("/metrics")
def metrics() -> Response:
    """Prometheus metrics: numbers without persons."""
    return Response(generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})


@router.get("/static/{name}")
def static(name: str, request: Request) -> Response:
    """A file that pages load."""
    found = asset(name)
    if found is None:
        raise NotFound
    packed = "gzip" in request.headers.get("accept-encoding", "")
    headers = {"Cache-Control": _FOR_EVER, "Vary": "Accept-Encoding"} | ({"Content-Encoding": "gzip"} if packed else {})
    return Response(found.packed if packed else found.body, headers=headers, media_type=found.content_type)
