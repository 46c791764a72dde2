"""The documentation's Python, run as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from lcbench.analysis.claims import load_claims
from lcbench.datasets.labels import load_label_map
from lcbench.runs.suite import load_suite
from lcbench.taxonomy import load_taxonomy

DOCS = Path(__file__).resolve().parents[1] / "docs"
SNIPPETS = [
    (path.name, body)
    for path in sorted(DOCS.glob("*.md"))
    for body in re.findall(r"^```python\n(.*?)^```", path.read_text("utf-8"), re.M | re.S)
]


@pytest.mark.parametrize(("name", "body"), SNIPPETS, ids=[name for name, _ in SNIPPETS])
def test_a_snippet_runs(name: str, body: str, tmp_path: Path) -> None:
    script = tmp_path / f"{name}.py"
    script.write_text(body, encoding="utf-8")
    shown = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False
    )
    assert shown.returncode == 0, shown.stderr
    assert "nan" not in shown.stdout.lower().replace("error=nan", "")
    assert shown.stdout.strip()


def test_the_study_holds_what_the_text_says_of_it() -> None:
    page = (DOCS / "statistics.md").read_text(encoding="utf-8")
    study = page.split("<!-- study")[1].split("<!-- end of study")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in study.splitlines()
        if line.startswith("| ") and not line.startswith("| :")
    ]
    headers = next(row for row in rows if row[0] == "statistic")
    coverage = [
        float(row[headers.index("score")])
        for row in rows
        if len(row) == len(headers) and row != headers
    ]
    assert len(coverage) >= 36
    assert min(coverage) >= 92.5
    assert sum(coverage) / len(coverage) >= 95.0
    tests = next(row for row in rows if row[0] == "hypothesis")
    exact = tests.index("sign-flip")
    null = [row for row in rows if row[0].startswith("no difference")]
    assert len(null) == 12
    assert max(float(row[exact]) for row in null) <= 6.5


def test_the_files_that_the_formats_page_shows_can_be_read(tmp_path: Path) -> None:
    page = (DOCS / "formats.md").read_text("utf-8")
    blocks = re.findall(r"^```toml\n(.*?)^```", page, re.M | re.S)
    paths = [tmp_path / f"{number}.toml" for number in range(len(blocks))]
    for path, body in zip(paths, blocks, strict=True):
        path.write_text(body, encoding="utf-8")
    tree, labels, suite, claims = paths
    taxonomy = load_taxonomy(tree)
    assert taxonomy.height == 3
    assert load_label_map(labels, taxonomy).read("Class_0") == "benign"
    assert load_suite(str(suite)).roles.shortcut == ("colour",)
    assert load_claims(claims).claims[0].unit == "count"
