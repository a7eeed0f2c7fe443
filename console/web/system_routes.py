"""What the process says of itself, and its static files."""

from typing import Any

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import JSONResponse, Response

from console.web.assets import asset
from console.web.request import NotFound, site_of
from console.web.site import Site
from schemas.instants import show

router = APIRouter()
_FOR_EVER = "public, max-age=31536000, immutable"


@router.get("/live")
async def live(request: Request) -> Response:
    """Whether the process works: 503 names the parts that have ended, and only a new start helps. Waits for nothing."""
    dead = request.app.state.health.dead()
    return JSONResponse({"live": not dead} | ({"dead": dead} if dead else {}), 503 if dead else 200)


@router.get("/ready")
async def ready(request: Request) -> Response:
    """Whether pages can be read and relied on, as found out `age` seconds ago; `kafka`: actions can be sent. Waits for nothing."""
    found = request.app.state.health.database()
    kafka = request.app.state.publisher.away_since is None
    data = describe_data(site_of(request))
    ready = found["good"] and "reason" not in data
    body = {"ready": ready, "kafka": kafka, "age": found["age"]} | data
    return JSONResponse(body, 200 if ready else 503)


def describe_data(site: Site) -> dict[str, Any]:
    """Up to when alerts are processed, and the `reason` where nothing that is shown can be relied on. Waits for nothing."""
    found = site.processed.last()
    if found.processed_until is None or found.behind is None:
        return {"processed_until": None, "reason": "no alert has been processed yet"}
    until = show(found.processed_until)
    late = {"reason": f"alerts are processed only up to {until}"} if found.is_late else {}
    return {"processed_until": until} | late


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
