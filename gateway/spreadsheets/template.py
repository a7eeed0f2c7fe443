"""An empty workbook for one kind of event: names of columns, drop-downs, cells of dates, one sheet more with the codes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.styles import Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from gateway.spreadsheets.columns import NO, YES, Column, payload_of, sheet_title_of

_CODES = "codes"
_ROWS = 5_000  # that have drop-downs and formats
_HINTS = {
    "date": "2026-03-05",
    "instant": "2026-03-05 09:20",
    "list": "A, B",
    "json": "JSON",
    "check": f"{YES.zh} / {NO.zh}",
}
_FORMATS = {"date": "yyyy-mm-dd", "instant": "yyyy-mm-dd hh:mm", "text": "@", "list": "@", "json": "@", "choice": "@"}
_HEAD = PatternFill("solid", fgColor="FFDDEBF7")


def write_template(fact: str, columns: Sequence[Column], path: Path) -> None:
    """Write the workbook of a fact. Raise UnknownKind, OSError."""
    payload = payload_of(fact)
    book = Workbook()
    page = book.active
    assert page is not None
    page.title = sheet_title_of(fact)
    codes = book.create_sheet(_CODES)
    for place, column in enumerate(columns, start=1):
        _head(page, place, column, payload)
        _cells(page, codes, place, column)
    page.freeze_panes = "A2"
    codes.sheet_state = "hidden"
    book.save(path)


def _head(page: Any, place: int, column: Column, payload: Any) -> None:
    words = f" {column.label.zh}" if column.label.zh != column.name else ""
    cell = page.cell(1, place, f"{column.name}{words}{' *' if column.is_needed else ''}")
    cell.font, cell.fill = Font(bold=True), _HEAD
    described = next(
        (one.description for name, one in payload.model_fields.items() if (one.alias or name) == column.name), None
    )
    hint = "\n".join(text for text in (column.label.en, described, _HINTS.get(column.kind)) if text)
    cell.comment = Comment(hint, "handover")
    page.column_dimensions[get_column_letter(place)].width = max(14, len(str(cell.value)) + 6)


def _cells(page: Any, codes: Any, place: int, column: Column) -> None:
    letter = get_column_letter(place)
    if column.kind in _FORMATS:
        page.column_dimensions[letter].number_format = _FORMATS[column.kind]
        for number in range(2, 202):  # a format of the whole column is not taken by every program
            page.cell(number, place).number_format = _FORMATS[column.kind]
    options = [f"{code} {label.zh}" for code, label in column.choices.items()] if column.kind == "choice" else []
    options = [YES.zh, NO.zh] if column.kind == "check" else options
    if not options:
        return
    codes.cell(1, place, column.name)
    for number, text in enumerate(options, start=2):
        codes.cell(number, place, text)
    listed = DataValidation(
        "list", f"={_CODES}!${letter}$2:${letter}${len(options) + 1}", allow_blank=not column.is_needed
    )
    listed.showErrorMessage = True
    page.add_data_validation(listed)
    listed.add(f"{letter}2:{letter}{_ROWS}")
