"""All texts of the console, each with its Chinese and its English side by side: one cannot be forgotten without the other."""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")
TAGS: Mapping[Language, str] = {"zh": "zh-CN", "en": "en"}
_WEIGHT = re.compile(r";\s*q=([0-9.]+)")


class MissingText(KeyError):
    """A key that stands in no catalogue."""


@cache
def catalogue() -> Mapping[str, tuple[str, str]]:
    """Every text by its key: (Chinese, English). Raise ValueError for a key given twice or a text that is missing."""
    found: dict[str, tuple[str, str]] = {}
    for path in sorted(Path(__file__).parent.glob("*.toml")):
        for key, texts in tomllib.loads(path.read_text(encoding="utf-8")).items():
            if key in found:
                raise ValueError(f"{path.name}: {key} is given twice")
            if not (isinstance(texts, list) and len(texts) == len(LANGUAGES) and all(texts)):
                raise ValueError(f'{path.name}: {key}: write ["中文", "English"]')
            found[key] = (texts[0], texts[1])
    return found


class Texts:
    """The texts in one language."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._side = LANGUAGES.index(language)

    def __call__(self, key: str, **values: Any) -> str:
        """The text of a key with its values; where `n` is 1 and the catalogue has `key.one`, that. Raise MissingText."""
        texts = catalogue()
        found = texts.get(f"{key}.one") if values.get("n") == 1 else None
        found = found or texts.get(key)
        if found is None:
            raise MissingText(key)
        return found[self._side].format(**values)

    def of(self, both: Mapping[str, str]) -> str:
        """The right one of a text that came in both languages."""
        return both.get(self.language) or both.get("zh") or ""

    def has(self, key: str) -> bool:
        """Whether there is such a text."""
        return key in catalogue()


@cache
def texts(language: Language) -> Texts:
    """The texts in one language."""
    return Texts(language)


def choose_language(header: str) -> Language:
    """The language that a browser asks for; Chinese where it asks for neither."""
    best: tuple[float, Language] = (0.0, "zh")
    for part in header.split(","):
        tag = part.split(";")[0].strip().lower().partition("-")[0]
        weight = _WEIGHT.search(part)
        try:
            value = float(weight.group(1)) if weight else 1.0
        except ValueError:
            continue
        if tag in LANGUAGES and value > best[0]:
            best = (value, tag)
    return best[1]
