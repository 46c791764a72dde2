"""The documentation's Python, run as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

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
