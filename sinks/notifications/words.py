"""The texts of notices, in both languages: sinks/notifications/words.toml."""

import tomllib
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from schemas.instants import CHINA
from sinks.notifications.policy import LANGUAGES, Language

_NUMBER_SHOWN = 8  # characters of an alert's id: its number on pages, too


@cache
def _catalogue() -> Mapping[str, tuple[str, str]]:
    document = tomllib.loads((Path(__file__).parent / "words.toml").read_text(encoding="utf-8"))
    return {key: (zh, en) for key, (zh, en) in document.items()}


def say(language: Language, key: str, **values: Any) -> str:
    """The text of a key with its values. Raise KeyError."""
    return _catalogue()[key][LANGUAGES.index(language)].format(**values)


def name_office(language: Language, agency: str) -> str:
    """What an office is, and its code: `County justice 990102`."""
    parts = agency.split("-")
    if len(parts) != 3 or f"agency.{parts[0]}" not in _catalogue():
        return say(language, "agency.PLATFORM") if agency == "PLATFORM" else agency.removeprefix("/agencies/")
    number = "" if parts[2] == "01" else f"-{parts[2]}"
    return say(language, f"agency.{parts[0]}", code=f"{parts[1]}{number}")


def number_of(alert_id: str) -> str:
    """An alert's number as pages show it."""
    return alert_id[:_NUMBER_SHOWN]


def show_minute(at: datetime) -> str:
    """2026-02-10 00:00, local."""
    return f"{at.astimezone(CHINA):%Y-%m-%d %H:%M}"
