"""Published folders for the site: those of the repository, and some that are meant to hurt."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from PIL import Image

from lcbench.analysis.results import Results
from lcbench.rendering.report.page import Picture, Pictures, report_page

from ..rendering import suites

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = 'a|b<script>alert("x")</script>**x** ![y](http://evil.example/z.png)'
HOSTILE_FOLDER = '<img src=x onerror=alert(1)> & "q" #1 %41'
TISSUE = "a picture of tissue"
"""What the files hold that must not be published."""


def write_picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), "white").save(path)


def write_report(folder: Path, results: Results) -> Path:
    """Write a report as `lcbench report` does, from results that were written by hand."""
    drawn = [Picture(f"figures/{name}.png", name) for name in ("intervals", "differences")]
    page = report_page(results, Pictures(drawn[0], drawn[1], ()))
    folder.mkdir(parents=True)
    (folder / "README.md").write_text(page, encoding="utf-8")
    (folder / "results.json").write_text(results.model_dump_json(), encoding="utf-8")
    (folder / "results.csv").write_text("section\n", encoding="utf-8")
    for picture in drawn:
        write_picture(folder / picture.file)
    return folder


def write_hostile(reports: Path) -> None:
    """Write a report whose names are mark-up, with a page to explore."""
    results = suites.lung(suite=HOSTILE)
    dataset = results.dataset.model_copy(update={"name": HOSTILE})
    folder = write_report(reports / HOSTILE_FOLDER, results.model_copy(update={"dataset": dataset}))
    (folder / "index.html").write_text("<a href='README.md'>Report</a>", encoding="utf-8")


def write_report_with_images(reports: Path) -> None:
    """Write a report whose page to explore shows images of the data set."""
    folder = write_report(reports / "thumbnails", suites.flat())
    (folder / "images").mkdir()
    for name in ("index.html", "images/1.jpg"):
        (folder / name).write_text(TISSUE, encoding="utf-8")


def write_audit_with_pictures(reports: Path) -> None:
    """Write an audit whose page shows pairs of images."""
    folder = reports / "deeper" / "audit"
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "reports" / "chest-ct-audit" / "audit.json", folder)
    page = "# An audit\n\n![A pair](pairs/1.png)\n\n[All pairs](pairs.csv), `[x](y)`\n"
    (folder / "README.md").write_text(page, encoding="utf-8")
    (folder / "pairs").mkdir()
    for name in ("pairs/1.png", "pairs.csv", "groups.csv"):
        (folder / name).write_text(TISSUE, encoding="utf-8")


def write_broken(reports: Path) -> None:
    """Write what looks like reports: damaged, of a comparison, without a page, a list."""
    for name, values in {
        "damaged": {"generator": "lcbench report", "schema_version": 3},
        "newer": {"generator": "lcbench report", "schema_version": 99},
        "several": {"generator": "lcbench report", "suites": ["a", "b"]},
    }.items():
        (reports / name).mkdir()
        (reports / name / "results.json").write_text(json.dumps(values), encoding="utf-8")
    (reports / "pageless").mkdir()
    shutil.copy(ROOT / "reports" / "chest-ct" / "results.json", reports / "pageless")
