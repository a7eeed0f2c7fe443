"""A console as a process of its own, reached over TCP."""

import os
import re
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from httpx2 import Client

from cli.stack.ports import free_ports
from cli.stack.processes import handover
from console.accounts.demo_users import DEMO_PASSWORD
from tests.conditions import until
from tests.console.conftest import NOWHERE


@dataclass(frozen=True)
class Served:
    """A console process: where it listens, and its id."""

    port: int
    pid: int

    @property
    def address(self) -> str:
        """Where it is reached."""
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str, seconds: float = 5) -> int:
        """The status of an answer."""
        try:
            with urllib.request.urlopen(self.address + path, timeout=seconds) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as answer:
            with answer:
                return int(answer.code)

    def connect(self) -> socket.socket:
        """A connection of one's own."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    @contextmanager
    def log_in(self, login: str) -> Iterator[Client]:
        """A browser of somebody who is logged in."""
        with Client(base_url=self.address, timeout=60) as client:
            token = re.search(r'name="login_token" value="([^"]+)"', client.get("/login").text)
            assert token is not None
            fields = {"u": login, "p": DEMO_PASSWORD, "login_token": token[1], "next": "/settings"}
            assert client.post("/login", data=fields).status_code == 303
            yield client

    def rss(self) -> int:
        """Memory in MiB."""
        line = next(one for one in Path(f"/proc/{self.pid}/status").read_text().splitlines() if one.startswith("VmRSS"))
        return int(line.split()[1]) // 1024


@contextmanager
def serving(folder: Path, *arguments: str, **settings: str) -> Iterator[Served]:
    """A console with this data folder; it ends with the block."""
    port = free_ports(1)[0]
    ours: dict[str, str] = {
        "REENTRY_DATA_DIR": str(folder),
        "REENTRY_BROKERS": NOWHERE.brokers,
        "REENTRY_WEB_PORT": str(port),
        **settings,
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith("REENTRY_")}
    command = handover("console", "--insecure", *arguments)
    child = subprocess.Popen(command, env={**kept, **ours}, stdout=subprocess.DEVNULL)
    found = Served(port, child.pid)

    def answers() -> bool:
        assert child.poll() is None
        with suppress(OSError):
            return found.get("/live") == 200
        return False

    try:
        until(answers, seconds=60)
        yield found
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait(timeout=30)
