"""Prediction files of any tool beside a suite's baselines.

Each is compared for itself, on the images that it shares with the baselines: what it lacks takes
nothing away from the suite's own tables, nor from the comparison of another file.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lcbench.analysis.coded import CodedPredictions
from lcbench.analysis.given_results import GivenComparison, GivenLeftOut, GivenModel
from lcbench.analysis.scores import AnalysisSettings
from lcbench.analysis.scoring import compare_models
from lcbench.datasets.labels import read_labels_with
from lcbench.errors import UserError
from lcbench.predictions.alignment import Aligned, align
from lcbench.predictions.messages import listed
from lcbench.predictions.models import load_models
from lcbench.predictions.reading import prediction_files
from lcbench.predictions.table import Predictions
from lcbench.runs.finished import FinishedSuite
from lcbench.runs.plan_records import PlanRecord
from lcbench.runs.store import plan_taxonomy
from lcbench.storage.hashes import content_hash, file_sha256

_SHOWN = 10
ByProtocol = Mapping[str, Sequence[Predictions]]
"""The baselines of each protocol."""


@dataclass(frozen=True)
class GivenFile:
    """A prediction file, or a folder of runs, that was given to a report.

    Parameters
    ----------
    path
        As it was typed.
    sha256
        Of its bytes; of a folder, of the hashes of its prediction files.
    predictions
        Under a name that no baseline has.
    """

    path: Path
    sha256: str
    predictions: Predictions

    @property
    def protocol(self) -> str:
        """The protocol that it names, or empty."""
        return next(filter(None, self.predictions.table["protocol"]), "")


@dataclass(frozen=True)
class PlacedFile:
    """A given file side by side with the baselines of a suite.

    Parameters
    ----------
    given
        The file.
    aligned
        By protocol: the baselines, and the given model last.
    left_out
        Why it is not compared under other protocols.
    """

    given: GivenFile
    aligned: dict[str, Aligned]
    left_out: dict[str, str]


def read_given(
    paths: Sequence[Path], plan: PlanRecord, labels: Path | None = None
) -> tuple[GivenFile, ...]:
    """Read prediction files of any tool, with the class tree of a suite.

    Parameters
    ----------
    paths
        Prediction files, or folders of runs of one baseline.
    plan
        Of the suite; no name of its baselines and ensembles is given a second time.
    labels
        A label map for the class names in the files.

    Raises
    ------
    UserError
        If a file cannot be used, with what is wrong with it.
    """
    if not paths:
        return ()
    models = load_models(paths, read_labels_with(labels, plan_taxonomy(plan)))
    taken = {*plan.baselines, *(one.name for one in plan.ensembles)}
    return tuple(
        GivenFile(path, _sha256(path), _renamed(model, path, taken))
        for path, model in zip(paths, models, strict=True)
    )


def _sha256(path: Path) -> str:
    if path.is_file():
        return file_sha256(path)
    files = prediction_files(path)
    return content_hash(*(part for file in files for part in (str(file), file_sha256(path / file))))


def _renamed(model: Predictions, path: Path, taken: Collection[str]) -> Predictions:
    """Return a model with the file beside its name, where a baseline has that name."""
    if model.name not in taken:
        return model
    return replace(model, name=f"{model.name} ({path if path.is_dir() else path.name})")


def place_given(
    given: Sequence[GivenFile], baselines: ByProtocol, suite: FinishedSuite
) -> tuple[PlacedFile, ...]:
    """Put each given file side by side with the baselines of every protocol that it fits.

    Raises
    ------
    UserError
        If a file fits under no protocol; it says why.
    """
    return tuple(_place(one, baselines, suite) for one in given)


def _place(given: GivenFile, baselines: ByProtocol, suite: FinishedSuite) -> PlacedFile:
    aligned: dict[str, Aligned] = {}
    failed: dict[str, UserError] = {}
    for protocol, models in baselines.items():
        if given.protocol in baselines and given.protocol != protocol:
            failed[protocol] = UserError(f"the file says that it is of {given.protocol!r}")
            continue
        try:
            aligned[protocol] = _align(given.predictions, models, suite)
        except UserError as error:
            failed[protocol] = error
    if not aligned:
        raise _fits_nowhere(given, failed, suite)
    return PlacedFile(given, aligned, {name: error.message for name, error in failed.items()})


def _align(model: Predictions, baselines: Sequence[Predictions], suite: FinishedSuite) -> Aligned:
    named = {one.name: one for one in baselines}
    _require_shared_seed(model, baselines[0])
    # With one of them first: of two models, a message says at a glance what does not fit.
    align([named.get(suite.plan.reference, baselines[0]), model])
    aligned = align([*baselines, model])
    CodedPredictions.of(aligned, suite.taxonomy)
    return aligned


def _require_shared_seed(model: Predictions, baseline: Predictions) -> None:
    """Refuse several seeds of which none is shared; one of each is matched with the other."""
    own, others = (set(one.table["seed"].tolist()) for one in (model, baseline))
    if not own & others and len(own | others) > 2:
        raise UserError(
            f"its seeds are {listed(map(str, sorted(own)), _SHOWN)}, those of the baselines "
            f"{listed(map(str, sorted(others)), _SHOWN)}",
            "Write into the column seed beside which of these each prediction shall stand; "
            "without that column it is seed 0.",
        )


def _fits_nowhere(
    given: GivenFile, failed: Mapping[str, UserError], suite: FinishedSuite
) -> UserError:
    reasons: dict[str, list[str]] = {}
    for protocol, error in failed.items():
        reasons.setdefault(error.message, []).append(protocol)
    told = "; ".join(f"{', '.join(names)}: {reason}" for reason, names in reasons.items())
    remedy = next((error.remedy for error in failed.values() if error.remedy), "")
    return UserError(
        f"--with {given.path}: nothing to compare with the suite {suite.plan.suite} ({told})",
        f"{remedy} Where it is meant for one suite of several, name that: lcbench report "
        f"RUNS/SUITE --with {given.path}".strip(),
    )


def compare_given(
    placed: PlacedFile, suite: FinishedSuite, settings: AnalysisSettings
) -> GivenModel:
    """Return a given model beside the baselines: scores, and paired tests with each of them.

    All its pairs under a protocol are one family of tests for each event.
    """
    given = placed.given
    table = given.predictions.table
    return GivenModel(
        model=given.predictions.name,
        file=str(given.path),
        sha256=given.sha256,
        protocol=given.protocol,
        images=int(table["image"].nunique()),
        predictions=len(table),
        seeds=tuple(sorted(int(seed) for seed in table["seed"].unique())),
        notes=_reading_notes(placed),
        comparisons=tuple(
            GivenComparison(
                protocol=protocol,
                matched_by=aligned.identity,
                comparison=compare_models(
                    aligned,
                    suite.taxonomy,
                    [(name, aligned.names[-1]) for name in aligned.names[:-1]],
                    settings,
                    roles=suite.roles,
                ),
            )
            for protocol, aligned in placed.aligned.items()
        ),
        left_out=tuple(
            GivenLeftOut(protocol=protocol, reason=reason)
            for protocol, reason in placed.left_out.items()
        ),
    )


def _reading_notes(placed: PlacedFile) -> tuple[str, ...]:
    """Return what was noted when the file was read; source groups may be those of the suite."""
    groups = any((one.rows["group"] != "").any() for one in placed.aligned.values())
    notes = placed.given.predictions.notes
    return tuple(note.what for note in notes if not (groups and note.column == "group"))
