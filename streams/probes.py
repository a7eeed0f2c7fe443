"""What a process says of itself over HTTP: /live, /ready, /metrics."""

import time
from typing import Any

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

STALE_SECONDS = 30
ANSWER_SECONDS = 5.0  # a broker that takes longer to acknowledge a write is away


def _lacks(engine: Any) -> list[str]:
    """What keeps the worker from its job, which is to raise alerts in time: empty when it does it."""
    if not engine.ready or not engine.app.tables.actives_ready or engine.app.rebalancing:
        return ["its partitions are being assigned or recovered"]
    found = []
    if engine.is_unavailable or _waits_long(engine.app.sending_since):
        found.append("the broker does not answer")
    behind = engine.behind_seconds()
    if behind is not None and behind > engine.config.behind_seconds:
        found.append(f"alerts are processed up to {behind:.0f} s ago only")
    return found


def _waits_long(since: float | None) -> bool:
    return since is not None and time.monotonic() - since > ANSWER_SECONDS


async def serve(engine: Any, host: str, port: int) -> web.AppRunner:
    """Serve until the runner is cleaned up."""
    app = web.Application()

    async def live(_: web.Request) -> web.Response:
        age = time.monotonic() - engine.last_step
        good = age < STALE_SECONDS or not engine.ready or engine.app.sending_since is not None
        return web.json_response({"live": good, "last_step_seconds": round(age, 1)}, status=200 if good else 503)

    async def ready(_: web.Request) -> web.Response:
        lacks = _lacks(engine)
        return web.json_response({"ready": not lacks, "lacks": lacks}, status=503 if lacks else 200)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app.add_routes([web.get("/live", live), web.get("/ready", ready), web.get("/metrics", metrics)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner
