"""Tables that sort, in a real browser."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from lcbench.site.contents import ASSETS

TABLE = """
<div class="sortable"><table><thead><tr><th>name</th><th>images</th><th>accuracy</th><th>begun</th>
</tr></thead><tbody>
<tr><td>b</td><td>15,000</td><td>98.9 [98.5, 99.2]</td><td>2026-11-26</td></tr>
<tr><td>c</td><td>–</td><td>100.00 [92.98, 100.00]</td><td>2025-01-02</td></tr>
<tr><td>a</td><td>205</td><td>−5.3</td><td>2026-11-02</td></tr>
</tbody></table></div><p id="said"></p>
"""
CLICKS = """
const names = () => [...document.querySelectorAll("tbody tr")].map((r) => r.cells[0].textContent);
const said = [];
for (const column of [0, 0, 1, 1, 2, 3]) {
  document.querySelectorAll("th button")[column].click();
  said.push(names().join(""));
}
said.push(document.querySelectorAll("th")[3].getAttribute("aria-sort"));
document.getElementById("said").textContent = said.join(" ");
"""


def test_a_click_on_a_heading_sorts_by_value(tmp_path: Path) -> None:
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("no chromium on this machine")
    script = (ASSETS / "sortable.js").as_uri()
    page = tmp_path / "page.html"
    page.write_text(
        f"<!doctype html><meta charset=utf-8>{TABLE}<script src='{script}'></script>"
        f"<script>{CLICKS}</script>",
        encoding="utf-8",
    )
    shown = subprocess.run(
        [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
            "--no-first-run", "--disable-background-networking", "--disable-component-update",
            "--disable-sync", f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom",
            page.as_uri(),
        ],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    # Text, text downwards, numbers (none last), numbers downwards, estimates, dates.
    assert '<p id="said">abc cba abc bac abc cab ascending</p>' in shown.stdout
