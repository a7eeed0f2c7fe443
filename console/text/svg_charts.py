"""Pictures of numbers as SVG, with classes and no colours inside; the same numbers stand in words or a table beside them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from unicodedata import east_asian_width

from markupsafe import Markup, escape

from console.text.deadline_text import Boxes

_BEFORE, _AFTER = 10, 7  # boxes at most on each side of the tick
_PITCH, _FIRST, _OVER = 8.0, 71.6, 83.6


def draw_boxes(of: Boxes) -> Markup:
    """The boxes of a deadline; the tick is the deadline and stands at the same place in every row."""
    parts: list[str] = []
    shown = of.total if of.total <= _BEFORE else _BEFORE - 1
    if shown < of.total:
        parts.append('<path class="tl" d="M1 5h6"/>')
    for index in range(of.total - shown, of.total):
        x = _FIRST - _PITCH * (of.total - index - 1)
        if index < of.spent:
            parts.append(_draw_box("e", x))
        else:
            parts.append(_draw_box("h", x))
            if index == of.spent and of.half:
                parts.append(_draw_box("e", x, 2.4))
    parts.append('<path class="tk" d="M79 0h2v10h-2z"/>')
    parts += [_draw_box("v", _OVER + _PITCH * index) for index in range(min(of.over, _AFTER))]
    if of.over > _AFTER:
        parts.append('<path class="ch" d="M141 1.5 145 5l-4 3.5"/>')
    elif of.over_half and of.over < _AFTER:
        x = _OVER + _PITCH * of.over
        parts += [_draw_box("vh", x), _draw_box("v", x, 2.4)]
    return Markup(f'<svg class="bx" viewBox="0 0 148 10" aria-hidden="true">{"".join(parts)}</svg>')  # noqa: S704 only numbers are put in


def _draw_box(kind: str, x: float, width: float = 4.8) -> str:
    return f'<rect class="{kind}" x="{x:.1f}" y="1.6" width="{width}" height="6.8"/>'


def _define_hatch(name: str) -> str:
    size = 'width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"'
    return f'<defs><pattern id="{name}" {size}><path class="hx" d="M0 0v5"/></pattern></defs>'


@dataclass(frozen=True, slots=True)
class OutlookDay:
    """One day of the outlook."""

    day: date
    n: int
    works: bool
    label: str  # below the bar
    say: str  # for those who hear it


def draw_outlook(days: Sequence[OutlookDay]) -> Markup:
    """Obligations due per day; days off are hatched, the first is today."""
    width = 620 / max(1, len(days))
    top = max([one.n for one in days] + [6])
    parts = [_define_hatch("ht")]
    for index, one in enumerate(days):
        middle = width * (index + 0.5)
        height = round(30 * one.n / top) if one.n else 0
        if not one.works:
            parts.append(f'<rect x="{middle - 20:.0f}" y="2" width="40" height="46" fill="url(#ht)"/>')
        if one.n:
            kind = "now" if index == 0 else "bar"
            height = max(2, height)
            parts.append(f'<rect class="{kind}" x="{middle - 9:.0f}" y="{48 - height}" width="18" height="{height}"/>')
            if not one.works:
                parts.append(f'<rect x="{middle - 8:.0f}" y="{34 - height}" width="16" height="13" class="bgk"/>')
            parts.append(f'<text class="tb" x="{middle:.0f}" y="{44 - height}" text-anchor="middle">{one.n}</text>')
        tone = ' class="tt"' if index == 0 else ""
        parts.append(f'<text{tone} x="{middle:.0f}" y="62" text-anchor="middle">{escape(one.label)}</text>')
    said = escape("; ".join(one.say for one in days))
    return Markup(  # noqa: S704 texts are escaped above
        f'<svg class="svg" viewBox="0 0 620 66" role="img" aria-label="{said}">{"".join(parts)}'
        '<path class="ax" d="M0 48.5h620"/></svg>'
    )


@dataclass(frozen=True, slots=True)
class ObligationLine:
    """One obligation of a person: its window, when it was due, when it was met; days are numbered from the chart's first.

    A name too long for its place is cut; the list below the chart has it whole.
    """

    name: str
    below: str
    start: float
    due: float
    met: float | None
    late: bool
    future: bool
    note: str


@dataclass(frozen=True, slots=True)
class ChartSpan:
    """The days that the overview shows."""

    days: float
    today: float | None
    weeks: Sequence[tuple[float, str]]
    off: Sequence[float]
    today_label: str


_LEFT, _RIGHT = 236.0, 1166.0
_NAME, _BELOW = 32, 42  # letters before the chart; a Chinese character takes the place of two
_TODAY, _LABEL = 41.0, 26.0  # half the width of the flag of today, the width of a week's label: they do not overlap


def draw_overview(lines: Sequence[ObligationLine], span: ChartSpan, say: str) -> Markup:
    """Expected beside actual over time: one line for each obligation."""
    scale = (_RIGHT - _LEFT) / max(1.0, span.days)
    height = 36 * len(lines) + 46
    parts = [_define_hatch("hw")]
    parts += [
        f'<rect x="{_LEFT + day * scale:.1f}" y="22" width="{scale:.1f}" height="{height - 32}" fill="url(#hw)" opacity=".55"/>'
        for day in span.off
    ]
    for at, label in span.weeks:
        x = _LEFT + at * scale
        hidden = span.today is not None and -_TODAY - _LABEL < at * scale - span.today * scale < _TODAY
        parts.append("" if hidden else f'<text x="{x:.1f}" y="12">{escape(label)}</text>')
        parts.append(f'<path class="ax" d="M{x:.1f} 16v6"/>')
    parts.append(f'<path class="ax" d="M{_LEFT:.0f} 22H{_RIGHT:.0f}"/>')
    for index, line in enumerate(lines):
        parts.append(_draw_line(line, 46 + 36 * index, scale, span))
    if span.today is not None:
        x = _LEFT + span.today * scale
        parts.append(
            f'<path class="tdy" d="M{x:.1f} 20V{height - 10}"/><rect class="now" x="{x - 39:.1f}" y="1" width="78" height="16" rx="3"/>'
            f'<text class="on" x="{x:.1f}" y="13" text-anchor="middle">{escape(span.today_label)}</text>'
        )
    return Markup(  # noqa: S704 texts are escaped above
        f'<svg class="svg ovw" viewBox="0 0 1180 {height}" role="img" aria-label="{escape(say)}">{"".join(parts)}</svg>'
    )


def cut_text(text: str, letters: int) -> str:
    """The text, or as much of it as fits into the place of so many letters, with "…" at its end."""
    places = list(accumulate(2 if east_asian_width(one) in "WF" else 1 for one in text))
    if not places or places[-1] <= letters:
        return text
    return f"{text[: sum(end < letters for end in places)].rstrip()}…"


def _draw_line(line: ObligationLine, y: int, scale: float, span: ChartSpan) -> str:
    def at(day: float) -> float:
        return _LEFT + min(max(day, 0.0), span.days) * scale

    start, due = at(line.start), at(line.due)
    end = at(line.met) if line.met is not None else at(span.today) if span.today is not None else due
    parts = [
        f'<text class="tb big" x="0" y="{y + 1}">{escape(cut_text(line.name, _NAME))}</text>',
        f'<text x="0" y="{y + 14}">{escape(cut_text(line.below, _BELOW))}</text>',
    ]
    parts.append(f'<path class="ln{" dash" if line.future else ""}" d="M{start:.1f} {y}H{due:.1f}"/>')
    if line.late and end > due:
        parts.append(
            f'<rect class="gap" x="{due:.1f}" y="{y - 9}" width="{end - due:.1f}" height="18"/><path class="lo" d="M{due:.1f} {y}H{end:.1f}"/>'
        )
    parts.append(f'<circle class="hol" cx="{due:.1f}" cy="{y}" r="5.5"/>')
    if line.met is not None:
        parts.append(f'<circle class="{"lat" if line.late else "fil"}" cx="{end:.1f}" cy="{y}" r="5.5"/>')
    if line.note:
        right = max(due, end if line.late or line.met is not None else due)
        before = right > _RIGHT - 150
        x = min(due, right) - 12 if before else right + 12
        anchor = ' text-anchor="end"' if before else ""
        parts.append(
            f'<text class="{"to" if line.late else "tx"}" x="{x:.1f}" y="{y + 4}"{anchor}>{escape(line.note)}</text>'
        )
    return "".join(parts)


def draw_pulse(hours: Sequence[int], say: str, *, silent: bool) -> Markup:
    """Events of the last hours, one bar each; hatched red where a silent feed sent none."""
    if silent and not any(hours):
        lines = "".join(f"M{x} 22l10-22" for x in range(0, 6 * len(hours) - 10, 6))
        bars = f'<path class="lo" d="{lines}"/>'
    else:
        top = max([*hours, 1])
        bars = "".join(
            f'<rect class="{"bar" if n else "off"}" x="{6 * index}" y="{22 - height}" width="5" height="{height}"/>'
            for index, n in enumerate(hours)
            for height in (max(2, round(22 * n / top)) if n else 1,)
        )
    return Markup(f'<svg class="pulse svg" viewBox="0 0 144 22" role="img" aria-label="{escape(say)}">{bars}</svg>')  # noqa: S704 escaped


def draw_spark(percents: Sequence[float | None], say: str) -> Markup:
    """A small curve of percentages between 40 and 100, the line at 95 dashed; months without one are left out."""
    step = 82 / max(1, len(percents) - 1)
    points = [(4 + step * i, 27 - 24 * (max(40.0, p) - 40) / 60) for i, p in enumerate(percents) if p is not None]
    parts = ['<path class="ax" stroke-dasharray="2 2" d="M2 5H90"/>']
    if len(points) > 1:
        parts.append(f'<polyline class="ok" points="{" ".join(f"{x:.0f},{y:.1f}" for x, y in points)}"/>')
    if points:
        parts.append(f'<circle class="okf" cx="{points[-1][0]:.0f}" cy="{points[-1][1]:.1f}" r="2.6"/>')
    return Markup(f'<svg class="svg" viewBox="0 0 92 30" role="img" aria-label="{escape(say)}">{"".join(parts)}</svg>')  # noqa: S704 the text is escaped


def draw_share(before: int, after: int, widest: int) -> Markup:
    """Two counts in one bar: solid what is after a change, hollow what was before; the table beside it has the numbers."""
    full = 128.0
    outer, inner = full * before / widest, full * after / widest
    parts = f'<rect class="hol" x="1" y="2" width="{outer:.0f}" height="10"/><rect class="bar" x="1" y="2" width="{inner:.0f}" height="10"/>'
    return Markup(f'<svg class="svg" width="132" height="14" viewBox="0 0 132 14" aria-hidden="true">{parts}</svg>')  # noqa: S704 only numbers
