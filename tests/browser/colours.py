"""Colours as eyes see them: contrast (WCAG 2.2, 1.4.3), distance (CIE 1976), and sight without one kind of cone."""

import re
from collections.abc import Sequence

Colour = tuple[float, float, float]  # red, green, blue; 0 to 1, as a screen is told
# Viénot, Brettel, Mollon 1999 (red, green) and Brettel's plane for blue, on linear light.
SIGHTS: dict[str, tuple[Colour, Colour, Colour]] = {
    "all": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "no red": ((0.11238, 0.88762, 0), (0.11238, 0.88762, 0), (0.00401, -0.00401, 1)),
    "no green": ((0.29275, 0.70725, 0), (0.29275, 0.70725, 0), (-0.02234, 0.02234, 1)),
    "no blue": ((1, 0.14461, -0.14461), (0, 0.85924, 0.14076), (0, 0.85924, 0.14076)),
}


def read(text: str) -> Colour:
    """A colour as a browser computes it: rgb(1, 2, 3) or #010203."""
    if text.strip().startswith("#"):
        digits = text.strip()[1:]
        digits = "".join(one * 2 for one in digits) if len(digits) == 3 else digits
        found = [int(digits[at : at + 2], 16) for at in (0, 2, 4)]
    else:
        found = [int(float(one)) for one in re.findall(r"[\d.]+", text)[:3]]
    return found[0] / 255, found[1] / 255, found[2] / 255


def _linear(colour: Colour) -> list[float]:
    return [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in colour]


def _luminance(colour: Colour) -> float:
    red, green, blue = _linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Colour, other: Colour) -> float:
    """From 1 to 21."""
    dark, bright = sorted((_luminance(one), _luminance(other)))
    return (bright + 0.05) / (dark + 0.05)


def _lab(light: Sequence[float]) -> tuple[float, float, float]:
    red, green, blue = light
    xyz = (
        (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.95047,
        0.2126 * red + 0.7152 * green + 0.0722 * blue,
        (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.08883,
    )
    x, y, z = (one ** (1 / 3) if one > 0.008856 else 7.787 * one + 16 / 116 for one in xyz)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def distance(one: Colour, other: Colour, sight: str = "all") -> float:
    """How far apart two colours are; about 2 can just be told apart side by side."""
    seen = []
    for colour in (one, other):
        light = _linear(colour)
        rows = SIGHTS[sight]
        seen.append(_lab([max(0.0, sum(a * b for a, b in zip(row, light, strict=True))) for row in rows]))
    return float(sum((a - b) ** 2 for a, b in zip(*seen, strict=True)) ** 0.5)
