"""With a register of publishers only registered sources say that they live and what they sent."""

from pathlib import Path

import orjson
import pytest

from schemas.examples import event_of
from schemas.invalid import InvalidEvent
from schemas.parse import parse
from schemas.publishers import InvalidPublishers, load, written

BEAT, MANIFEST = "reentry.system.publisher_heartbeat.v1", "reentry.system.publisher_manifest.v1"
KNOWN = "/agencies/PRISON-990100-01"


def reason(type_: str, source: str, publishers: frozenset[str] | None) -> str:
    try:
        parse(orjson.dumps({**event_of(type_), "source": source, "subject": source}), publishers=publishers)
    except InvalidEvent as error:
        return error.reason
    return ""


@pytest.mark.parametrize("type_", [BEAT, MANIFEST])
def test_another_system_of_a_registered_agency_is_not_registered(type_: str) -> None:
    register = frozenset((KNOWN,))
    assert reason(type_, KNOWN, register) == ""
    for source in (f"{KNOWN}/ghost", "/agencies/COUNTY_JUSTICE-990102-01/ghost"):
        assert reason(type_, source, register) == "NOT_ALLOWED"
        assert reason(type_, source, None) == ""


def test_other_events_need_no_entry() -> None:
    assert reason("reentry.system.rules_changed.v1", "/agencies/PROVINCE_JUSTICE-990000-01", frozenset()) == ""


def test_a_register_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "publishers.toml"
    path.write_text(written((KNOWN, f"{KNOWN}/b")), encoding="utf-8")
    assert load(path) == frozenset((KNOWN, f"{KNOWN}/b"))
    assert load(None) is None
    assert KNOWN in (load(Path("deploy/publishers.toml")) or ())


@pytest.mark.parametrize(
    "text",
    ["", "x", "publisher = 1", '[[publisher]]\nsource = "PRISON"', "[[publisher]]", "other = 1", "publisher = [1]"],
)
def test_what_is_no_register_is_refused_with_its_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "publishers.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidPublishers, match=r"publishers\.toml"):
        load(path)
