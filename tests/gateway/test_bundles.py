"""Bundles: nothing of a damaged or forged file is read, and a reader that stopped goes on where it stopped."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from cli.main import run
from gateway.bundles import Mark, make_bundle, read_lines, verify_bundle
from gateway.signing import Signer
from schemas.instants import show
from schemas.topics import INTAKE
from tests.gateway.fixtures import COUNTY, event, signer
from tests.integration.pipeline import pipeline

OFFICE = signer()
NOW = datetime.now(UTC)


def late_event() -> dict[str, Any]:
    """Written down forty days ago; the test may run long after `NOW`."""
    written = show(NOW - timedelta(days=40))
    return event(time=written, recordedtime=written)


def bundle(path: Path, count: int = 3, own: Signer = OFFICE) -> list[bytes]:
    lines = [orjson.dumps(late_event()) for _ in range(count)]
    with path.open("wb") as stream:
        make_bundle(lines, COUNTY, own, NOW, stream)
    return lines


def test_a_bundle_gives_back_what_was_put_in(tmp_path: Path) -> None:
    lines = bundle(tmp_path / "b")
    assert verify_bundle(tmp_path / "b", OFFICE.public, NOW).events == 3
    assert list(read_lines(tmp_path / "b")) == lines
    assert list(read_lines(tmp_path / "b", 2)) == lines[2:]


def test_a_bundle_is_refused_whatever_byte_was_changed(tmp_path: Path) -> None:
    bundle(tmp_path / "b", 1)
    whole = (tmp_path / "b").read_bytes()
    for at in range(len(whole)):
        (tmp_path / "b").write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(ValueError, match=r"bundle|damaged|signature|another key|cut off|event 1"):
            verify_bundle(tmp_path / "b", OFFICE.public, NOW)


@pytest.mark.parametrize("kept", [0, 1, 50, -1, -200])
def test_a_bundle_that_is_cut_off_is_refused(tmp_path: Path, kept: int) -> None:
    bundle(tmp_path / "b")
    (tmp_path / "b").write_bytes((tmp_path / "b").read_bytes()[:kept])
    with pytest.raises(ValueError, match=r"bundle|damaged|cut off"):
        verify_bundle(tmp_path / "b", OFFICE.public, NOW)


def test_an_event_more_is_refused(tmp_path: Path) -> None:
    bundle(tmp_path / "b")
    (tmp_path / "b").write_bytes((tmp_path / "b").read_bytes() + orjson.dumps(event()) + b"\n")
    with pytest.raises(ValueError, match="damaged"):
        verify_bundle(tmp_path / "b", OFFICE.public, NOW)


def test_a_bundle_of_another_key_is_refused(tmp_path: Path) -> None:
    bundle(tmp_path / "b", own=signer())
    with pytest.raises(ValueError, match="signature"):
        verify_bundle(tmp_path / "b", OFFICE.public, NOW)


@pytest.mark.parametrize("wrong", [{"source": "/agencies/COUNTY_JUSTICE-990103-01"}, {"id": ""}, {"data": {}}])
def test_no_bundle_is_made_of_what_its_office_may_not_say(tmp_path: Path, wrong: dict[str, object]) -> None:
    (tmp_path / "events").write_bytes(orjson.dumps(event()) + b"\n" + orjson.dumps(event(**wrong)) + b"\n")
    assert run(["bundle", "key", str(tmp_path / "office.pem")]) == 0
    command = [
        "bundle",
        "make",
        str(tmp_path / "events"),
        str(tmp_path / "b"),
        "--key",
        str(tmp_path / "office.pem"),
        "--source",
        COUNTY,
    ]
    assert run(command) == 2
    assert not (tmp_path / "b").exists()


def test_a_mark_of_another_bundle_counts_for_nothing(tmp_path: Path) -> None:
    bundle(tmp_path / "b")
    first = Mark.beside(tmp_path / "b", verify_bundle(tmp_path / "b", OFFICE.public, NOW))
    first.write(2)
    assert first.read() == 2
    bundle(tmp_path / "b")
    assert Mark.beside(tmp_path / "b", verify_bundle(tmp_path / "b", OFFICE.public, NOW)).read() == 0


def test_a_bundle_is_published_and_goes_on_where_it_stopped(
    kafka: str, topic_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pipeline(kafka, topic_prefix, tmp_path) as own:
        for name, value in own.env.items():
            if name.startswith("REENTRY_"):
                monkeypatch.setenv(name, value)
        assert run(["bundle", "key", str(tmp_path / "office.pem")]) == 0
        lines = [orjson.dumps(late_event()) for _ in range(5)]
        (tmp_path / "events").write_bytes(b"\n".join(lines))
        files = [str(tmp_path / name) for name in ("events", "b", "office.pem", "office.pub")]
        assert run(["bundle", "make", files[0], files[1], "--key", files[2], "--source", COUNTY]) == 0
        assert run(["bundle", "verify", files[1], "--key", files[3]]) == 0
        head = verify_bundle(tmp_path / "b", Signer.read(tmp_path / "office.pem").public, NOW)
        Mark.beside(tmp_path / "b", head).write(2)
        assert run(["bundle", "read", files[1], "--key", files[3]]) == 0
        assert sorted(own.values(INTAKE)) == sorted(lines[2:])
        assert run(["bundle", "read", files[1], "--key", files[3]]) == 0
        assert len(own.values(INTAKE)) == 3
    assert "3 events" in capsys.readouterr().out


def test_a_sheet_is_published_whole(
    kafka: str, topic_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.gateway.test_spreadsheets import FACT, GOOD, TITLES, TOWN, book, with_value

    with pipeline(kafka, topic_prefix, tmp_path) as own:
        for name, value in own.env.items():
            if name.startswith("REENTRY_"):
                monkeypatch.setenv(name, value)
        command = ["import", str(tmp_path / "office.xlsx"), "--kind", FACT, "--source", TOWN]
        book(tmp_path, TITLES, GOOD, with_value(row_key="2", result="YES"))
        assert run(command) == 2
        assert own.values(INTAKE) == []
        book(tmp_path, TITLES, GOOD, with_value(row_key="2"))
        assert run(command) == 0
        assert len(own.values(INTAKE)) == 2
        assert run(command) == 0
        assert len({orjson.loads(value)["id"] for value in own.values(INTAKE)}) == 2
