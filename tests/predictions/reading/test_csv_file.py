import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lcbench.predictions.reading.inspection import inspect_predictions

HEADER = "image,true,predicted"


def whats(findings):
    return [finding.what for finding in findings]


@pytest.mark.parametrize(("mark", "word"), [(";", "semicolons"), ("\t", "tabs"), ("|", "vertical")])
def test_another_separator_is_recognised(only_problem, inspect, csv_file, mark, word):
    lines = [mark.join(f"{HEADER},p:n".split(",")), mark.join(["a", "n", "n", "0,5"])]
    only_problem(inspect(csv_file(*lines)), f"separated by {word}")
    if mark == ";":
        only_problem(inspect(csv_file("sep=;", *lines)), "separated by semicolons")


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_a_byte_order_mark_line_endings_and_empty_lines_do_no_harm(
    only_problem, inspect, tmp_path, ending
):
    path = tmp_path / "model.csv"
    lines = ["", HEADER, "a,n,n", "", ",,", "   ", "b,n,xx", "", ""]
    path.write_bytes(ending.join(lines).encode("utf-8-sig"))
    inspection = inspect(path)
    only_problem(inspection, "'xx'", "line 7 (b)")
    assert "4 empty lines passed over" in whats(inspection.notes)


def test_commas_and_line_breaks_in_quotation_marks_belong_to_the_name(only_problem, inspect_lines):
    inspection = inspect_lines(HEADER, '"a,b",n,n', '"a\nb ""c""",n,n', "d,n,xx")
    only_problem(inspection, "line 5 (d)")
    good = inspect_lines(HEADER, '"a,b",n,n', '"a\nb ""c""",n,n')
    assert good.predictions.table["image"].tolist() == ["a,b", 'a\nb "c"']


@pytest.mark.parametrize("row", ["a,b.png,n,n", "a.png,n", "a.png,n,n,"])
def test_a_row_with_another_number_of_fields_is_never_shifted(only_problem, inspect_lines, row):
    only_problem(inspect_lines(HEADER, "x,n,n", row), "1 row with more or fewer", "line 3", "the 3")


@pytest.mark.parametrize("row", ['"a,n,n', '"a"b,n,n', '"' + "x" * 200_000])
def test_a_quotation_mark_out_of_place_is_named_with_its_line(only_problem, inspect_lines, row):
    inspection = inspect_lines(HEADER, "x,n,n", row, "y,n,n")
    only_problem(inspection, "begins in line 3")


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-16-le", "cp1252"])
def test_text_that_is_not_utf_8_is_refused(only_problem, inspect, csv_file, encoding):
    problem = only_problem(inspect(csv_file(HEADER, "a,n,n", "ä,n,n", encoding=encoding)), "UTF-8")
    assert "UTF-8" in problem.remedy
    if encoding == "latin-1":
        assert "line 3" in problem.what


@settings(max_examples=40)
@given(
    content=st.binary(max_size=80) | st.text("image,true\n\r\"';\t 0n", max_size=60).map(str.encode)
)
def test_any_bytes_are_read_or_a_problem_but_never_crash(tmp_path_factory, reader, content):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    for begin in (b"", b"image,true,predicted\n", b"image,true,predicted,seed,p:n\n"):
        path.write_bytes(begin + content)
        inspection = inspect_predictions(path, reader)
        assert inspection.valid == (inspection.predictions is not None)
