"""A copy of the file with each error beside its cell: a red cell with a note, and all errors of the row in a last column."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from openpyxl.cell.cell import MergedCell
from openpyxl.comments import Comment
from openpyxl.styles import PatternFill

from gateway.spreadsheets.cells import is_personal
from gateway.spreadsheets.sheet import ERRORS_TITLE, Row, Sheet, find_sheet, open_workbook, read_lines
from schemas import pii

_AUTHOR = "handover"
_RED = PatternFill("solid", fgColor="FFFFC7CE")
_WIDTH, _HEIGHT = 320, 90  # of a note, in points


def write_marked(path: Path, sheet: Sheet, target: Path) -> None:
    """Write a marked copy of `path`. Personal numbers are starred in it: it may go from hand to hand. Raise UnreadableSheet, OSError."""
    if path.suffix.lower() == ".csv":
        _mark_csv(path, sheet, target)
    else:
        _mark_workbook(path, sheet, target)


def _mark_workbook(path: Path, sheet: Sheet, target: Path) -> None:
    book = open_workbook(path)
    page = find_sheet(book, sheet.title)
    last = page.max_column if page.cell(sheet.header, page.max_column).value == ERRORS_TITLE else page.max_column + 1
    page.cell(sheet.header, last, ERRORS_TITLE)
    for cells in page.iter_rows(min_row=sheet.header + 1, max_col=last):
        for cell in cells:
            _clear(cell, is_last=cell.column == last)
    for row in sheet.rows:
        for name, text in row.errors:
            if name:
                _mark_cell(page.cell(row.number, sheet.places[name]) if name in sheet.places else None, text)
        if row.errors:
            page.cell(row.number, last, "\n".join(_lines_of(row))).fill = _RED
    book.save(target)


def _clear(cell: Any, *, is_last: bool) -> None:
    """Take away an earlier mark, and what no copy may carry on."""
    if isinstance(cell, MergedCell):
        return
    if cell.comment is not None and cell.comment.author == _AUTHOR:
        cell.comment, cell.fill = None, PatternFill()
    if is_last:
        cell.value, cell.fill = None, PatternFill()
    elif is_personal(cell.value):
        cell.value = _star(cell.value)


def _mark_cell(cell: Any, text: str) -> None:
    if cell is None or isinstance(cell, MergedCell):
        return
    cell.fill = _RED
    cell.comment = Comment(text, _AUTHOR, height=_HEIGHT, width=_WIDTH)


def _text_of(value: Any) -> str:
    return f"{value:.0f}" if isinstance(value, int | float) else str(value)


def _star(value: Any) -> str:
    text = _text_of(value)
    masked = pii.mask(text)
    return masked if masked != text else "*"


def _mark_csv(path: Path, sheet: Sheet, target: Path) -> None:
    wrong = {row.number: row for row in sheet.rows if row.errors}
    with target.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        for number, line in enumerate(read_lines(path), start=1):
            row = wrong.get(number)
            if number == sheet.header:
                writer.writerow([*line, ERRORS_TITLE])
            elif row is None:
                writer.writerow(_starred(line))
            else:
                writer.writerow([*_starred(line), "; ".join(_lines_of(row))])


def _starred(line: list[str]) -> list[str]:
    return [_star(text) if is_personal(text) else text for text in line]


def _lines_of(row: Row) -> Iterator[str]:
    for name, text in row.errors:
        yield f"{name}: {text}" if name and not text.startswith(("data.", f"{name}:")) else text
