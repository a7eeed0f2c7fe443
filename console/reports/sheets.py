"""Tables as files: CSV for programs (UTF-8 with a mark, so that spreadsheets read Chinese), xlsx for people. No cell starts a formula."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from console.web.values import strip_invisible
from schemas.instants import show

Format = Literal["csv", "xlsx"]
FORMATS: tuple[Format, ...] = ("xlsx", "csv")
MEDIA: dict[Format, str] = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
MOST_ROWS = 100_000
_STARTS_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "﹢", "﹣", "﹦", "﹫", "−", "\t", "\r", "\n")
_MARK = "\ufeff"
_WIDEST = 60


@dataclass(frozen=True, slots=True)
class Sheet:
    """What stands in a file: a name, lines above the table (number, who, as of when, filters), heads, rows."""

    name: str
    about: Sequence[tuple[str, str]]
    heads: Sequence[str]
    rows: Iterable[Sequence[Any]]


def clean_cell(value: Any) -> str | int | float:
    """A value as it stands in a cell: instants with their offset, text that would start a formula behind an apostrophe."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, datetime):
        return show(value)
    if isinstance(value, int | float):
        return value
    text = strip_invisible(str(value))
    return f"'{text}" if text.startswith(_STARTS_FORMULA) else text


def as_csv(sheet: Sheet) -> Iterator[bytes]:
    """The file, piece by piece: what is above the table comes first, each as a line of two cells, then an empty line."""
    yield _MARK.encode()
    above: list[Sequence[Any]] = [*sheet.about, (), sheet.heads]
    for row in above:
        yield _format_line(row)
    for row in sheet.rows:
        yield _format_line(row)


def _format_line(row: Sequence[Any]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow([clean_cell(value) for value in row])
    return text.getvalue().encode()


def as_xlsx(sheet: Sheet) -> bytes:
    """The file: the table on the first sheet, what is above it in its first lines. Written row by row."""
    book = Workbook(write_only=True)
    page = book.create_sheet(_limit_title(sheet.name))
    widths = [len(head) * 2 + 2 for head in sheet.heads]
    for index, width in enumerate(widths):
        page.column_dimensions[_column_letter(index)].width = min(max(width, 14), _WIDEST)
    page.freeze_panes = f"A{len(sheet.about) + 3}"
    for pair in sheet.about:
        page.append([_format_text(page, value) for value in pair])
    page.append([])
    page.append([_format_text(page, head, bold=True) for head in sheet.heads])
    for row in sheet.rows:
        page.append([_format_text(page, value) for value in row])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _format_text(page: Any, value: Any, *, bold: bool = False) -> Any:
    shown = clean_cell(value)
    if not isinstance(shown, str):
        return shown
    made = WriteOnlyCell(page, value=shown)
    made.data_type = "s"  # never a formula, whatever it says
    if bold:
        made.font = Font(bold=True)
    return made


def _limit_title(name: str) -> str:
    return "".join("-" if one in "[]:*?/\\" else one for one in name)[:31]


def _column_letter(index: int) -> str:
    return chr(ord("A") + index) if index < 26 else chr(ord("A") + index // 26 - 1) + chr(ord("A") + index % 26)
