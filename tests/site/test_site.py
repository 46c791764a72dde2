"""The site of the repository's reports and of some that are meant to hurt, built once."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from lcbench import read_results
from lcbench.analysis.results import Results
from lcbench.cli import app
from lcbench.rendering import formats
from lcbench.site import building, contents, published

from ..rendering import suites
from ..rendering.golden import PARSER
from .built import Page, lost, rows
from .published import (
    HOSTILE,
    HOSTILE_FOLDER,
    ROOT,
    TISSUE,
    write_audit_with_pictures,
    write_broken,
    write_hostile,
    write_report,
    write_report_with_images,
)

pytest.importorskip("properdocs", reason="the extra 'site' is not installed")


def lcbench_site(reports: Path, out: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["site", str(reports), "--out", str(out), *words])


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published") / "reports"
    shutil.copytree(ROOT / "reports", folder)
    write_hostile(folder)
    write_report_with_images(folder)
    write_audit_with_pictures(folder)
    write_broken(folder)
    return folder


@pytest.fixture(scope="module")
def answer(reports: Path) -> Result:
    return lcbench_site(reports, reports.parent / "site", "--json")


@pytest.fixture(scope="module")
def site(answer: Result, reports: Path) -> Path:
    assert answer.exit_code == 3, answer.stderr
    return (reports.parent / "site").resolve()


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path.read_text("utf-8")) for path in sorted(site.rglob("*.html"))}


def test_the_answer_names_what_is_shown_and_what_is_not(answer: Result, site: Path) -> None:
    told = json.loads(answer.stdout)
    assert Path(told["index"]).resolve() == site / "index.html"
    assert {"lc25000-lung", "chest-ct", HOSTILE_FOLDER} <= set(told["reports"])
    assert {"lc25000-audit", "deeper/audit"} <= set(told["audits"])
    reasons = {one["name"]: one["reason"] for one in told["left_out"]}
    assert reasons.keys() == {"damaged", "newer", "pageless", "thumbnails/index.html"}
    assert "--no-images" in reasons["thumbnails/index.html"]
    assert "newer lcbench" in reasons["newer"]
    assert "README.md is missing" in reasons["pageless"]
    for name in reasons:
        assert f"Left out: {name}: " in answer.stderr


def test_no_link_and_no_anchor_leads_nowhere(pages: dict[Path, Page]) -> None:
    assert len(pages) > 30
    wrong = [
        (path.name, target)
        for path, page in pages.items()
        for target in sorted(page.links | page.loads)
        if path.name != "404.html" and lost(path, target, pages)
    ]
    assert not wrong


def test_nothing_is_loaded_from_elsewhere_and_no_page_holds_a_script(
    pages: dict[Path, Page],
) -> None:
    for path, page in pages.items():
        if path.with_name("report.html") in pages and path.name == "index.html":
            continue  # a page to explore has a policy and tests of its own
        assert not [one for one in page.loads if re.match(r"\w+:|//", one)], path
        assert not page.inline, path
        assert not page.handlers, path
        assert "script-src 'self'" in path.read_text("utf-8")


def test_names_are_shown_as_they_are(site: Path) -> None:
    home = (site / "index.html").read_text("utf-8")
    headers, *cells = rows(home)
    (hostile,) = [row for row in cells if row[0].startswith("<img")]
    assert hostile[0] == f"{HOSTILE_FOLDER} · explore"
    assert hostile[headers.index("suite")] == HOSTILE
    assert hostile[headers.index("data")] == HOSTILE
    assert "evil.example" not in " ".join(Page(home).links | Page(home).loads)


def test_the_table_quotes_the_results(site: Path, reports: Path) -> None:
    headers, *cells = rows((site / "index.html").read_text("utf-8"))
    by_name = {row[0].removesuffix(" · explore"): row for row in cells}
    assert set(by_name) >= {path.parent.name for path in ROOT.glob("reports/*/results.json")}
    for name in ("chest-ct", "lc25000-finetune"):
        row = by_name[name]
        results = read_results(reports / name)
        assert isinstance(results, Results)
        told = dict(zip(headers, (cell.replace("\xa0", " ") for cell in row), strict=True))
        (drop,) = [one for one in results.drops if one.baseline == results.reference]
        for title, estimate in (
            ("flattering", drop.flattering),
            ("leakage-free", drop.leakage_free),
        ):
            cell = told[f"accuracy, {title} protocol, %"]
            assert cell == formats.share_interval(estimate, decimals=2)
        assert told["images"] == formats.integer(results.dataset.images)
        assert told["source groups"] == formats.integer(results.dataset.source_groups)
        assert told["begun"] == results.created[:10]


def test_no_image_of_a_data_set_is_on_the_site(site: Path) -> None:
    for path in site.rglob("*"):
        assert path.is_dir() or TISSUE.encode() not in path.read_bytes(), path
    page = (site / "reports/deeper/audit/report.html").read_text("utf-8")
    assert "a picture that is not part of this site" in page
    assert "<code>[x](y)</code>" in page
    assert "All pairs" in page


def main_part(page: str) -> str:
    return page.split('role="main">', 1)[1].split("<footer", 1)[0]


def test_pages_read_as_they_do_in_the_repository(site: Path, reports: Path) -> None:
    sources = {path: site / "docs" / path.relative_to(ROOT / "docs").with_suffix(".html")
               for path in (ROOT / "docs").rglob("*.md")}  # fmt: skip
    for name in (HOSTILE_FOLDER, "chest-ct", "lc25000-audit"):
        sources[reports / name / "README.md"] = site / "reports" / name / "report.html"
    for source, built in sources.items():
        expected = Page(PARSER.render(source.read_text("utf-8"))).structure
        found = Page(main_part(built.read_text("utf-8"))).structure
        if source.is_relative_to(ROOT / "docs"):
            # Links to reports that stand elsewhere are still links here: all are on the site.
            assert found == expected, source
        else:
            assert [one for one in found if one not in ("<a>", "</a>")] == [
                one for one in expected if one not in ("<a>", "</a>")
            ], source


def test_every_command_and_option_is_in_the_reference(site: Path) -> None:
    page = " ".join(Page((site / "reference/commands.html").read_text("utf-8")).structure)

    def check(command: Any, words: str) -> None:
        for name, below in getattr(command, "commands", {}).items():
            check(below, f"{words} {name}")
        if not hasattr(command, "commands"):
            assert f"<code> {words} </code>" in page
            for parameter in command.params:
                for option in parameter.opts if parameter.name != "help" else ():
                    said = option if option.startswith("-") else parameter.name.upper()
                    assert said in page, (words, option)

    check(typer.main.get_command(app), "lcbench")


def test_the_reference_has_every_module_that_the_documentation_imports(site: Path) -> None:
    pages = [*(ROOT / "docs").glob("*.md"), ROOT / "README.md"]
    named = {
        module
        for page in pages
        for module in re.findall(r"^from (lcbench\.[\w.]+) import", page.read_text("utf-8"), re.M)
    }
    assert len(named) > 10
    anchors = set[str]().union(
        *(Page(path.read_text("utf-8")).anchors for path in (site / "reference").glob("*.html"))
    )
    assert named - {"lcbench.rendering"} <= anchors


@pytest.fixture
def quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one small report; sites are built without the pages of docstrings."""
    monkeypatch.setattr(contents, "SUBJECTS", ())
    write_report(tmp_path / "reports" / "one", suites.lung())
    return tmp_path / "reports"


def test_a_broken_link_is_refused_and_the_old_site_stays(quick: Path, tmp_path: Path) -> None:
    out = tmp_path / "site"
    assert lcbench_site(quick / "one", out).exit_code == 0
    assert (out / "reports/one/report.html").is_file()
    before = (out / "index.html").read_bytes()
    (quick / "note.md").write_text("# A note\n\n[x](gone.md), [y](one/README.md#nowhere)\n")
    result = lcbench_site(quick, out)
    assert result.exit_code == 1
    assert "gone.md" in result.stderr
    assert "nowhere" in result.stderr
    assert (out / "index.html").read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"reports", "site"}
    (out / "mine.txt").write_text("mine")
    (quick / "note.md").unlink()
    refused = lcbench_site(quick, out)
    assert refused.exit_code == 1
    assert "mine.txt, which lcbench site did not write" in refused.stderr


def test_nothing_is_written_where_there_is_no_report(tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    for folder, said in (("reports", "holds no report"), ("absent", "no folder")):
        result = lcbench_site(tmp_path / folder, tmp_path / "site")
        assert result.exit_code == 1
        assert said in result.stderr
    inside = lcbench_site(tmp_path / "reports", tmp_path / "reports" / "site")
    assert inside.exit_code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["reports"]


def test_a_missing_package_is_named_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "_PACKAGES", ("properdocs", "no_such.package"))
    result = lcbench_site(tmp_path, tmp_path.parent / "site")
    assert result.exit_code == 1
    assert "no_such.package" in result.stderr
    assert "pip install 'lcbench[site]'" in result.stderr


def test_reports_of_older_versions_are_found(tmp_path: Path) -> None:
    folder = write_report(tmp_path / "old", suites.lung())
    values = json.loads((folder / "results.json").read_text("utf-8"))
    for name in ("invocations", "aliases", "training", "findings"):
        values.pop(name, None)
    (folder / "results.json").write_text(json.dumps(values), encoding="utf-8")
    (found,) = published.find_published(tmp_path).reports
    assert found.name == "old"
    assert found.flattering is not None
