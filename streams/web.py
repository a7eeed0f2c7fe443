"""What a process says of itself over HTTP: /live, /ready, /metrics."""

import time
from typing import Any

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

STALE_SECONDS = 30


async def serve(engine: Any, host: str, port: int) -> web.AppRunner:
    """Serve until the runner is cleaned up."""
    app = web.Application()

    async def live(_: web.Request) -> web.Response:
        age = time.monotonic() - engine.last_step
        good = age < STALE_SECONDS or not engine.ready
        return web.json_response({"live": good, "last_step_seconds": round(age, 1)}, status=200 if good else 503)

    async def ready(_: web.Request) -> web.Response:
        good = engine.ready and engine.app.tables.actives_ready and not engine.app.rebalancing
        return web.json_response({"ready": bool(good)}, status=200 if good else 503)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app.add_routes([web.get("/live", live), web.get("/ready", ready), web.get("/metrics", metrics)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner
