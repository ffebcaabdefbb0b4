"""Files as programs write them, Excel in German too, are read and written; what is none is refused in words."""

import io
import struct
import zipfile
from datetime import datetime

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vendors.sheets import limits, neutral, reading, workbooks, writing
from vendors.sheets.errors import CellError, FileRefusedError
from vendors.sheets.reading import read_table
from vendors.sheets.writing import Format, write


def texts(content) -> list[list[str]]:
    table = read_table(content)
    return [table.headings, *([*row.texts.values()] for row in table.rows)]


def refusal(content) -> str:
    with pytest.raises(FileRefusedError) as error:
        read_table(content)
    return str(error.value)


def workbook(rows, change=lambda sheet: None) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    change(book.active)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def archive(**files) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return file.getvalue()


GERMAN = "SKU;Price;Goods\r\nÄ-1;1.234,50;Stoffbezug „grün“\r\n"


@pytest.mark.parametrize(
    "content",
    [
        GERMAN.encode("cp1252"),
        GERMAN.encode("utf-8-sig"),
        GERMAN.encode(),
        ("sep=;\r\n" + GERMAN).encode("cp1252"),
        GERMAN.replace(";", "\t").encode("utf-16"),
        ("\r\n;;\r\n" + GERMAN + ";;\r\n\r\n").encode("utf-8-sig"),
        GERMAN.replace("\r\n", "\n").encode("utf-8"),
    ],
    ids=["windows", "bom", "utf-8", "sep", "unicode text", "blank rows", "unix"],
)
def test_csv_of_excel_in_german(content):
    assert texts(content) == [["SKU", "Price", "Goods"], ["Ä-1", "1.234,50", "Stoffbezug „grün“"]]


def test_rows_have_the_numbers_of_a_spreadsheet_program():
    table = read_table(b'SKU,Summary\r\n\r\nA,"two\r\nlines"\r\n,\r\nB,x\r\n')
    assert [row.number for row in table.rows] == [3, 5]
    assert table.rows[0].texts["summary"] == "two\r\nlines"


def test_a_number_kept_as_text_is_read_as_text():
    assert texts(b'SKU,Price\n"=""007""",5\n')[1] == ["007", "5"]


def test_xlsx_has_numbers_dates_and_results():
    moment = datetime(2026, 12, 31, 18)  # noqa: DTZ001 -- as a cell
    row = [7, 12.5, 0.1 + 0.2, 1e-7, moment, moment.replace(hour=0), True, "text", None, 4.0, "_x0041_"]

    def show_the_day(sheet):
        sheet["F2"].number_format = "dd.mm.yyyy"

    content = workbook([[f"c{n}" for n in range(len(row))], row], show_the_day)
    assert texts(content)[1] == [
        "7", "12.5", "0.3", "0.0000001", "2026-12-31 18:00:00", "2026-12-31", "yes", "text", "", "4", "A",
    ]  # fmt: skip


def test_a_formula_without_its_result_is_not_taken_for_an_empty_cell():
    assert texts(workbook([["SKU", "Price"], ["A", "=B1*2"]]))[1] == ["A", "=B1*2"]


def test_excels_numbers_of_1904_are_dates_too():
    def old_epoch(sheet):
        sheet.parent.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904

    assert texts(workbook([["d"], [datetime(2026, 12, 31, 9)]], old_epoch))[1] == ["2026-12-31 09:00:00"]  # noqa: DTZ001


OLE = workbooks.OLE + b"\0" * 512
HUGE = "x" * (limits.CELL_LENGTH + 1)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "The file is empty."),
        (b"\xef\xbb\xbf\r\n,,\r\n", "The file is empty."),
        (b"SKU,Price\r\n,\r\n", "There is nothing below the headings in row 1."),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "This is no spreadsheet. Save it as XLSX or CSV."),
        (b"SKU\n\x81\x8d\n", "This is no spreadsheet."),
        (OLE, "This is the format of Excel before 2007. Save it as XLSX"),
        (OLE + workbooks.ENCRYPTED, "The file has a password. Save it as XLSX without"),
        (b"PK\x03\x04 torn", "The file is damaged, or no spreadsheet."),
        (archive(word__document_dot_xml="<a/>"), "The file is damaged, or no spreadsheet."),
        (archive(xl__workbook_dot_xml="<a/>", xl__vbaProject_dot_bin="x"), "The file has macros."),
        (archive(content_dot_xml="<a/>"), "This is a file of LibreOffice."),
        (archive(xl__workbook_dot_xml="<a"), "The file is damaged, or no spreadsheet."),
        (b"SKU,SKU\nA,B\n", "Two columns have the heading “sku”."),
        (b"SKU,,Price\nA,B,C\n", "A column between others has no heading in row 1."),
        (b"SKU\nA,B\n", "Row 2 has more cells than there are headings."),
        (b"a," * 60 + b"a\n1\n", "The file has more than 60 columns."),
        (b"SKU\n" + b"A\n" * 20_001, "The file has more than 20,000 rows. Split it."),
        (f"SKU\n{HUGE}\n".encode(), "Row 2 has a cell with more than 100,000 characters."),
        (f"SKU\n{HUGE * 2}\n".encode(), "cannot be read: a quotation mark is missing"),
        (b'SKU,Price\nA,"5\n' + b"B,6\n" * 40_000, "cannot be read: a quotation mark is missing"),
    ],
)  # fmt: skip
def test_what_is_no_spreadsheet_is_refused_in_words(content, words):
    assert words in refusal(content)


def test_an_archive_that_unpacks_to_too_much_is_refused_before_it_is_unpacked():
    bomb = archive(xl__workbook_dot_xml="<a/>", xl__worksheets__sheet1_dot_xml=b"\0" * (limits.UNPACKED_BYTES + 1))
    assert len(bomb) < 200_000
    assert refusal(bomb) == "The file unpacks to more than 100 MB. Split it."


def test_an_archive_that_lies_about_its_size_unpacks_to_no_more_than_it_says():
    content = bytearray(workbook([["SKU"], *([f"A-{n}"] for n in range(2_000))]))
    at = content.rindex(b"PK\x01\x02", 0, content.rindex(b"xl/worksheets/sheet1.xml"))
    struct.pack_into("<L", content, at + 24, 50)
    assert "damaged" in refusal(bytes(content))


def test_xml_that_grows_by_entities_is_refused():
    good = workbook([["SKU"], ["A"]])
    bomb = '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(good)) as before, zipfile.ZipFile(file, "w") as after:
        for name in before.namelist():
            text = before.read(name).decode()
            if name.endswith("sheet1.xml"):
                text = bomb + text.replace('t="s"', 't="str"').replace("<v>1</v>", "<v>&b;</v>")
            after.writestr(name, text)
    assert "damaged" in refusal(file.getvalue())


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", " =1", "\uff1d1", "'=1", "'", "#REF!"]
)
def test_formulas_are_written_as_texts(text):
    assert neutral.escape(text) == f"'{text}"
    for form in Format:
        content = write(form, ["a", "b"], [["x", text]])
        if form is Format.XLSX:
            cell = openpyxl.load_workbook(io.BytesIO(content)).active["B2"]
            assert (cell.data_type, str(cell.value).startswith("'")) == ("s", True)
        else:
            assert content.decode("utf-8-sig").splitlines()[1][1:].lstrip('"')[1:].lstrip('"').startswith("'")


TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
CELLS = st.one_of(
    TEXTS, st.builds("{}{}".format, st.sampled_from(["=", "'", "''", " +", "-", "@", "\t", "_x0009_"]), TEXTS)
)


@given(st.lists(st.tuples(CELLS, CELLS), max_size=5), st.sampled_from(Format))
@settings(max_examples=60, deadline=None)
def test_what_is_written_is_read_again(rows, form):
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    content = write(form, ["One", "Two"], [["a", "b"], *rows])
    read = [[neutral.unescape(text) for text in row] for row in texts(content)[1:]]
    if form is Format.XLSX:  # XML has one kind of line end
        rows = [[cell.replace("\r\n", "\n") for cell in row] for row in rows]
        read = [[cell.replace("\r\n", "\n") for cell in row] for row in read]
    assert read == [["a", "b"], *([*row] for row in rows)]


@given(TEXTS)
def test_escaping_is_undone(text):
    assert neutral.unescape(neutral.escape(text)) == text


def test_a_text_too_long_for_xlsx_is_refused_not_cut():
    with pytest.raises(CellError, match="choose CSV"):
        write(Format.XLSX, ["a"], [["x" * (writing.XLSX_CELL + 1)]])


def test_csv_has_the_mark_by_which_excel_knows_its_encoding():
    assert write(Format.CSV, ["ä"], [["ö"]]).startswith(b"\xef\xbb\xbf")
    assert reading.read_table(write(Format.CSV, ["ä"], [["ö"]])).headings == ["ä"]
