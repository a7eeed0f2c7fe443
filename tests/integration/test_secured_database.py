"""PostgreSQL over TLS with a password: both from files, certificate and host name checked, every mistake one line without the secret."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import orjson
import psycopg
import pytest

from cli.stack.postgres import Postgres, owner
from tests.conditions import until
from tests.integration.secured import Authority

pytestmark = pytest.mark.servers
SECRET = "a pass/word@with:all"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Postgres, Authority]]:
    """Its user `handover` comes in by TLS and password alone."""
    authority = Authority.make(tmp_path_factory.mktemp("authority"))
    key, certificate = authority.sign("database", "127.0.0.1")
    user = owner()
    with Postgres() as server:
        data = server.folder / "data"
        for source, name in ((key, "server.key"), (certificate, "server.crt")):
            shutil.copy(source, data / name)
            (data / name).chmod(0o600)
            if user is not None:
                shutil.chown(data / name, user, user)
        rules = ["hostssl all handover 127.0.0.1/32 scram-sha-256", "host all postgres 127.0.0.1/32 trust"]
        (data / "pg_hba.conf").write_text("\n".join([*rules, ""]), encoding="utf-8")
        with psycopg.connect(f"host=127.0.0.1 port={server.port} user=postgres", autocommit=True) as connection:
            connection.execute(f"CREATE ROLE handover LOGIN SUPERUSER PASSWORD '{SECRET}'")
            connection.execute("ALTER SYSTEM SET ssl = on")
            connection.execute("SELECT pg_reload_conf()")
        until(lambda: speaks_tls(server), seconds=20)
        yield server, authority


def speaks_tls(server: Postgres) -> bool:
    try:
        psycopg.connect(f"host=127.0.0.1 port={server.port} user=postgres sslmode=require").close()
    except psycopg.OperationalError:
        return False
    return True


def variables(server: Postgres, authority: Authority, folder: Path, password: str = SECRET) -> dict[str, str]:
    (folder / "password").write_text(f"{password}\n", encoding="utf-8")
    (folder / "password").chmod(0o600)
    return {
        "REENTRY_DATABASE_URL": f"postgresql+psycopg://handover@127.0.0.1:{server.port}/postgres",
        "REENTRY_DATABASE_PASSWORD_FILE": str(folder / "password"),
        "REENTRY_DATABASE_CA_FILE": str(authority.ca_file),
        "REENTRY_BROKERS": "127.0.0.1:1",
    }


def handover(given: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cli", *arguments]
    return subprocess.run(command, env={**os.environ, **given}, capture_output=True, text=True, check=False, timeout=90)


def diagnosed(given: Mapping[str, str]) -> dict[str, str]:
    done = handover(given, "doctor", "--json")
    assert SECRET not in done.stdout + done.stderr
    [found] = [one for one in map(orjson.loads, done.stdout.splitlines()) if one["what"] == "database"]
    return dict(found)


def test_the_read_model_is_made_over_tls(database: tuple[Postgres, Authority], tmp_path: Path) -> None:
    server, authority = database
    given = variables(server, authority, tmp_path)
    done = handover(given, "sink", "--migrate")
    assert done.returncode == 0, done.stderr
    assert diagnosed(given)["state"] == "ok"


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("password", "does not take this user and password"),
        ("authority", "is not trusted"),
        ("host", "is not the host"),
    ],
)
def test_a_refusal_is_one_line_that_says_why(
    database: tuple[Postgres, Authority], tmp_path: Path, what: str, why: str
) -> None:
    server, authority = database
    given = variables(server, authority, tmp_path, "guessed" if what == "password" else SECRET)
    if what == "authority":
        given["REENTRY_DATABASE_CA_FILE"] = str(Authority.make(tmp_path / "other").ca_file)
    if what == "host":
        given["REENTRY_DATABASE_URL"] = given["REENTRY_DATABASE_URL"].replace("127.0.0.1", "localhost")
    done = handover(given, "sink", "--migrate")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert SECRET not in done.stderr
    found = diagnosed(given)
    assert found["state"] == "problem"
    assert why in found["text"]
    assert found["fix"]
