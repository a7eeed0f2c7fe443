"""Files as offices send them: what is meant is read, what cannot be known is an error of its cell, and nothing else is sent."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from openpyxl import Workbook, load_workbook

from cli.commands.import_sheet import _read_labels
from cli.main import run
from gateway.spreadsheets.cells import NO_DATE, NO_INSTANT, PERSONAL, ROUNDED
from gateway.spreadsheets.columns import UnknownKind, columns_of, find_kind
from gateway.spreadsheets.rows import Imported, read_rows
from gateway.spreadsheets.sheet import BROKEN, FORMULA, HIDDEN, MERGED, Sheet, UnreadableSheet, read_sheet
from schemas.catalogue import PAYLOADS_BY_FACT
from schemas.examples import PERSON_REF, event_of
from tests.gateway.fixtures import COUNTY, citizen_number

NOW = datetime(2026, 3, 20, tzinfo=UTC)
FACT, TOWN = "intake.verification_returned", "/agencies/TOWN_JUSTICE-990102004-01"
TITLES = ("row_key", "subject", "time", "result", "checked_on", "family_contacted")
GOOD = ("1", PERSON_REF, "2026-03-05 09:20", "VERIFIED", "2026-03-05", "是")


def at(hour: int = 0, minute: int = 0) -> datetime:
    """An instant as a cell holds it: without an offset."""
    return datetime(2026, 3, 5, hour, minute, tzinfo=UTC).replace(tzinfo=None)


def book(folder: Path, *rows: Sequence[Any], change: Callable[[Any], object] = lambda page: None) -> Path:
    made = Workbook()
    page = made.active
    assert page is not None
    for row in rows:
        page.append(list(row))
    change(page)
    path = folder / "office.xlsx"
    made.save(path)
    return path


def read(path: Path, fact: str = FACT, source: str = TOWN) -> tuple[Sheet, list[Imported]]:
    columns = columns_of(fact, _read_labels())
    sheet = read_sheet(path, columns)
    return sheet, read_rows(sheet, fact, source, columns, NOW)


def errors(sheet: Sheet) -> list[tuple[int, str, str]]:
    return [(row.number, name, text) for row in sheet.rows for name, text in row.errors]


def with_value(**values: Any) -> tuple[Any, ...]:
    return tuple(values.get(name, one) for name, one in zip(TITLES, GOOD, strict=True))


def data_of(folder: Path, **values: Any) -> Mapping[str, Any]:
    sheet, [one] = read(book(folder, TITLES, with_value(**values)))
    assert not errors(sheet)
    return {**one.event.data, "time": one.event.time.isoformat()}


# --- ten mistakes


def test_merged_cells_are_refused_in_each_of_their_rows(tmp_path: Path) -> None:
    path = book(tmp_path, TITLES, GOOD, with_value(row_key="2"), change=lambda page: page.merge_cells("D2:D3"))
    sheet, imported = read(path)
    assert errors(sheet) == [(2, "result", MERGED), (3, "result", MERGED)]
    assert imported == []


@pytest.mark.parametrize(
    "written",
    [
        "2026-03-05",
        "2026.3.5",
        "2026/3/5",
        "2026年3月5日",
        "20260305",
        20260305,
        "2026-3-5 ",
        date(2026, 3, 5),
        at(),
    ],
)
def test_a_date_is_read_in_every_way_that_names_the_year_first(tmp_path: Path, written: Any) -> None:
    assert data_of(tmp_path, checked_on=written)["checked_on"] == "2026-03-05"


@pytest.mark.parametrize(
    "written",
    [
        "3/5/2026",
        "5.3.26",
        "2026-02-30",
        "2026.3",
        "yesterday",
        46086,
        46086.5,
        "2026-03-05 09:20",
        at(1),
    ],
)
def test_a_date_that_may_be_another_is_refused(tmp_path: Path, written: Any) -> None:
    sheet, _ = read(book(tmp_path, TITLES, with_value(checked_on=written)))
    assert errors(sheet) == [(2, "checked_on", NO_DATE)]


@pytest.mark.parametrize(
    "written",
    [
        "2026-03-05 09:20",
        "2026.3.5 9:20",
        "2026/3/5 9：20",
        "2026年3月5日9时20分",
        "2026-03-05T09:20:00",
        "2026-03-05T01:20:00Z",
        at(9, 20),
    ],
)
def test_a_time_is_that_of_the_office(tmp_path: Path, written: Any) -> None:
    assert data_of(tmp_path, time=written)["time"] == "2026-03-05T09:20:00+08:00"


@pytest.mark.parametrize("written", ["2026.3.5", date(2026, 3, 5), "2026-03-05 25:00", "09:20", 46086.4])
def test_a_time_without_its_hour_is_refused(tmp_path: Path, written: Any) -> None:
    """It would count as midnight, and an answer of the day as one of the day before."""
    sheet, _ = read(book(tmp_path, TITLES, with_value(time=written)))
    assert errors(sheet) == [(2, "time", NO_INSTANT)]


def test_blanks_around_a_value_are_no_part_of_it(tmp_path: Path) -> None:
    blanks = {name: f"\u3000 {one}\xa0\t \u200b" for name, one in zip(TITLES, GOOD, strict=True)}
    _, [spaced] = read(book(tmp_path, [f" {one} " for one in TITLES], with_value(**blanks)))
    _, [plain] = read(book(tmp_path, TITLES, GOOD))
    assert spaced.value == plain.value


def test_rows_of_blanks_are_no_rows(tmp_path: Path) -> None:
    sheet, imported = read(book(tmp_path, TITLES, ["", " ", "\u3000"], GOOD, [None] * 6, [" "]))
    assert (len(sheet.rows), len(imported)) == (1, 1)


@pytest.mark.parametrize("code", [990103, 990103.0, "990103", "990103 "])
def test_a_code_that_became_a_number_is_the_code(tmp_path: Path, code: Any) -> None:
    path = book(
        tmp_path, ["subject", "time", "reason", "suggested_code"], [PERSON_REF, GOOD[2], "LIVES_ELSEWHERE", code]
    )
    _, [one] = read(path, "intake.returned", COUNTY)
    assert one.event.data["suggested_code"] == "990103"


@pytest.mark.parametrize(("column", "formula"), [("D", '="VERIFIED"'), ("E", "=TODAY()"), ("C", "=NOW()")])
def test_a_formula_is_refused(tmp_path: Path, column: str, formula: str) -> None:
    path = book(tmp_path, TITLES, GOOD, change=lambda page: page.__setitem__(f"{column}2", formula))
    sheet, imported = read(path)
    assert [(name, text) for _, name, text in errors(sheet)] == [(TITLES[ord(column) - ord("A")], FORMULA)]
    assert imported == []


def test_an_error_of_the_spreadsheet_is_refused(tmp_path: Path) -> None:
    sheet, _ = read(book(tmp_path, TITLES, with_value(result="#REF!")))
    assert errors(sheet) == [(2, "result", BROKEN)]


def test_titles_above_the_header_and_headers_in_two_languages_are_no_rows(tmp_path: Path) -> None:
    words = ["行号（不变，不重复）", "人员代号", "发生时间", "结果", "核查日", "已联系家属"]

    def merge(page: Any) -> None:
        page.merge_cells("A1:F1")

    sheet, imported = read(
        book(
            tmp_path,
            ["核实情况登记表"],
            ["基本信息", "", "", "情况"],
            words,
            TITLES,
            GOOD,
            TITLES,
            with_value(row_key="2"),
            change=merge,
        )
    )
    assert (errors(sheet), len(imported), sheet.header) == ([], 2, 3)


def test_a_hidden_row_is_refused(tmp_path: Path) -> None:
    def hide(page: Any) -> None:
        page.row_dimensions[3].hidden = True

    sheet, imported = read(book(tmp_path, TITLES, GOOD, with_value(row_key="2"), with_value(row_key="3"), change=hide))
    assert errors(sheet) == [(3, "", HIDDEN)]
    assert len(imported) == 2


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_csv_of_any_office_is_read(tmp_path: Path, encoding: str, separator: str) -> None:
    lines = [[f"{name} 列" for name in TITLES], with_value(family_contacted="是")]
    path = tmp_path / "office.csv"
    path.write_bytes("\r\n".join(separator.join(line) for line in lines).encode(encoding))
    sheet, [one] = read(path)
    assert not errors(sheet)
    assert one.event.data == {"result": "VERIFIED", "checked_on": "2026-03-05", "family_contacted": True}


@pytest.mark.parametrize("cell", ["result", "subject", "row_key"])
@pytest.mark.parametrize("typed", [str, int])
def test_a_pasted_number_is_refused_and_stands_in_no_copy(tmp_path: Path, cell: str, typed: type[Any]) -> None:
    number = next(one for one in (citizen_number(serial=f"{n:03}") for n in range(1, 99)) if one.isdigit())
    path = book(
        tmp_path, [*TITLES, "身份证号"], [*with_value(**{cell: typed(number)}), number], with_value(row_key="2")
    )
    sheet, imported = read(path)
    assert errors(sheet) == [(2, cell, PERSONAL)]
    assert len(imported) == 1
    assert run(["import", str(path), "--kind", FACT, "--source", TOWN]) == 2
    copied = load_workbook(tmp_path / "office.errors.xlsx").active
    assert copied is not None
    assert not [cell for row in copied.iter_rows() for cell in row if number[:17] in str(cell.value)]


def test_a_long_number_that_the_spreadsheet_has_rounded_is_refused(tmp_path: Path) -> None:
    sheet, _ = read(book(tmp_path, TITLES, with_value(row_key=9_990_000_000_000_001)))
    assert errors(sheet) == [(2, "row_key", ROUNDED)]


# --- rows and events


def test_every_error_of_a_row_is_told(tmp_path: Path) -> None:
    sheet, _ = read(
        book(tmp_path, TITLES, with_value(subject="somebody", result="YES", checked_on="3/5", family_contacted="?"))
    )
    assert {name for _, name, _ in errors(sheet)} == {"result", "checked_on", "family_contacted"}
    sheet, _ = read(book(tmp_path, TITLES, with_value(subject="somebody", time="2027-01-01 08:00")))
    assert {name for _, name, _ in errors(sheet)} == {"subject"}


def test_a_row_is_the_same_event_however_often_it_is_imported(tmp_path: Path) -> None:
    _, [first] = read(book(tmp_path, TITLES, GOOD))
    _, [moved, _] = read(book(tmp_path, ["标题"], TITLES, GOOD, with_value(row_key="2")))
    assert first.value == moved.value
    _, [other] = read(book(tmp_path, TITLES, GOOD), source="/agencies/TOWN_JUSTICE-990102005-01")
    assert other.event.id != first.event.id


def test_without_a_key_the_same_row_is_the_same_event_and_another_is_another(tmp_path: Path) -> None:
    _, [first, second] = read(book(tmp_path, TITLES[1:], GOOD[1:], with_value(result="NOT_OURS")[1:]))
    _, [again] = read(book(tmp_path, TITLES[1:], GOOD[1:]))
    assert again.event.id == first.event.id != second.event.id


@pytest.mark.parametrize("keyed", [True, False])
def test_a_row_that_stands_twice_is_told(tmp_path: Path, keyed: bool) -> None:
    start = 0 if keyed else 1
    sheet, imported = read(book(tmp_path, TITLES[start:], GOOD[start:], GOOD[start:]))
    assert [(number, "2" in text) for number, _, text in errors(sheet)] == [(3, True)]
    assert len(imported) == 1


def test_a_correction_names_the_row_that_it_replaces(tmp_path: Path) -> None:
    rows = [*TITLES, "corrects"], [*GOOD, ""], [*with_value(row_key="1-2", result="NOT_OURS"), "1"]
    _, [first, second] = read(book(tmp_path, *rows))
    assert second.event.corrects == first.event.id


@pytest.mark.parametrize("rows", [[], [["x"]], [["subject"]], [TITLES[:2], GOOD[:2]], [[*TITLES, "subject"], GOOD]])
def test_a_file_without_its_columns_is_refused(tmp_path: Path, rows: list[Sequence[str]]) -> None:
    with pytest.raises(UnreadableSheet):
        read(book(tmp_path, *rows))


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.xlsx", b"no zip"), ("a.xlsx", b"PK\x05\x06" + bytes(18)), ("a.xls", b""), ("a.csv", b'"open'), ("a.csv", b"")],
)
def test_what_is_no_table_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadableSheet):
        read(tmp_path / name)


@pytest.mark.parametrize(
    "fact", [fact for fact in PAYLOADS_BY_FACT if fact.partition(".")[0] not in ("system", "action")]
)
def test_the_template_of_every_kind_takes_the_example_of_its_contract(tmp_path: Path, fact: str) -> None:
    path = tmp_path / "template.xlsx"
    assert run(["import", "--template", fact, str(path)]) == 0
    filled = load_workbook(path)
    page = filled.worksheets[0]
    assert find_kind(page.title) == fact
    payload = PAYLOADS_BY_FACT[fact]
    example = event_of(f"reentry.{fact}.v1")
    values: dict[str, Any] = {"subject": example["subject"], "time": example["time"], **payload.EXAMPLE}
    for cell in page[1]:
        value = values.get(str(cell.value).split()[0])
        if isinstance(value, list):
            value = orjson.dumps(value).decode() if any(isinstance(one, dict) for one in value) else "，".join(value)
        page[f"{cell.column_letter}2"] = value  # type: ignore[union-attr]
    filled.save(path)
    columns = columns_of(fact, _read_labels())
    sheet = read_sheet(path, columns)
    imported = read_rows(sheet, fact, f"/agencies/{payload.BY}", columns, datetime(2026, 12, 1, tzinfo=UTC))
    assert not errors(sheet)
    wanted = {name: one for name, one in payload.EXAMPLE.items() if name != payload.REPEATS_TIME}
    assert {name: imported[0].event.data.get(name) for name in wanted} == wanted


def test_a_template_has_a_list_to_choose_from_and_the_chosen_words_are_read(tmp_path: Path) -> None:
    path = tmp_path / "template.xlsx"
    assert run(["import", "--template", FACT, str(path)]) == 0
    filled = load_workbook(path)
    page, codes = filled[FACT], filled["codes"]
    [letter] = [cell.coordinate.rstrip("1") for cell in page[1] if str(cell.value).startswith("result")]
    assert [rule.formula1 for rule in page.data_validations.dataValidation if rule.type == "list"]
    chosen = codes[f"{letter}2"].value
    for cell, value in zip(page[2], [GOOD[0], GOOD[1], GOOD[2], None, None, chosen, *GOOD[4:]], strict=False):
        cell.value = value
    filled.save(path)
    _, [one] = read(path)
    assert one.event.data["result"] == str(chosen).split()[0]


@pytest.mark.parametrize("fact", ["system.publisher_heartbeat", "action.waived", "nothing", ""])
def test_other_kinds_have_no_template(fact: str) -> None:
    with pytest.raises(UnknownKind):
        columns_of(fact, {})


# --- the marked copy and the command


def test_the_copy_has_each_error_beside_its_cell_and_is_imported_once_mended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = book(tmp_path, TITLES, GOOD, with_value(row_key="2", result="YES", checked_on="3/5"))
    assert run(["import", str(path), "--kind", FACT, "--source", TOWN]) == 2
    assert "2 rows, 1 wrong, 0 sent" in capsys.readouterr().out
    copy = tmp_path / "office.errors.xlsx"
    filled = load_workbook(copy)
    page = filled.active
    assert page is not None
    assert {cell.coordinate for row in page.iter_rows() for cell in row if cell.comment} == {"D3", "E3"}
    assert "result" in str(page["G3"].value)
    assert page["G2"].value is None
    page["D3"], page["E3"] = "NOT_OURS", "2026.3.5"
    filled.save(copy)
    assert run(["import", str(copy), "--kind", FACT, "--source", TOWN, "--dry-run"]) == 0
    assert "2 rows, 0 wrong, 0 sent" in capsys.readouterr().out


def test_the_copy_of_a_csv_has_a_column_of_errors(tmp_path: Path) -> None:
    path = tmp_path / "office.csv"
    path.write_bytes(
        "\n".join(",".join(line) for line in (TITLES, GOOD, with_value(row_key="2", result="YES"))).encode("gbk")
    )
    assert run(["import", str(path), "--kind", FACT, "--source", TOWN]) == 2
    lines = (tmp_path / "office.errors.csv").read_text(encoding="utf-8-sig").splitlines()
    assert [line.count("result:") for line in lines] == [0, 0, 1]


def test_events_are_written_to_a_file_only_when_all_rows_are_right(tmp_path: Path) -> None:
    out = tmp_path / "events.jsonl"
    command = [
        "import",
        str(book(tmp_path, TITLES, GOOD, with_value(row_key="2", result="YES"))),
        "--kind",
        FACT,
        "--source",
        TOWN,
        "--out",
        str(out),
    ]
    assert run(command) == 2
    assert not out.exists()
    book(tmp_path, TITLES, GOOD, with_value(row_key="2"))
    assert run(command) == 0
    assert len(out.read_bytes().splitlines()) == 2
