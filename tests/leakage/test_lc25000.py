"""Source groups of real tiles: the published ones come back, and overlapping fields are joined."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from sklearn.metrics import adjusted_rand_score

from lcbench.leakage.sources import find_sources

from .tissue import files

# Three published groups of each class that no proven pair joins, and two that one does.
APART = [f"lung_{name}-{number:03}" for name in ("aca", "scc") for number in range(20, 23)]
OVERLAPPING = ["lung_aca-014", "lung_aca-228"]


def test_published_groups_come_back_and_overlapping_fields_are_one(shared_data: Path) -> None:
    table = pd.read_csv(shared_data / "lc25000-source-groups-aca-scc.csv")
    table = table[table["group"].isin([*APART, *OVERLAPPING])]
    paths = [shared_data / "lc25000-lung-224" / image for image in table["image"]]
    found = find_sources([files(paths)])
    expected = table["group"].replace(OVERLAPPING[0], OVERLAPPING[1])
    assert adjusted_rand_score(expected, found.groups) == 1
    groups = table["group"].to_numpy()
    merges = [
        link
        for link in found.links
        if groups[link.candidate.first] != groups[link.candidate.second]
    ]
    assert len(merges) == 1
    assert merges[0].registration.correlation > 0.9
