"""The ladder: every family of recognisers trained on the same speech, families × features in one table.

A corpus with splits train, valid and test goes in. Each preset is trained with each of the features it can take,
chosen on valid, and evaluated on both; what fails stands in the table with its reason. Trained recognisers and answers
are kept in a folder, and the same study started again goes on from there.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from otoscope.core import BadInput, Interrupted, OtoscopeError, Panel
from otoscope.core.protocols import Progress
from otoscope.io.writing import make_folder, write_text
from otoscope.recognizers.evaluation import Entrant, Evaluation, evaluate
from otoscope.recognizers.trainers import trainers
from otoscope.recognizers.training import train
from otoscope.studies.entrants import entrants_of, folder_of, label_of, named
from otoscope.studies.result import StudyResult

OWN_FEATURES = "own"
"""Stands for the features that a preset takes unless told otherwise."""
LEFT_OUT = ("otoscope-en",)
"""Presets whose training goes beyond one corpus."""
COLUMNS = ("preset", "family", "year", "features", "n_parameters", "train_s", "status")
RATES = ("wer", "low", "high", "cer", "rtf", "latency_s", "n_words")

Trainer = Callable[..., Any]


def run(
    corpus: str | os.PathLike[str],
    *,
    presets: str | Sequence[str] | None = None,
    features: str | Sequence[str] = OWN_FEATURES,
    recognizers: str | Sequence[str] = (),
    limit: int | None = None,
    seed: int = 0,
    out: str | os.PathLike[str] = "ladder",
    trainer: Trainer = train,
    progress: Progress | None = None,
) -> StudyResult:
    """Train and evaluate every preset with every kind of features.

    Parameters
    ----------
    corpus
        Folder with splits train, valid and test; speakers must not stand in two of them.
    presets
        Which, with commas between; by default all that `otoscope.recognizers.training.trainers` lists, oldest first.
        Options of the training stand behind a name, `rnnt{"streaming": true, "epochs": 8}`.
    features
        Kinds of features to train with, with commas between; `own` is a preset's own choice. A preset that cannot take
        one says so in its row.
    recognizers
        Others to evaluate as they are, untrained.
    limit
        At most so many utterances of each split are evaluated.
    seed
        Of training and of the choice of utterances.
    out
        Folder for the trained recognisers and the answers.
    trainer
        What trains: called like `otoscope.recognizers.training.train`.
    progress
        Called with (rungs done, all rungs).
    """
    began = time.perf_counter()
    known = {info.name: info for info in trainers()}
    chosen = _chosen(presets if presets is not None else [name for name in known if name not in LEFT_OUT], known)
    out = make_folder(out)
    rungs = [(each, kind) for each in chosen for kind in _listed(features)]
    others = entrants_of(recognizers) if recognizers else ()
    rows: list[dict[str, Any]] = []
    for preset, kind in rungs:
        info = known[preset.name]
        row: dict[str, Any] = {"preset": preset.label, "family": info.family, "year": info.year, "features": kind}
        how = {"limit": limit, "seed": seed, "trainer": trainer, "preset": preset}
        rows.append(
            _rung(row, out / folder_of(preset.label + ("" if kind == OWN_FEATURES else f"-{kind}")), corpus, how)
        )
        _tell(progress, len(rows), len(rungs) + len(others))
    for entrant in others:
        row = {"preset": label_of(entrant), "family": "as it is", "year": None, "features": OWN_FEATURES}
        rows.append(_evaluated(row, entrant, corpus, out, (limit, seed)))
        _tell(progress, len(rows), len(rungs) + len(others))
    provenance = {
        "corpus": os.fspath(corpus),
        "presets": [each.label for each in chosen],
        "features": _listed(features),
        "limit": limit,
        "versions": {"otoscope": version("otoscope")},
        "seed": seed,
    }
    return StudyResult("ladder", _summary(rows), tuple(rows), _panels(rows), provenance, time.perf_counter() - began)


def _chosen(presets: str | Sequence[str], known: Collection[str]) -> tuple[Entrant, ...]:
    """Return presets with the options behind their names, all of them known and none the ladder's own."""
    chosen = named(presets)
    unknown = [each.name for each in chosen if each.name not in known]
    if unknown:
        raise BadInput(f"no such preset: {', '.join(unknown)}; there are {', '.join(known)}")
    own = sorted({option for each in chosen for option in each.parameters} & {"features", "out", "seed"})
    if own:
        raise BadInput(f"{', '.join(own)} are the ladder's own: give them beside the presets, not behind one")
    return chosen


def _listed(names: str | Sequence[str]) -> list[str]:
    return [name.strip() for name in names.split(",") if name.strip()] if isinstance(names, str) else list(names)


def _tell(progress: Progress | None, done: int, total: int) -> None:
    if progress is not None:
        progress(done, total)


def _rung(row: dict[str, Any], folder: Path, corpus: str | os.PathLike[str], how: dict[str, Any]) -> dict[str, Any]:
    """Train one preset with one kind of features and evaluate it; a failure is a row with its reason."""
    own = {} if row["features"] == OWN_FEATURES else {"features": row["features"]}
    clock = folder.with_name(f"{folder.name}.seconds.json")
    try:
        with _clocked(clock):
            how["trainer"](how["preset"].name, corpus, out=folder, seed=how["seed"], **how["preset"].parameters, **own)
    except (Interrupted, KeyboardInterrupt):
        raise
    except Exception as error:  # a family that fails must not take the others down; its reason is in the table
        return _failed(row, error)
    row = {**row, "train_s": json.loads(clock.read_text(encoding="utf-8"))["seconds"]}
    return _evaluated(row, Entrant(os.fspath(folder)), corpus, folder.parent, (how["limit"], how["seed"]))


@contextmanager
def _clocked(clock: Path) -> Iterator[None]:
    """Add the time of the body to a file, until the body has ended well once: what is only read again takes none."""
    before = json.loads(clock.read_text(encoding="utf-8")) if clock.is_file() else {"seconds": 0.0, "finished": False}
    began, finished = time.perf_counter(), False
    try:
        yield
        finished = True
    finally:
        if not before["finished"]:
            seconds = before["seconds"] + time.perf_counter() - began
            write_text(clock, json.dumps({"seconds": seconds, "finished": finished}))


def _evaluated(
    row: dict[str, Any], entrant: Any, corpus: str | os.PathLike[str], out: Path, chosen: tuple[int | None, int]
) -> dict[str, Any]:
    kept = out / "heard" / folder_of(label_of(entrant))
    try:
        results: dict[str, Evaluation] = {
            split: evaluate(entrant, corpus, split=split, limit=chosen[0], seed=chosen[1], out=kept)
            for split in ("valid", "test")
        }
    except OtoscopeError as error:
        return _failed(row, error)
    rates = {f"{split}_{name}": value for split, found in results.items() for name, value in _rates(found).items()}
    size = n_parameters(Path(entrant.name)) if isinstance(entrant, Entrant) else None
    return {**dict.fromkeys(COLUMNS), **row, "n_parameters": size, "status": "done", **rates}


def _failed(row: dict[str, Any], error: Exception) -> dict[str, Any]:
    reason = " ".join(str(error).split()) or type(error).__name__
    if not isinstance(error, OtoscopeError):
        reason = f"{type(error).__name__}: {reason}"
    rates = dict.fromkeys(f"{split}_{name}" for split in ("valid", "test") for name in RATES)
    return {**dict.fromkeys(COLUMNS), **row, "status": f"failed: {reason}", **rates}


def _rates(found: Evaluation) -> dict[str, Any]:
    low, high = found.interval
    waits = None if found.latency is None else found.latency.summary()["median_s"]
    values = (found.wer, low, high, found.cer, found.rtf, waits, found.words.n_reference)
    return dict(zip(RATES, values, strict=True))


def n_parameters(folder: Path) -> int | None:
    """Return how many numbers a saved recogniser holds in safetensors files, or `None` where it has none."""
    from safetensors import safe_open

    counts = []
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, framework="numpy") as file:
            shapes = [file.get_slice(name).get_shape() for name in file.keys()]  # noqa: SIM118 (no mapping)
        counts += [_product(shape) for shape in shapes]
    return sum(counts) if counts else None


def _product(shape: Sequence[int]) -> int:
    size = 1
    for length in shape:
        size *= length
    return size


def _panels(rows: Sequence[dict[str, Any]]) -> tuple[Panel, ...]:
    done = [row for row in rows if row["status"] == "done"]
    if not done:
        return ()
    data = {
        "labels": [
            f"{row['preset']} {'' if row['features'] == OWN_FEATURES else row['features']}".strip() for row in done
        ],
        "values": [row["test_wer"] for row in done],
        "low": [row["test_low"] for row in done],
        "high": [row["test_high"] for row in done],
        "y_label": "word error rate (test)",
    }
    bars = Panel("bars", "The ladder", data, "All trained on the same speech; bars are 95 % bootstrap intervals.")
    return (bars, *_by_features(rows))


def _by_features(rows: Sequence[dict[str, Any]]) -> tuple[Panel, ...]:
    """Return families × features as a table, where there is more than one kind of features."""
    trained = [row for row in rows if row["year"] is not None]
    kinds = list(dict.fromkeys(row["features"] for row in trained))
    if len(kinds) < 2:
        return ()
    found = {(row["preset"], row["features"]): _percent(row) for row in trained}
    table = [[preset, *(found[preset, kind] for kind in kinds)] for preset in dict.fromkeys(p for p, _ in found)]
    caption = "Word error rate on test, per cent; – where a preset cannot take these features or failed."
    return (Panel("table", "Families × features", {"columns": ["preset", *kinds], "rows": table}, caption),)


def _percent(row: dict[str, Any]) -> str:
    return f"{100 * row['test_wer']:.1f}" if row["status"] == "done" else "–"


def _named(row: dict[str, Any]) -> str:
    return str(row["preset"]) if row["features"] == OWN_FEATURES else f"{row['preset']} on {row['features']}"


def _summary(rows: Sequence[dict[str, Any]]) -> str:
    done = [row for row in rows if row["status"] == "done"]
    failed = [_named(row) for row in rows if row["status"] != "done"]
    if not done:
        return f"No recogniser could be trained: {', '.join(failed)} failed."
    best = min(done, key=lambda row: row["test_wer"])
    rest = f"; {', '.join(failed)} failed" if failed else ""
    return f"{_named(best)} makes the fewest word errors on test, {100 * best['test_wer']:.1f} %, of {len(done)}{rest}."
