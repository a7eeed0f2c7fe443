"""The rows of a file as offices keep them: .xlsx, or CSV in UTF-8 or GBK. What a cell hides is an error of that cell."""

import csv
import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from charset_normalizer import from_bytes
from openpyxl import load_workbook
from openpyxl.worksheet.formula import ArrayFormula, DataTableFormula

from gateway.spreadsheets.columns import SUBJECT, Column
from schemas.text_files import skip_mark

LARGEST, LARGEST_UNPACKED = 20 * 1024 * 1024, 300 * 1024 * 1024  # bytes
MOST_ROWS, MOST_COLUMNS = 50_000, 100
_HEADER_WITHIN = 20  # rows; titles may stand above it
_CHINESE = ("utf_8", "gb18030")  # GBK is a part of the second
_SEPARATORS = ",;\t"
ERRORS_TITLE = "错误 errors"  # of the column that a marked copy has

FORMULA = "公式：请复制后选择性粘贴为数值 / a formula: paste its value"
MERGED = "合并的单元格：请取消合并并逐行填写 / merged cells: unmerge and fill in each row"
HIDDEN = "隐藏或被筛掉的行：请显示后检查，或删除 / a hidden row: show it and check it, or delete it"
BROKEN = "单元格是错误值 / the cell holds an error"


class UnreadableSheet(ValueError):
    """A file of which no row can be read. The text says why and what to do."""


@dataclass(slots=True)
class Row:
    """One row: its number as the office sees it, its cells by the names of columns, what is wrong with it by column ("": the row)."""

    number: int
    cells: Mapping[str, Any]
    errors: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rows of a file, and where its columns stand (1 is the first)."""

    title: str
    header: int
    places: Mapping[str, int]
    rows: Sequence[Row]
    not_read: Sequence[str] = ()  # titles of columns that no field has


def read_sheet(path: Path, columns: Sequence[Column], title: str | None = None) -> Sheet:
    """Read a file. `title`: the sheet of a workbook; without it the first that is shown. Raise UnreadableSheet, OSError."""
    if path.stat().st_size > LARGEST:
        raise UnreadableSheet(f"larger than {LARGEST // 1024 // 1024} MiB; divide it")
    kind = path.suffix.lower()
    if kind == ".csv":
        return _read_csv(path, columns)
    if kind != ".xlsx":
        raise UnreadableSheet("neither .xlsx nor .csv; save it as one of them")
    return _read_workbook(path, columns, title)


# --- workbooks


def open_workbook(path: Path) -> Any:
    """Open a workbook with formulas as they are. Raise UnreadableSheet, OSError."""
    try:
        with zipfile.ZipFile(path) as packed:
            unpacked = sum(one.file_size for one in packed.infolist())
        book = load_workbook(path) if unpacked <= LARGEST_UNPACKED else None
    except (zipfile.BadZipFile, ValueError, KeyError, TypeError, AttributeError, IndexError, SyntaxError, EOFError):
        raise UnreadableSheet("no workbook that can be read; save it anew as .xlsx, without a password") from None
    if book is None:
        raise UnreadableSheet("unpacked it is too large; divide it")
    return book


def find_sheet(book: Any, title: str | None) -> Any:
    """Return the sheet that is read. Raise UnreadableSheet."""
    shown = [one for one in book.worksheets if one.sheet_state == "visible"]
    found = [one for one in shown if title is None or one.title == title]
    if not found:
        raise UnreadableSheet(f"no sheet is called {title}" if title else "no sheet is shown")
    return found[0]


def _read_workbook(path: Path, columns: Sequence[Column], title: str | None) -> Sheet:
    sheet = find_sheet(open_workbook(path), title)
    if sheet.max_row > MOST_ROWS + _HEADER_WITHIN:
        raise UnreadableSheet(f"more than {MOST_ROWS} rows; divide it, or delete empty rows that have a format")
    width = min(sheet.max_column, MOST_COLUMNS)
    cells = list(sheet.iter_rows(max_col=width))
    header, places = _find_header([[cell.value for cell in row] for row in cells[:_HEADER_WITHIN]], columns)
    merged = {
        (row, column)
        for area in sheet.merged_cells.ranges
        for row in range(max(area.min_row, header + 1), area.max_row + 1)
        for column in range(area.min_col, area.max_col + 1)
    }
    rows = []
    for number, row in enumerate(cells[header:], start=header + 1):
        found = _row_of(number, {name: row[place - 1] for name, place in places.items()}, merged, places)
        if sheet.row_dimensions[number].hidden and any(_is_filled(one) for one in found.cells.values()):
            found.errors.append(("", HIDDEN))
        rows.append(found)
    titles = [cell.value for cell in cells[header - 1]]
    return Sheet(sheet.title, header, places, _leave_out(rows, columns), _not_read(titles, columns))


def _row_of(number: int, cells: Mapping[str, Any], merged: set[tuple[int, int]], places: Mapping[str, int]) -> Row:
    found = Row(number, {name: _value_of(cell) for name, cell in cells.items()})
    for name, cell in cells.items():
        if (number, places[name]) in merged:
            found.errors.append((name, MERGED))
        elif cell.data_type == "f" or isinstance(cell.value, ArrayFormula | DataTableFormula):
            found.errors.append((name, FORMULA))
        elif cell.data_type == "e":
            found.errors.append((name, BROKEN))
    return found


def _value_of(cell: Any) -> Any:
    """The value; of a date whose format shows no hour only the day is meant."""
    value = cell.value
    is_day = getattr(cell, "is_date", False) and hasattr(value, "date") and "h" not in str(cell.number_format).lower()
    return value.date() if is_day else value


# --- CSV


def read_lines(path: Path) -> list[list[str]]:
    """Return the cells of a CSV file, whatever of the two encodings and three separators it has. Raise UnreadableSheet, OSError."""
    text = _decode(skip_mark(path.read_bytes()))
    first = text[: text.find("\n")] if "\n" in text else text
    separator = max(_SEPARATORS, key=first.count)
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except csv.Error:
        raise UnreadableSheet("no CSV: a quotation mark is not closed; save it anew from the spreadsheet") from None
    if len(lines) > MOST_ROWS + _HEADER_WITHIN:
        raise UnreadableSheet(f"more than {MOST_ROWS} rows; divide it")
    return lines


def _decode(value: bytes) -> str:
    for name in _CHINESE:
        try:
            text = value.decode(name)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    best = from_bytes(value).best()
    if best is None:
        raise UnreadableSheet("its encoding is not known; save it as CSV UTF-8")
    return str(best)


def _read_csv(path: Path, columns: Sequence[Column]) -> Sheet:
    lines = read_lines(path)
    header, places = _find_header(lines[:_HEADER_WITHIN], columns)
    rows = []
    for number, line in enumerate(lines[header:], start=header + 1):
        cells = {name: line[place - 1] if place <= len(line) else None for name, place in places.items()}
        errors = [(name, FORMULA) for name, text in cells.items() if text and text.lstrip().startswith("=")]
        rows.append(Row(number, cells, errors))
    return Sheet("", header, places, _leave_out(rows, columns), _not_read(lines[header - 1], columns))


# --- both


def clean(text: str) -> str:
    """A text without blanks around it, of any width, and without characters that nobody sees at its ends."""
    return text.strip().strip("\u200b\u200e\u200f\ufeff\u3000\xa0").strip()


def _find_header(rows: Iterable[Sequence[Any]], columns: Sequence[Column]) -> tuple[int, Mapping[str, int]]:
    """The row of the header (1 is the first) and the places of its columns: titles may stand above it, columns in any order."""
    for number, row in enumerate(rows, start=1):
        named = [(_name_of(value, columns), place) for place, value in enumerate(row[:MOST_COLUMNS], start=1)]
        names = [name for name, _ in named if name]
        if SUBJECT in names and len(set(names)) > 1:
            if twice := sorted({name for name in names if names.count(name) > 1}):
                raise UnreadableSheet(f"column {twice[0]} is there twice; delete one")
            places = {name: place for name, place in named if name}
            if missing := [one.name for one in columns if one.is_needed and one.name not in places]:
                raise UnreadableSheet(f"column {missing[0]} is missing; take the template")
            return number, places
    raise UnreadableSheet(
        "no row with the names of columns; take the template: handover import --template KIND OUT.xlsx"
    )


def _not_read(titles: Sequence[Any], columns: Sequence[Column]) -> list[str]:
    filled = [clean(str(one)) for one in titles if _is_filled(one)]
    return [one for one in filled if one != ERRORS_TITLE and not _name_of(one, columns)]


def _name_of(value: Any, columns: Sequence[Column]) -> str:
    """The column that a title means: its name, what people call it, or both, one after the other. A star marks what is needed."""
    if not isinstance(value, str):
        return ""
    text = clean(value).rstrip("*＊").strip()
    for one in columns:
        if text in one.titles or text.split(maxsplit=1)[:1] == [one.name]:
            return one.name
    return ""


def _leave_out(rows: Sequence[Row], columns: Sequence[Column]) -> list[Row]:
    """Without empty rows, and without a header that stands there again, perhaps in other words."""
    return [row for row in rows if any(map(_is_filled, row.cells.values())) and not _is_header(row, columns)]


def _is_header(row: Row, columns: Sequence[Column]) -> bool:
    filled = {name: value for name, value in row.cells.items() if _is_filled(value)}
    return len(filled) > 1 and all(_name_of(value, columns) == name for name, value in filled.items())


def _is_filled(value: Any) -> bool:
    return clean(value) != "" if isinstance(value, str) else value is not None
