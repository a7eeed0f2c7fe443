"""While no worker works, pages, probes and commands say so; once one works again, all is well again."""

import json
import os
import re
import signal
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import requests

from cli.stack.ports import free_ports
from cli.stack.processes import handover
from console.accounts.demo_users import DEMO_PASSWORD
from tests.conditions import until
from tests.integration.test_up import call

pytestmark = [pytest.mark.servers, pytest.mark.slow, pytest.mark.timeout(400)]
LIMIT_SECONDS = 10
SOON_SECONDS = LIMIT_SECONDS + 15


def ready(url: str) -> tuple[int, dict[str, Any]]:
    """Status and body of the probe; 0 while nobody listens."""
    try:
        with urllib.request.urlopen(f"{url}/ready", timeout=5) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)
    except OSError:
        return 0, {}


def officer(url: str) -> requests.Session:
    """Somebody who has logged in."""
    session = requests.Session()
    token = re.search(r'name="login_token" value="([^"]+)"', session.get(f"{url}/login", timeout=10).text)
    assert token is not None
    fields = {"u": "county", "p": DEMO_PASSWORD, "login_token": token[1], "next": "/settings"}
    assert session.post(f"{url}/login", data=fields, timeout=10).url == f"{url}/settings"
    return session


def problems(environment: dict[str, str]) -> dict[str, str]:
    """What the doctor finds about workers and data."""
    found = [json.loads(line) for line in call(environment, "doctor", "--json").stdout.splitlines()]
    return {
        one["what"]: one["text"]
        for one in found
        if one["state"] == "problem" and one["what"] in ("workers", "data time", "sink")
    }


def test_workers_that_stand_still_are_told_everywhere_and_are_well_again(
    kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    environment = {
        "REENTRY_BROKERS": kafka,
        "REENTRY_TOPIC_PREFIX": topic_prefix,
        "REENTRY_DATA_DIR": str(tmp_path),
        "REENTRY_BEHIND_SECONDS": str(LIMIT_SECONDS),
        "REENTRY_WEB_PORT": str(free_ports(1)[0]),
        "REENTRY_PARTITIONS": "4",
    }
    url = f"http://127.0.0.1:{environment['REENTRY_WEB_PORT']}"
    ours = {name: value for name, value in os.environ.items() if not name.startswith("REENTRY_")}
    assert call(environment, "up", "--workers", "1").returncode == 0
    with (tmp_path / "console.log").open("wb") as log:
        console = subprocess.Popen(
            handover("console", "--demo"), env={**ours, **environment}, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        until(lambda: ready(url)[0] == 200, 60, every=0.5)
        session = officer(url)
        assert 'id="late" role="alert" hidden>' in session.get(f"{url}/today", timeout=10).text
        assert call(environment, "alerts").returncode == 0
        assert problems(environment) == {}
        state = json.loads(call(environment, "status", "--json").stdout)
        [worker] = [one["pid"] for one in state["processes"] if one["name"] == "worker-1"]

        os.kill(worker, signal.SIGSTOP)  # it is alive, and does nothing
        until(lambda: ready(url)[0] == 503, SOON_SECONDS, every=0.5)
        assert ready(url)[1]["reason"].startswith("alerts are processed only up to ")
        assert requests.get(f"{url}/live", timeout=5).status_code == 200
        assert 'id="late" role="alert">' in session.get(f"{url}/today", timeout=10).text
        answer = session.get(f"{url}/api/v1/queue", timeout=10)
        assert (answer.headers["X-Data-Late"], answer.json()["is_late"]) == ("true", True)
        until(lambda: "reentry_console_data_late 1.0" in requests.get(f"{url}/metrics", timeout=10).text, SOON_SECONDS)
        assert call(environment, "status").returncode == 1
        assert call(environment, "alerts").returncode == 1
        until(lambda: set(problems(environment)) == {"workers", "data time"}, 60, every=1)
        assert problems(environment)["workers"].startswith("none reports for partitions 0, 1, 2, 3")
        assert problems(environment)["data time"].startswith("alerts are processed only up to ")

        os.kill(worker, signal.SIGKILL)  # `up` starts another
        until(lambda: ready(url)[0] == 200, 120, every=0.5)
        assert 'id="late" role="alert" hidden>' in session.get(f"{url}/today", timeout=10).text
        assert call(environment, "status").returncode == 0
        assert call(environment, "alerts").returncode == 0
        until(lambda: problems(environment) == {}, 60, every=1)
    finally:
        console.terminate()
        console.wait(20)
        call(environment, "down")
