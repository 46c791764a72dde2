"""The terminal: results on standard output, what else is to be said on standard error."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from lcbench import console
from lcbench.rendering.compare_screen import show_comparison

from .foreign import compare, random_model


@pytest.fixture(scope="module")
def make(tmp_path_factory):
    """Compare random models of these names."""

    def made(*names, **options):
        folder = tmp_path_factory.mktemp("screen")
        paths = [
            random_model(seed, groups=30, chances=True, **options).write(folder / f"{seed}.csv")
            for seed in range(len(names))
        ]
        return compare(*paths, names=names)

    return made


@pytest.fixture
def show(monkeypatch, capsys):
    """Show results in a console of this width; return standard output and standard error."""

    def shown(results, width=160):
        monkeypatch.setattr(console.out, "width", width)
        show_comparison(results)
        return capsys.readouterr()

    return shown


def test_a_wide_terminal_has_a_line_for_each_pair(make, show):
    results = make("one", "two", "three")
    printed = show(results).out
    lines = printed.splitlines()
    assert sum(line.startswith("│ one   │ two ") for line in lines) == 3
    for words in ("relative reduction, %", "odds ratio", "sign-flip p", "Holm p", "could show"):
        assert printed.count(words) == 3
    assert printed.count("Metrics [95 % interval]") == 1
    assert printed.count("Cochran's Q over all 3 models") == 3
    accuracy = results.metric("two", "accuracy")
    assert f"{100 * accuracy.value:.1f} [{100 * accuracy.low:.1f}, " in printed


@pytest.mark.parametrize("width", [80, 100, 120])
@pytest.mark.parametrize("count", [2, 3, 5])
def test_no_line_is_wider_than_the_terminal_and_nothing_is_cut(make, show, width, count):
    names = ["reference", "colour", "knn", "cascade", "majority"][:count]
    results = make(*names, n=60)
    printed = show(results, width).out
    tables = [line for line in printed.splitlines() if line[:1] in tuple("┏┃┡│├└")]
    assert max(map(cell_len, tables)) <= width
    assert "…" not in printed
    for name in names:
        assert name in printed
    for row in results.effects:
        test = results.test(row, results.default_test)
        assert str(test.only_a) in printed
    assert all(line.count("[") == line.count("]") for line in tables)
    assert "could" in printed


def test_two_lines_keep_the_order_of_a_pair(make, show):
    results = make("one", "two")
    test = results.test(results.effects[0], results.default_test)
    lines = show(results, 80).out.splitlines()
    start = next(number for number, line in enumerate(lines) if "Errors of any kind" in line)
    first, second = (line.split("│")[1:3] for line in lines[start + 5 : start + 7])
    assert [cell.strip() for cell in first] == ["one", str(test.only_a)]
    assert [cell.strip() for cell in second] == ["two", str(test.only_b)]


def test_a_name_too_long_for_any_table_is_no_crash(make, show):
    assert "Errors of any kind" in show(make("x" * 90, "y" * 90, n=30), 80).out


def test_notes_and_explanations_go_to_standard_error(make, show):
    printed = show(make("one", "two"))
    assert "Note: one, two: no column sha256: images are matched by name" in printed.err
    assert "favour the second" in printed.err
    assert "30 source groups, resampled 200 times." in printed.err
    assert "Note:" not in printed.out
    assert "favour" not in printed.out


def test_one_model_has_metrics_only(make, show):
    printed = show(make("one"))
    assert "Errors" not in printed.out
    assert "favour" not in printed.err


@pytest.mark.parametrize("name", ["[red]x", "[/]", "a|b", "<b>", "x\\"])
def test_names_are_shown_as_they_are(make, show, name):
    for width in (160, 80):
        printed = show(make(name, "two", n=30), width).out
        assert printed.count(f" {name} ") == 4
