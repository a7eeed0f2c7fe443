"""Users made and changed on the host: each change stands in the audit, and auditors are changed here alone."""

import io
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from cli.main import run
from console.auth.users import authenticate
from console.db import database
from console.db.tables import audit_record
from console.web.config import real_time
from sinks.readmodel.database import connect

ADD = "aud-1,auditor,PROVINCE_JUSTICE-990000-01,"


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    monkeypatch.setenv("REENTRY_DATA_DIR", str(tmp_path))
    found = connect(f"sqlite:///{tmp_path / 'handover.sqlite'}")
    database.prepare(found)
    return found


def typed(monkeypatch: pytest.MonkeyPatch, text: str, *arguments: str) -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{text}\n"))
    return run(["console", *arguments])


def told(engine: Engine) -> list[tuple[str, str, str]]:
    with engine.connect() as connection:
        rows = connection.execute(select(audit_record).order_by(audit_record.c.number)).all()
    return [(row.login, row.action, row.about) for row in rows]


def test_an_auditor_is_made_renewed_and_locked_on_the_host_and_each_is_kept(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert typed(monkeypatch, "the first password", "--add-user", ADD) == 0
    assert authenticate(engine, "aud-1", "the first password", real_time()).user is not None
    assert typed(monkeypatch, "the second password", "--set-password", "aud-1") == 0
    assert authenticate(engine, "aud-1", "the first password", real_time()).user is None
    assert authenticate(engine, "aud-1", "the second password", real_time()).user is not None
    assert typed(monkeypatch, "", "--lock-user", "aud-1") == 0
    assert authenticate(engine, "aud-1", "the second password", real_time()).user is None
    host = "(command line)"
    assert told(engine) == [
        (host, "user_created", "aud-1"), (host, "password_reset", "aud-1"), (host, "user_locked", "aud-1"),
    ]  # fmt: skip
    assert run(["audit", "verify"]) == 0
    engine.dispose()


def test_what_cannot_be_is_said_in_one_line_and_leaves_no_record(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed(monkeypatch, "short", "--add-user", ADD) == 2
    assert typed(monkeypatch, "long enough to be one", "--add-user", ADD.replace("auditor", "king")) == 2
    assert typed(monkeypatch, "long enough to be one", "--set-password", "nobody") == 2
    assert typed(monkeypatch, "", "--lock-user", "nobody") == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 4
    assert "fewer than 10 characters" in lines[0]
    assert "there is no user nobody" in lines[2]
    assert told(engine) == []
    engine.dispose()
