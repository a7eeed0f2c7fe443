"""Plots as SVG text, the same for the same numbers: bars with their targets, and a line over a logarithmic axis."""

import math
from collections.abc import Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

WIDTH, LEFT, RIGHT, ROW, TOP = 860, 400, 80, 26, 44
HEIGHT, BELOW = 300, 46  # of a line plot
_INK, _BAR, _FIRST, _AIM = "#1f2933", "#2b6cb0", "#c05621", "#2f855a"


class Bar(NamedTuple):
    """A measure and its targets."""

    name: str
    value: float
    first: float | None = None
    aim: float | None = None


class Point(NamedTuple):
    """Of a line; `x` is above 0."""

    x: float
    y: float


def bars(title: str, rows: Sequence[Bar]) -> str:
    """Horizontal bars; the targets stand as strokes: the first one brown, the aim green."""
    most = max(max(row.value, row.first or 0, row.aim or 0) for row in rows) or 1
    scale = (WIDTH - LEFT - RIGHT) / most
    parts = []
    for number, row in enumerate(rows):
        y = TOP + number * ROW
        end = LEFT + row.value * scale
        parts.append(_text(LEFT - 8, y + 15, row.name, "end"))
        parts.append(
            f'<rect x="{LEFT}" y="{y + 3}" width="{row.value * scale:.1f}" height="{ROW - 10}" fill="{_BAR}"/>'
        )
        for limit, colour in ((row.first, _FIRST), (row.aim, _AIM)):
            if limit is not None:
                x = LEFT + limit * scale
                parts.append(
                    f'<line x1="{x:.1f}" y1="{y}" x2="{x:.1f}" y2="{y + ROW - 4}" stroke="{colour}" stroke-width="2.5"/>'
                )
        beside = max(end, *(LEFT + (limit or 0) * scale for limit in (row.first, row.aim)))
        parts.append(_text(beside + 6, y + 15, f"{row.value:,.0f}", "start"))
    return _svg(title, TOP + len(rows) * ROW + 10, parts)


def line(title: str, points: Sequence[Point], across: str, unit: str) -> str:
    """A line over the logarithm of `x`, from zero upwards."""
    first, last = math.log10(points[0].x), math.log10(points[-1].x)
    most = max(point.y for point in points) * 1.2 or 1
    wide, high = WIDTH - 2 * RIGHT, HEIGHT - TOP - BELOW
    placed = [
        (
            RIGHT + (math.log10(point.x) - first) / ((last - first) or 1) * wide,
            TOP + high - point.y / most * high,
            point,
        )
        for point in points
    ]
    way = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in placed)
    floor = TOP + high
    parts = [
        f'<line x1="{RIGHT}" y1="{floor}" x2="{WIDTH - RIGHT}" y2="{floor}" stroke="{_INK}"/>',
        f'<polyline points="{way}" fill="none" stroke="{_BAR}" stroke-width="2.5"/>',
    ]
    for x, y, point in placed:
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{_BAR}"/>')
        parts.append(_text(x, y - 10, f"{point.y:,.0f} {unit}", "middle"))
        parts.append(_text(x, floor + 18, f"{point.x:,.0f}", "middle"))
    parts.append(_text(WIDTH / 2, floor + 38, across, "middle"))
    return _svg(title, HEIGHT, parts)


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _svg(title: str, height: float, parts: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:.0f}" viewBox="0 0 {WIDTH} {height:.0f}"'
        f' role="img" font-family="sans-serif" font-size="12" fill="{_INK}">'
    )
    named = [
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{height:.0f}" fill="#ffffff"/>',
        f'<text x="12" y="22" font-size="15" font-weight="bold">{escape(title)}</text>',
    ]
    return "\n".join([head, *named, *parts, "</svg>"]) + "\n"
