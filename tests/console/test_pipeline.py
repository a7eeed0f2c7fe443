"""The whole way on real parts: a prison's event becomes a row, an officer takes it, the recorded answer ends it."""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from brokers.connection import KafkaConnection
from console.accounts.demo_users import DEMO_PASSWORD, DEMO_USERS
from console.app import create_app
from console.auth.users import create
from console.live.change_feed import ChangeFeed, OpenPage
from console.queue.filters import QueueFilters
from console.web.config import ConsoleConfig
from sinks.readmodel.database import connect
from tests.conditions import until
from tests.console.conftest import Browser
from tests.console.test_live import told
from tests.handover.histories import PERSON, arriving, notice, scheduled
from tests.integration.pipeline import pipeline

pytestmark = pytest.mark.servers
UNDO_SECONDS = 1.0


def shows(browser: Browser, path: str, text: str) -> Callable[[], bool]:
    return lambda: text in browser.get(path).text


async def first_row(engine: Engine, act: Callable[[], None]) -> float:
    """Seconds from an act until an open page is told of a changed row."""
    county = next(one for one in DEMO_USERS if one.role == "county")
    listener = create(engine, "listener", DEMO_PASSWORD, "county", county.agency, county.prefix)
    hub = ChangeFeed(engine, 0.2, lambda tokens: dict.fromkeys(tokens, listener))
    await hub.start()
    stream = hub.follow(OpenPage(listener.scope, "listener", QueueFilters()), None)
    await anext(stream)
    began = time.monotonic()
    await asyncio.to_thread(act)
    async with asyncio.timeout(30):
        async for part in stream:
            rows = [told(one) for one in part.split(b"\n\n") if one.startswith(b"event: row")]
            if any(data["state"] == "firing" for _, _, data in rows):
                break
    took = time.monotonic() - began
    await hub.stop()
    return took


def test_from_a_prisons_event_to_the_answer(kafka: str, topic_prefix: str, tmp_path: Path) -> None:
    with pipeline(kafka, topic_prefix, tmp_path) as running:
        running.start("worker")
        running.start("sink")
        url = f"sqlite:///{tmp_path / 'handover.sqlite'}"
        until((tmp_path / "handover.sqlite").exists, 60)
        config = ConsoleConfig(
            url,
            KafkaConnection(kafka),
            topic_prefix,
            secure_cookies=False,
            demo=True,
            undo=timedelta(seconds=UNDO_SECONDS),
        )
        app = create_app(config)
        with TestClient(app, base_url="http://console.test"):
            taker, other = (Browser(TestClient(app, base_url="http://console.test"), app) for _ in range(2))
            for browser in (taker, other):
                browser.log_in("county")
            engine = connect(url)
            running.publish(arriving(scheduled("2026-10-01 10:00", "2026-12-30")))
            until(shows(taker, "/people", PERSON), 60)
            took = asyncio.run(first_row(engine, lambda: running.publish(arriving(notice("2026-11-02 09:00")))))
            engine.dispose()
            assert took < 10
            page = taker.get("/today?rule=A02").text
            path = f"/alerts/{page.split('/alerts/')[1][:36]}"

            assert taker.send(f"{path}/acknowledge").status_code == 303
            assert "等待回应" in taker.get(path).text
            until(shows(other, "/today?rule=A02", "county 已确认"), 30)
            until(lambda: "等待回应" not in taker.get(path).text, 30)
            assert '<span class="by">county</span>' in other.get(path).text

            fields = {
                "type": "reentry.intake.acknowledged.v1",
                "accepted": "yes",
                "officer_ref": "O-1",
                "time": "2026-11-20T10:00",
            }
            assert taker.send(f"{path}/record", fields).status_code == 303
            until(shows(other, path, "了结：迟办"), 30)
            assert "/agencies/COUNTY_JUSTICE-990102-01/console" not in other.get("/today").text
            assert PERSON not in other.get("/today?rule=A02").text
