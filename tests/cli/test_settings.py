"""Settings come from REENTRY_ variables, and a wrong one is named."""

from pathlib import Path

import pytest

from cli.settings import InvalidSettings, load, unknown, variables


def test_a_variable_wins_over_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REENTRY_PARTITIONS", "6")
    assert load().partitions == 6
    assert "partitions" in load().model_fields_set


def test_without_an_address_the_read_model_is_sqlite_in_the_data_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("REENTRY_DATABASE_URL", raising=False)
    monkeypatch.setenv("REENTRY_DATA_DIR", str(tmp_path))
    assert load().database_address == f"sqlite:///{tmp_path / 'handover.sqlite'}"


def test_a_wrong_value_is_named_and_not_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REENTRY_GRACE_SECONDS", "secret")
    with pytest.raises(InvalidSettings, match="REENTRY_GRACE_SECONDS") as caught:
        load()
    assert "secret" not in str(caught.value)


def test_a_misspelt_variable_is_found() -> None:
    environment = {"REENTRY_BROKR": "x", "REENTRY_BROKERS": "x", "REENTRY_TEST_BROKERS": "x", "HOME": "x"}
    assert unknown(environment) == ["REENTRY_BROKR"]


def test_every_variable_says_what_it_is_for() -> None:
    assert all(variables().values())
