"""A real PostgreSQL on this machine in a folder of its own, for tests and benchmarks."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from cli.stack.children import Unstartable, last_lines, spawn, stop
from cli.stack.ports import free_ports

PLACES = ("/usr/lib/postgresql", "/usr/pgsql", "/opt/homebrew/opt", "/usr/local/opt")
FAST, AT_ONCE = signal.SIGINT, signal.SIGQUIT  # its two ways to stop without waiting for clients
# What is written here may be lost with the machine: nothing waits for a disk.
# Commits are waited for: a server that is killed must keep what a sink has acknowledged to Kafka.
SPEED = {"fsync": "off", "full_page_writes": "off"}


def programs() -> Path:
    """The folder with initdb and postgres. Raise Unstartable where there is none."""
    found = shutil.which("initdb")
    candidates = [Path(found).resolve().parent] if found else []
    for place in PLACES:
        candidates += sorted(Path(place).glob("**/bin"), reverse=True) if Path(place).is_dir() else []
    for folder in candidates:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise Unstartable("No PostgreSQL server: run `make setup` (Debian, as root: apt-get install postgresql).")


def owner() -> str | None:
    """The user to run as: PostgreSQL refuses root. None means ourselves."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        raise Unstartable("PostgreSQL refuses root and there is no user postgres: run `make setup`.") from None


class Postgres:
    """One server on a free port of loopback. In a temporary folder unless one is given; trusts every local client."""

    def __init__(self, folder: Path | None = None, *, settings: Mapping[str, str] | None = None) -> None:
        """Choose a folder and a port; nothing is started. `settings` win over those of postgresql.conf."""
        self._temporary = folder is None
        self.folder = Path(tempfile.mkdtemp(prefix="reentry-postgres-")) if folder is None else folder.absolute()
        self.port = free_ports(1)[0]
        self.log = self.folder / "postgres.log"
        self.process: subprocess.Popen[bytes] | None = None
        self._settings = {**SPEED, **(settings or {})}
        self._owner = owner()

    @property
    def url(self) -> str:
        """The SQLAlchemy address of its database."""
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/postgres"

    def start(self, *, seconds: float = 60) -> Self:
        """Make the database if there is none, start the server, wait until it answers. Raise Unstartable."""
        data = self.folder / "data"
        if not (data / "PG_VERSION").exists():
            self._create(data)
        options = [f"-c{name}={value}" for name, value in self._settings.items()]
        self.process = spawn(
            [programs() / "postgres", "-D", data, "-p", str(self.port), "-h127.0.0.1", "-k", self.folder, *options],
            self.log,
            cwd=self.folder,
            user=self._owner,
            death_signal=FAST,
        )
        self._wait(seconds)
        return self

    def stop(self, seconds: float = 10) -> None:
        """End the server without waiting for its clients; a temporary folder goes with `close`."""
        if self.process is not None:
            stop(self.process, by=FAST, seconds=seconds)
            self.process = None

    def kill(self) -> None:
        """End it as a crash would; the next start recovers from its log."""
        if self.process is not None:
            stop(self.process, by=AT_ONCE)
            self.process = None

    def close(self) -> None:
        """Stop, and remove the folder if it is temporary."""
        self.stop()
        if self._temporary:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        """Start."""
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop and clean up."""
        self.close()

    def _create(self, data: Path) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._owner:
            shutil.chown(self.folder, self._owner, self._owner)
        done = subprocess.run(
            [programs() / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "-N"],
            cwd=self.folder,
            user=self._owner,
            group=self._owner,
            extra_groups=[] if self._owner else None,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise Unstartable(f"initdb failed: {(done.stderr or done.stdout).strip()[-300:]}")

    def _wait(self, seconds: float) -> None:
        import psycopg

        end = time.monotonic() + seconds
        while True:
            try:
                psycopg.connect(f"host=127.0.0.1 port={self.port} user=postgres connect_timeout=2").close()
            except psycopg.OperationalError:
                if self.process is None or self.process.poll() is not None:
                    raise Unstartable(f"PostgreSQL ended while starting:\n{last_lines(self.log)}") from None
                if time.monotonic() > end:
                    self.kill()
                    raise Unstartable(
                        f"PostgreSQL did not answer within {seconds:.0f} s:\n{last_lines(self.log)}"
                    ) from None
                time.sleep(0.05)
            else:
                return
