"""What the simulation study draws is what it says it draws; the benches run."""

from __future__ import annotations

import importlib
import importlib.util
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[1]
GROUPS = ROOT.parent / "shared" / "data" / "lc25000-source-groups-aca-scc.csv"


@pytest.fixture(scope="module", autouse=True)
def _benches() -> Iterator[None]:
    """Let the benches be imported, by their own names, as they import each other."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "tests" / "bench"))
        yield


@pytest.fixture(scope="module")
def simulated() -> ModuleType:
    return importlib.import_module("simulated")


@pytest.fixture(scope="module")
def calibration() -> ModuleType:
    return importlib.import_module("calibration")


@pytest.fixture(scope="module")
def worker() -> ModuleType:
    return importlib.import_module("leakage_worker")


@pytest.fixture(scope="module")
def leakage() -> ModuleType:
    return importlib.import_module("leakage")


@pytest.fixture(scope="module")
def frame() -> ModuleType:
    return importlib.import_module("frame")


@pytest.fixture(scope="module")
def record() -> ModuleType:
    return importlib.import_module("record")


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    """What `python tests/bench` runs."""
    path = ROOT / "tests" / "bench" / "__main__.py"
    spec = importlib.util.spec_from_file_location("bench", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def study() -> ModuleType:
    return importlib.import_module("study")


FIRST_AUDIT = {
    "lung_aca": (233, 1, 20.0, 62),
    "lung_n": (240, 2, 20.0, 56),
    "lung_scc": (237, 0, 20.0, 48),
}
"""Of each class: source groups, those of one image, the median and the largest size."""


def test_the_sizes_are_those_of_lc25000(simulated: ModuleType) -> None:
    """Of the audit that the study began with; those since have found a few joins more."""
    audit = json.loads((ROOT / "reports" / "lc25000-audit" / "audit.json").read_text("utf-8"))
    groups = simulated.lc25000_groups()
    assert len(groups.sizes) == 710
    assert audit["groups"]["groups"] == pytest.approx(710, rel=0.02)
    tables = {
        "lung_aca": simulated.ADENOCARCINOMA,
        "lung_n": simulated.BENIGN,
        "lung_scc": simulated.SQUAMOUS,
    }
    for label in audit["labels"]:
        table = tables[label["label"]]
        sizes = np.repeat(list(table), list(table.values()))
        assert sizes.sum() == label["images"] == 5000
        found = (len(sizes), int((sizes == 1).sum()), float(np.median(sizes)), int(sizes.max()))
        assert found == FIRST_AUDIT[label["label"]]
        assert len(sizes) == pytest.approx(label["facts"]["groups"], rel=0.02)


@pytest.mark.parametrize("icc", [0.0, 0.1, 0.5, 1.0])
def test_outcomes_have_their_chances_and_their_correlation(
    simulated: ModuleType, icc: float
) -> None:
    rng = np.random.default_rng(0)
    sizes = np.full(40_000, 10)
    counts = simulated.outcomes(rng, sizes, (0.7, 0.2, 0.1), icc)
    assert (counts.sum(axis=1) == sizes).all()
    assert counts.sum(axis=0) / sizes.sum() == pytest.approx([0.7, 0.2, 0.1], abs=0.01)
    # The variance of a count is n p (1 - p) (1 + (n - 1) icc).
    for column, chance in enumerate((0.7, 0.2, 0.1)):
        inflation = counts[:, column].var() / (10 * chance * (1 - chance))
        assert (inflation - 1) / 9 == pytest.approx(icc, abs=0.02)


def test_rare_and_correlated_outcomes_do_not_vanish(simulated: ModuleType) -> None:
    rng = np.random.default_rng(1)
    counts = simulated.outcomes(rng, np.full(200_000, 20), (0.998, 0.002), 0.5)
    assert counts[:, 1].sum() / counts.sum() == pytest.approx(0.002, rel=0.1)


def test_scores_have_their_auroc(simulated: ModuleType) -> None:
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(2)
    groups = simulated.lc25000_groups()
    score, true, _ = simulated.scores(rng, groups, np.sqrt(2), 0.0)
    assert roc_auc_score(true, score) == pytest.approx(0.8413, abs=0.01)


def test_confusions_fall_on_both_other_classes(simulated: ModuleType) -> None:
    rng = np.random.default_rng(3)
    counts = simulated.confusions(rng, simulated.lc25000_groups(), 0.2, 0.1).sum(axis=0)
    assert counts.sum(axis=1).tolist() == [5000] * 3
    assert counts / 5000 == pytest.approx(np.full((3, 3), 0.1) + 0.7 * np.eye(3), abs=0.03)


def test_larger_groups_can_err_more(simulated: ModuleType) -> None:
    rng = np.random.default_rng(4)
    groups = simulated.lc25000_groups()
    chance = np.minimum(0.05 * groups.weight, 0.95)
    expected = simulated.expected_confusions(groups, chance)
    drawn = np.mean([simulated.confusions(rng, groups, chance, 0.1) for _ in range(200)], axis=0)
    assert drawn.sum(axis=0) == pytest.approx(expected.sum(axis=0), rel=0.05)
    wrong = expected.sum(axis=(1, 2)) - expected.trace(axis1=1, axis2=2)
    rate = wrong / groups.sizes
    assert rate[groups.sizes == 40].max() == pytest.approx(4 * rate[groups.sizes == 20].max())


@pytest.mark.parametrize("seed_sd", [0.0, 0.015])
def test_crossed_errors_have_their_rate_and_their_spread_over_seeds(
    simulated: ModuleType, seed_sd: float
) -> None:
    rng = np.random.default_rng(5)
    sizes = np.full(300, 20)
    drawn = [simulated.crossed(rng, sizes, 0.05, 0.1, 4, seed_sd) for _ in range(100)]
    counts = np.stack(drawn).sum(axis=1) / sizes.sum()
    assert (np.stack(drawn).sum(axis=-1) == 20).all()
    for both in (counts[..., 1] + counts[..., 3], counts[..., 2] + counts[..., 3]):
        assert both.mean() == pytest.approx(0.05, abs=0.003)
        # What seeds add to the variance that groups give a network of its own.
        within = both.var(axis=1, ddof=1).mean()
        assert within == pytest.approx(seed_sd**2, abs=3e-5 + 0.2 * seed_sd**2)


def test_the_study_runs(
    study: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "statistics.md"
    page.write_text(f"before\n{study.START}\nold\n{study.END}\nafter\n", encoding="utf-8")
    small = ["--simulations", "1", "--groups", "40", "--jobs", "1", "--docs", str(tmp_path)]
    study.main([*small, "--only", "scores"])
    assert "were never run" in capsys.readouterr().out
    assert "old" in page.read_text("utf-8")
    study.main([*small, "--only", "pairs", "methods", "seeds"])
    cells = pd.read_csv(tmp_path / "study.csv")
    assert set(cells.subject) == set(study.SUBJECTS)
    assert set(cells.groups) == {40}
    assert cells.share.between(0, 1).all()
    written = page.read_text("utf-8")
    assert written.startswith("before\n")
    assert written.endswith("after\n")
    assert written.count("| accuracy 95 % | 0.5 |") == 1 + 1 + 3
    assert "Test and interval disagree in 0 of" in written


def test_the_leakage_bench_runs_without_the_data_and_without_others(
    leakage: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(leakage, "DATA", tmp_path / "absent")
    monkeypatch.setattr(leakage, "DEMO_COPIES", 3)
    monkeypatch.setattr(leakage, "_has_imagededup", lambda: False)
    monkeypatch.setattr(leakage, "_has_doctor", lambda: False)
    leakage.main(["--sizes", "18", "9"])
    printed = capsys.readouterr().out
    assert "measured on the demonstration set" in printed
    assert "imagededup is not installed" in printed
    assert "vision-data-doctor is not installed" in printed
    growth, quality = (
        [line.split("│")[1:-1] for line in part.splitlines() if line.startswith("│")]
        for part in printed.split("Pairs of images in one group")
    )
    assert [int(row[0]) for row in growth] == [9, 18]
    assert all(float(cell.replace(",", "")) > 0 for row in growth for cell in (row[1], *row[5:9]))
    assert [row[9].strip().startswith("x ") and float(row[10]) > 1 for row in growth] == [True] * 2
    assert [[float(cell) for cell in row[:3]] for row in quality] == [[9, 9, 3], [18, 18, 6]]


def test_the_leakage_bench_runs_imagededup(
    leakage: ModuleType, worker: ModuleType, tmp_path: Path
) -> None:
    pytest.importorskip("imagededup")
    from lcbench.datasets.demo import create_demo

    create_demo(tmp_path / "demo", tiles_per_class=1, copies=2)
    images = sorted(f"{p.parent.name}/{p.name}" for p in (tmp_path / "demo").glob("*/*.bmp"))
    groups = [image.split("/")[0] for image in images]
    found = leakage._run(worker.Job("PHash", str(tmp_path / "demo"), images, groups))
    assert [row["threshold"] for row in found["rows"]] == ["≤ 4", "≤ 10", "≤ 16", "≤ 20"]
    assert all(row["groups"] <= len(images) for row in found["rows"])


def test_the_leakage_bench_keeps_groups_whole(leakage: ModuleType) -> None:
    classes = {
        "a": [f"a/{n:02d}" for n in range(30)],
        "n": [f"n/{n:02d}" for n in range(30)],
    }
    groups = {image: f"group {number // 5}" for number, image in enumerate(classes["a"])}
    chosen = leakage.choose(classes, groups, 20)
    sizes = Counter(groups[image] for image in chosen if image in groups)
    assert list(sizes.values()) == [5, 5]
    assert chosen[10:] == classes["n"][:10]
    assert len(leakage.choose(classes, groups, 25)) == 25
    assert len(leakage.choose(classes, groups, 100)) == 60


def test_the_leakage_bench_scores_pairs(worker: ModuleType) -> None:
    published = np.array([0, 0, 0, 1, 1])
    scores = worker.score(np.array([7, 7, 8, 8, 8]), published)
    # Published pairs: 3 + 1; found pairs: 1 + 3; in both: the first two and the last two images.
    assert (scores.recall, scores.precision, scores.groups) == (0.5, 0.5, 2)
    pairs = np.array([(0, 1), (1, 0), (2, 3), (4, 5)])
    named = np.array(["a", "a", "a", "b", "b", ""])
    assert worker._direct(pairs, named) == (0.25, 0.5)


@pytest.mark.parametrize("icc", [0.0, 1.0])
def test_the_simulated_confidences_are_off_by_the_error_asked_for(
    calibration: ModuleType, simulated: ModuleType, icc: float
) -> None:
    sure, truth = calibration.population(3.0, 0.02)
    gap = calibration.expit(sure) - calibration.expit(truth.slope * sure)
    assert gap.mean() == pytest.approx(0.02, abs=1e-6)
    assert gap.min() > -0.03  # below a half only, which is rare, is it the other way round
    assert 0.5 < truth.slope < 1
    assert truth.intercept < 0
    groups = simulated.lc25000_groups().first(60)
    *covered, corrected, plain = calibration.simulated(0, groups, 3.0, icc, truth)
    assert set(covered) <= {0.0, 1.0}
    assert 0 <= corrected < plain < 0.3


# the frame: ratios, tables and files


@pytest.mark.parametrize(
    ("unit", "ratios", "median"),
    [("images/s", [2.0, 0.5, 1.0], 1.0), ("s", [0.5, 2.0, 1.0], 1.0)],
)
def test_a_ratio_above_one_says_that_ours_is_better(
    frame: ModuleType, unit: str, ratios: list[float], median: float
) -> None:
    ratio = frame.Ratio("it", "other", unit, ((4.0, 2.0), (1.0, 2.0), (3.0, 3.0)), 0.9, "words")
    assert ratio.ratios == ratios
    written = ratio.as_json()
    assert (written["ratio"], written["lowest"], written["highest"]) == (median, 0.5, 2.0)
    assert (written["ours"], written["theirs"], written["repeats"]) == (3.0, 2.0, 3)


def test_what_is_compared_is_measured_in_turn(frame: ModuleType) -> None:
    order: list[str] = []

    def figure(name: str, value: float) -> float:
        order.append(name)
        return value

    pairs = frame.side_by_side(lambda: figure("ours", 1.0), lambda: figure("theirs", 2.0), 3)
    assert pairs == ((1.0, 2.0),) * 3
    assert order == ["ours", "theirs", "theirs", "ours", "ours", "theirs"]


def test_what_was_measured_elsewhere_is_not_mixed_in(record: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    here = record.before(path, quick=True)
    here["measures"]["start"] = {"skipped": "", "ratios": []}
    record.write(path, here)
    assert record.before(path, quick=True) == here
    assert record.before(path, quick=False)["measures"] == {}
    record.write(path, {**here, "machine": {"words": "another"}})
    assert record.before(path, quick=True)["measures"] == {}


def test_a_bench_that_cannot_be_done_gives_its_reason(
    frame: ModuleType, record: ModuleType
) -> None:
    def work() -> list[object]:
        raise frame.Skipped("no images")

    found = record.measured("it", work)
    assert (found["skipped"], found["ratios"]) == ("no images", [])
    assert "not measured: no images" in record.markdown({"it": found})


def test_the_page_shows_what_the_record_says(record: ModuleType, bench: ModuleType) -> None:
    page = bench.PAGE.read_text("utf-8")
    assert record.with_table(page, json.loads(bench.RECORD.read_text("utf-8"))) == page


# the benches at toy size: that they run; how fast is no test's business


@pytest.mark.parametrize(
    "name",
    [
        *("start", "batches", "embedding", "finetuning", "heads", "usual_loops"),
        *("straightforward", "growth", "report_statistics", "explorer"),
    ],
)
def test_a_bench_runs_and_writes_its_ratios(
    bench: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    bench.main(["--quick", "--only", name, "--out", str(tmp_path / "bench.json")])
    found = json.loads((tmp_path / "bench.json").read_text("utf-8"))
    ratios = found["measures"][name]["ratios"]
    assert ratios
    assert all(ratio["ours"] > 0 and ratio["theirs"] > 0 for ratio in ratios)
    assert found["quick"]
    assert "cores" in found["machine"]["words"]
    assert ratios[0]["name"].split()[0] in capsys.readouterr().out


def test_the_bench_of_an_accelerator_runs_on_a_cpu(tmp_path: Path) -> None:
    gpu = importlib.import_module("gpu")
    assert gpu.main(["--out", str(tmp_path / "gpu.json")]) == 0
    found = json.loads((tmp_path / "gpu.json").read_text("utf-8"))
    assert found["weights"] == "random weights"
    ratios = [ratio for result in found["measures"].values() for ratio in result["ratios"]]
    for words in ("embedding", "fine-tuning", "peak memory", "difference, probabilities"):
        assert any(words in ratio["name"] for ratio in ratios)
    same = [ratio["ours"] for ratio in ratios if ", 32 on cpu, from" in ratio["name"]]
    assert len(same) == 2
    assert max(same) < 1e-6  # a CPU beside itself


def test_a_measure_that_fails_leaves_the_others_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gpu = importlib.import_module("gpu")

    def broken(*_: object) -> None:
        raise RuntimeError("no such kernel")

    def works(*_: object) -> list[object]:
        return [gpu.Ratio("whole", "the aim", "s", ((2.0, 1.0),), 1)]

    for name in ("full", "precisions", "agreement", "whole"):
        monkeypatch.setattr(gpu.Bench, name, works)
    monkeypatch.setattr(gpu.Bench, "frozen", broken)
    assert gpu.main(["--out", str(tmp_path / "gpu.json")]) == 1
    measures = json.loads((tmp_path / "gpu.json").read_text("utf-8"))["measures"]
    broken_ones = [name for name, result in measures.items() if result["failed"]]
    assert broken_ones
    assert all("frozen" in name for name in broken_ones)
    assert measures["whole"]["ratios"]
    assert "no such kernel" in capsys.readouterr().err


def test_the_images_of_the_straightforward_way_are_counted(tmp_path: Path) -> None:
    straightforward = importlib.import_module("straightforward")
    parents = {"a": "root", "b": "root", "b1": "b", "b2": "b"}
    common = {
        "split": {"train": 60, "validation": 20, "test": 20},
        "taxonomy": {"parents": parents},
        "dataset": {"images_by_class": {"a": 50, "b1": 25, "b2": 25}},
    }
    for run, (kind, name, networks) in {
        "floor": ("majority", None, []),
        "colour": ("colour", None, []),
        "neighbours": ("neighbours", "net", []),
        "flat": ("network", "net", ["all", "all"]),
        "cascade": ("network", "net", ["root", "root", "root", "b"]),
    }.items():
        folder = tmp_path / run
        folder.mkdir()
        config = {**common, "kind": kind, "backbone": name and {"name": name}}
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        lines = "".join(f"{number},{network}\n" for number, network in enumerate(networks))
        (folder / "history.csv").write_text(f"epoch,network\n{lines}", encoding="utf-8")
    flat, cascade = 2 * 80 + 20, 3 * 80 + 80 // 2 + 20
    assert straightforward.count_passes(tmp_path) == {
        "colour": 100,
        "net": 100 + flat + cascade,
    }


def test_drawn_images_are_in_equal_shares_and_have_groups() -> None:
    module = importlib.import_module("pictures")
    few, more = (module.pictures(number, drawn=True) for number in (18, 360))
    assert [len(one.files()) for one in (few, more)] == [18, 360]
    dataset = few.dataset()
    assert set(dataset.manifest["label"].value_counts()) == {6}
    assert dataset.groups_known
