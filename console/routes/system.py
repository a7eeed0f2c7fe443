"""What the process says of itself, and its static files."""

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import JSONResponse, Response

from console.assets import asset
from console.web import NotFound

router = APIRouter()
_FOR_EVER = "public, max-age=31536000, immutable"


@router.get("/live")
async def live(request: Request) -> Response:
    """Whether the process works: 503 names the parts that have ended, and only a new start helps. Waits for nothing."""
    dead = request.app.state.health.dead()
    return JSONResponse({"live": not dead} | ({"dead": dead} if dead else {}), 503 if dead else 200)


@router.get("/ready")
async def ready(request: Request) -> Response:
    """Whether pages can be read, as found out `age` seconds ago; `kafka` says whether actions can be sent. Waits for nothing."""
    found = request.app.state.health.database()
    kafka = request.app.state.publisher.away_since is None
    body = {"ready": found["good"], "kafka": kafka, "age": found["age"]}
    return JSONResponse(body, 200 if found["good"] else 503)


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
