"""A text as a search for numbers sees it: one spelling of digits, blanks, dashes and dots, nothing invisible."""

import unicodedata
from itertools import pairwise

NUMERALS = "〇零○一二三四五六七八九壹贰叁肆伍陆柒捌玖幺"
_VALUES = "00012345678912345678" + "91"
_FROM_NUMERALS = str.maketrans(NUMERALS, _VALUES)
_INVISIBLE = ("Cf", "Cc", "Mn", "Me")
_DOTS = frozenset("·•・‧∙⋅。｡․")
_SLASHES = frozenset("⁄∕╱＼")
_DASHES = frozenset("−⁃ー˗─━﹣－")
_FILLERS = frozenset("\u115f\u1160\u3164\uffa0\u2800")  # letters and signs that show as nothing
_MOST_CACHED = 16_384


class _Table(dict[int, str]):
    """What each character is searched as; those that were met are kept, but for a flood of different ones."""

    def __missing__(self, code: int) -> str:
        told = _plain(chr(code))
        if len(self) < _MOST_CACHED:
            self[code] = told
        return told


def plain(text: str) -> str:
    """A text as it is searched. Linear in its length."""
    return text if text.isascii() and text.isprintable() else text.translate(_TABLE)


def with_numerals(text: str) -> str:
    """A plain text with Chinese numerals as digits, of the same length."""
    return text if text.isascii() else text.translate(_FROM_NUMERALS)


def plain_pieces(pieces: list[str]) -> tuple[str, list[int]]:
    """Pieces as one plain text, and where each piece begins in it; the last number is the length."""
    told = [plain(one) for one in pieces]
    starts = [0]
    for one in told:
        starts.append(starts[-1] + len(one))
    return "".join(told), starts


def pieces_within(starts: list[int], spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The numbers of the first piece and of the one after the last that each span of a plain text touches.

    Spans come in order and do not overlap; one walk over both.
    """
    found: list[tuple[int, int]] = []
    wanted = iter(spans)
    span = next(wanted, None)
    first = -1
    for number, (start, end) in enumerate(pairwise(starts)):
        if span is None:
            break
        if first < 0 and end > span[0]:
            first = number
        if first >= 0 and (end >= span[1]) and start < end:
            found.append((first, number + 1))
            first, span = -1, next(wanted, None)
    return found


def _plain(character: str) -> str:
    if character in "\t\n\v\f\r" or character in _FILLERS:
        return " "
    value = unicodedata.digit(character, None)
    if value is not None:
        return str(value)
    category = unicodedata.category(character)
    if category in _INVISIBLE:
        return ""
    if category in ("Zs", "Zl", "Zp"):
        return " "
    if character in NUMERALS or character == "_":
        return character
    return _sign(character, category)


def _sign(character: str, category: str) -> str:
    if character in _DOTS:
        return "."
    if character in _SLASHES:
        return "/"
    if category == "Pd" or character in _DASHES:
        return "-"
    if not character.isascii() and category in ("Ps", "Pe", "Pi", "Pf"):
        return "("
    if not character.isascii() and category == "Pc":
        return "_"
    return unicodedata.normalize("NFKC", character)


_TABLE = _Table()
