"""Time, memory and quality of the source grouping by number of images, beside others.

Each measurement runs in its own process with an empty cache, which needs about 0.1 MB of temporary
disk an image (TMPDIR says where). `make bench` leaves out the largest size.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import importlib.util
import json
import math
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from frame import Ratio
from leakage_worker import DOCTOR, OURS, STAGES, Job
from rich.table import Table

from lcbench.console import out
from lcbench.datasets.demo import create_demo
from lcbench.datasets.images import SUFFIXES

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
DATA = SHARED / "lc25000-lung-224"
GROUPS = SHARED / "lc25000-source-groups-aca-scc.csv"
WORKER = Path(__file__).with_name("leakage_worker.py")
SIZES = (1_500, 5_000, 15_000)
BENCH_SIZES = ("--sizes", "1500", "5000")
TOY_SIZES = ("--sizes", "9", "18")
DEMO_SIZES = (90, 180, 360)
DEMO_COPIES = 6


def measure(quick: bool = False) -> list[Ratio]:
    """Print the tables; return growth, and the time beside others' where they are installed."""
    jobs, ours, beside = _run_all(TOY_SIZES if quick else BENCH_SIZES)
    return [*_growth_ratio(jobs, ours), *_beside_ratios(jobs, ours, beside)]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    _run_all(arguments)


def _run_all(
    arguments: Sequence[str] | None,
) -> tuple[list[Job], list[dict[str, Any]], list[list[dict[str, Any]]]]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of class folders")
    parser.add_argument("--groups", type=Path, help="CSV of image, group; else DATA/groups.csv")
    parser.add_argument("--sizes", type=int, nargs="+", help="numbers of images")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="lcbench-bench-") as folder:
        data, groups, sizes = _data(options, Path(folder))
        return _measure_all(data, groups, sizes)


def choose(classes: dict[str, list[str]], groups: dict[str, str], size: int) -> list[str]:
    """Choose images, equal shares a class, in whole groups as far as they fit.

    Parameters
    ----------
    classes
        Images of each class, in alphabetical order.
    groups
        Published group of each image that has one; the others are taken in order.
    size
        Images to choose; a class that has too few gives all.
    """
    chosen: list[str] = []
    for number, images in enumerate(classes.values()):
        share = (size + number) // len(classes)
        members = defaultdict(list)
        for image in images:
            members[groups.get(image, image)].append(image)
        blocks = list(members.values())
        if any(image in groups for image in images):
            np.random.default_rng(0).shuffle(blocks)
        chosen += _whole_blocks(blocks, share)
    return sorted(chosen)


def _whole_blocks(blocks: list[list[str]], share: int) -> list[str]:
    chosen: list[str] = []
    rest: list[str] = []
    for block in blocks:
        (chosen if len(chosen) + len(block) <= share else rest).extend(block)
    return chosen + rest[: share - len(chosen)]


def _data(options: argparse.Namespace, temporary: Path) -> tuple[Path, dict[str, str], list[int]]:
    """Return the folder, the published groups and the sizes; draw a set where none is there."""
    data, groups, usual = options.data or DATA, options.groups, SIZES
    if not data.is_dir():
        if options.data:
            raise SystemExit(f"{data}: no such folder")
        usual = DEMO_SIZES
        wanted = max(options.sizes or usual)
        out.print(
            f"{data} is not here: measured on the demonstration set, {DEMO_COPIES} copies a tile, "
            "at smaller sizes.\n"
        )
        data = temporary / "demo"
        create_demo(data, tiles_per_class=-(-wanted // 3 // DEMO_COPIES), copies=DEMO_COPIES)
    path = groups or (GROUPS if data == DATA else data / "groups.csv")
    return data, _published(path), sorted(set(options.sizes or usual))


def _published(path: Path) -> dict[str, str]:
    if not path.is_file():
        raise SystemExit(f"{path}: the published groups are not here (columns image, group)")
    with path.open(newline="", encoding="utf-8") as file:
        return {row["image"]: row["group"] for row in csv.DictReader(file)}


def _classes(data: Path) -> dict[str, list[str]]:
    folders = sorted(folder for folder in data.iterdir() if folder.is_dir())
    return {
        folder.name: sorted(
            f"{folder.name}/{path.name}"
            for path in folder.iterdir()
            if path.suffix.lower() in SUFFIXES
        )
        for folder in folders
    }


def _measure_all(
    data: Path, published: dict[str, str], sizes: list[int]
) -> tuple[list[Job], list[dict[str, Any]], list[list[dict[str, Any]]]]:
    """Return the jobs, ours of each, and others' methods on the first two of them."""
    classes = _classes(data)
    if not any(image in published for images in classes.values() for image in images):
        raise SystemExit(f"no image of {data} has a published group")
    jobs: list[Job] = []
    for size in sizes:
        images = choose(classes, published, size)
        if len(images) < size:
            out.print(f"Of {size:,} images in equal shares a class, {len(images):,} are there.")
        if jobs and len(images) == len(jobs[-1].images):
            continue
        jobs.append(Job(OURS, str(data), images, [published.get(i, "") for i in images]))
    ours = [_run(job) for job in jobs]
    _print_growth(jobs, ours)
    _print_quality(jobs, ours)
    beside: list[list[dict[str, Any]]] = []
    for job, mine, methods in zip(jobs, ours, _methods(), strict=False):
        beside.append([_run(Job(**{**asdict(job), "method": method})) for method in methods])
        if methods:
            _print_beside(job, mine, beside[-1])
    return jobs, ours, beside


def _growth_ratio(jobs: list[Job], ours: list[dict[str, Any]]) -> list[Ratio]:
    if len(jobs) < 2:
        return []
    first, last = ((len(jobs[at].images), ours[at]) for at in (0, -1))
    last_each, first_each = (mine["total"] / images for images, mine in (last, first))
    return [
        Ratio(
            f"source grouping, an image of {last[0]:,}",
            f"an image of {first[0]:,}",
            "s",
            ((last_each, first_each),),
            limit="the candidate search; keypoints and registration cost the same an image",
        )
    ]


def _beside_ratios(
    jobs: list[Job], ours: list[dict[str, Any]], beside: list[list[dict[str, Any]]]
) -> list[Ratio]:
    return [
        Ratio(
            f"source grouping of {len(job.images):,} images",
            result["name"],
            "s",
            ((mine["total"], result["encoding"] + result["rows"][0]["seconds"]),),
            limit=_found(mine, result["rows"]),
        )
        for job, mine, results in zip(jobs, ours, beside, strict=False)
        for result in results
    ]


def _found(mine: dict[str, Any], rows: Sequence[dict[str, Any]]) -> str:
    theirs = "; ".join(
        f"theirs at {row['threshold']} {_percent(row['recall'])} % "
        f"({_percent(row['precision'])} % of theirs are right)"
        for row in (rows[0], rows[-1])
    )
    return (
        f"pairs found: ours {_percent(mine['recall'])} % ({_percent(mine['precision'])} % right); "
        f"{theirs}; ours proves pairs by registration"
    )


def _methods() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what is measured beside ours on the smallest size, and on the next one."""
    doctor: tuple[str, ...] = (DOCTOR,)
    deduplicators: tuple[str, ...] = ("PHash", "CNN")
    if not _has_doctor():
        out.print(f"{DOCTOR} is not installed, so it is not measured beside ours.")
        doctor = ()
    if not _has_imagededup():
        out.print("imagededup is not installed, so it is not measured beside ours.")
        deduplicators = ()
    return (*deduplicators, *doctor), (*deduplicators[:1], *doctor)


def _has_imagededup() -> bool:
    return importlib.util.find_spec("imagededup") is not None


def _has_doctor() -> bool:
    return importlib.util.find_spec("data_doctor") is not None


def _run(job: Job) -> dict[str, Any]:
    """Measure a job in a process of its own, with an empty cache."""
    with tempfile.TemporaryDirectory(prefix="lcbench-bench-") as folder:
        asked, answer = Path(folder, "job.json"), Path(folder, "result.json")
        asked.write_text(json.dumps(asdict(job)), encoding="utf-8")
        subprocess.run(
            [sys.executable, WORKER, asked, answer],
            env={**os.environ, "LCBENCH_CACHE": str(Path(folder, "cache"))},
            check=True,
        )
        result: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
        return result


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left")
    return table


def _print_growth(jobs: list[Job], results: list[dict[str, Any]]) -> None:
    table = _table(
        f"Source grouping from an empty cache, {os.cpu_count()} cores",
        *("images", "keypoints, s", "embedding, s", "candidate search, s", "registration, s"),
        *("total, s", "images/s", "peak, MB", "private, MB", "search an image", "compared a query"),
    )
    each = [r["seconds"]["search"] / len(job.images) for job, r in zip(jobs, results, strict=True)]
    for job, result, search in zip(jobs, results, each, strict=True):
        table.add_row(
            f"{len(job.images):,}",
            *(f"{result['seconds'][stage]:,.2f}" for stage in STAGES),
            f"{result['total']:,.1f}",
            f"{len(job.images) / result['total']:,.1f}",
            f"{result['peak']:,.0f}",
            f"{result['private']:,.0f}",
            f"x {search / each[0]:.2f}",
            f"{result['compared']:,.0f}",
        )
    out.print(table)
    images = len(jobs[-1].images)
    words = (
        "Peak: resident memory; private: without what is shared, such as libraries.\n"
        f"A matrix of {images:,} x {images:,} float32 would take {4 * images**2 / 2**20:,.0f} MB."
    )
    words += (
        "\nSearch an image: seconds of candidate search an image, as a multiple of the smallest "
        "size's.\nCompared a query: images that the index measured the distance to; where that is "
        "near to all,\nthe set is too small for the index to save work."
    )
    out.print(f"{words}\n{_growth(jobs, each)}")


def _growth(jobs: list[Job], each: list[float]) -> str:
    if len(jobs) < 2:
        return ""
    before, last = (len(job.images) for job in jobs[-2:])
    power = 1 + math.log(each[-1] / each[-2]) / math.log(last / before)
    return (
        f"From {before:,} to {last:,} images the time of the whole candidate search grew\nwith the "
        f"number of images to the power {power:.2f}.\n"
    )


def _print_quality(jobs: list[Job], results: list[dict[str, Any]]) -> None:
    table = _table(
        "Pairs of images in one group, beside the published groups",
        *("images", "with a published group", "published groups", "found of them"),
        *("pair recall, %", "pair precision, %", "groups of all images"),
    )
    for job, result in zip(jobs, results, strict=True):
        known = [group for group in job.groups if group]
        table.add_row(
            f"{len(job.images):,}",
            f"{len(known):,}",
            f"{len(set(known)):,}",
            f"{result['groups']:,}",
            _percent(result["recall"]),
            _percent(result["precision"]),
            f"{result['all_groups']:,}",
        )
    out.print(table)
    out.print(
        "Precision counts as an error what is joined over the published groups, also where two\n"
        "published groups are fields of view that overlap and were proven to.\n"
    )


def _print_beside(job: Job, ours: dict[str, Any], theirs: list[dict[str, Any]]) -> None:
    known = [group for group in job.groups if group]
    table = _table(
        f"Beside others, {len(job.images):,} images, {len(set(known)):,} published groups",
        *("method", "threshold", "pair recall, %", "pair precision, %", "groups"),
        *("direct recall, %", "direct precision, %", "time, s", "peak, MB"),
    )
    quality = (_percent(ours["recall"]), _percent(ours["precision"]), f"{ours['groups']:,}")
    cost = (f"{ours['total']:,.1f}", f"{ours['peak']:,.0f}")
    table.add_row(OURS, "", *quality, "", "", *cost)
    for result in theirs:
        for row in result["rows"]:
            table.add_row(
                result["name"],
                row["threshold"],
                _percent(row["recall"]),
                _percent(row["precision"]),
                f"{row['groups']:,}",
                _percent(row["direct_recall"]),
                _percent(row["direct_precision"]),
                f"{result['encoding'] + row['seconds']:,.1f}",
                f"{result['peak']:,.0f}",
            )
    out.print(table)
    out.print(
        "Pairs within a threshold (bits that differ, or cosine similarity) are joined to groups;\n"
        "direct: the pairs themselves; ours registers only those that could join two groups.\n"
        "Time: encoding and one search. Peak: of the main process, over all thresholds.\n"
        "imagededup compares images as they lie: it neither turns nor mirrors them;\n"
        "vision-data-doctor turns by quarters and mirrors.\n"
    )


def _percent(value: float) -> str:
    return "" if math.isnan(value) else f"{100 * value:.2f}"


if __name__ == "__main__":
    main()
