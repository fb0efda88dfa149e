"""Deep against classical: do deep models make far fewer word errors than the best Gaussian-mixture HMM?

Trained recognisers go in: a monophone and a triphone HMM, and deep ones, all trained on the same speech and decoding
with the same language model. Out come their errors on the same utterances, the tests of every pair, and how many of the
best classical recogniser's errors the best deep one avoids.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from otoscope.core import BadInput, Panel, Recognizer
from otoscope.core.protocols import Progress
from otoscope.metrics.significance import Difference, bootstrap_difference
from otoscope.recognizers.evaluation import Comparison, Evaluation, compare, evaluate
from otoscope.recognizers.evaluation.breakdown import known_speakers
from otoscope.recognizers.evaluation.entrant import Entrant
from otoscope.recognizers.evaluation.panels import pairs_panel, wer_panel
from otoscope.studies.entrants import Entrants, entrants_of, folder_of, label_of
from otoscope.studies.result import StudyResult

TRAINED_ON = ("train", "valid")
"""Parts of a run's description (`run.json`) that must be equal for two recognisers to have learnt from the same."""


def run(
    corpus: str | os.PathLike[str],
    *,
    classical: Entrants,
    deep: Entrants,
    split: str = "test",
    choose_on: str = "valid",
    limit: int | None = None,
    seed: int = 0,
    out: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> StudyResult:
    """Compare classical and deep recognisers; the best of each kind is chosen on one split and judged on another.

    Parameters
    ----------
    corpus
        Folder with both splits.
    classical, deep
        Names or folders, with commas between, or a sequence: the monophone and triphone HMMs, and the hybrids.
    split, choose_on
        Where they are judged, and where the best of each kind is chosen.
    limit, seed, out, progress
        As in `otoscope.recognizers.evaluation.compare`.
    """
    began = time.perf_counter()
    kinds = {"classical": entrants_of(classical), "deep": entrants_of(deep)}
    everyone = [*kinds["classical"], *kinds["deep"]]
    labels = _different_labels(everyone)
    folder = None if out is None else Path(out)
    heard = compare(everyone, corpus, split=split, limit=limit, seed=seed, out=folder, progress=progress)
    valid = {
        label: evaluate(entrant, corpus, split=choose_on, limit=limit, seed=seed, out=_kept(folder, label))
        for label, entrant in zip(labels, everyone, strict=True)
    }
    kind_of = {label_of(entrant): kind for kind, entrants in kinds.items() for entrant in entrants}
    best = {kind: _best([label for label in labels if kind_of[label] == kind], valid) for kind in kinds}
    rows = tuple(_row(kind_of[e.name], e, valid[e.name], best) for e in heard.evaluations)
    gain = _gain(heard, best)
    same = same_training([entrant.name for entrant in everyone])
    provenance = {
        "corpus": os.fspath(corpus),
        "split": split,
        "chosen_on": choose_on,
        **_found(heard, best, gain),
        "same_training_data": same,
        "versions": {"otoscope": version("otoscope")},
        "seed": seed,
    }
    panels: tuple[Panel, ...] = (wer_panel(heard.evaluations), pairs_panel(heard.pairs))
    return StudyResult(
        "deep-vs-classical", _summary(heard, best, gain, same), rows, panels, provenance, time.perf_counter() - began
    )


def _different_labels(entrants: Sequence[Recognizer | Entrant]) -> list[str]:
    labels = [label_of(entrant) for entrant in entrants]
    if len(set(labels)) < len(labels):
        raise BadInput(f"two of the recognisers have one name: {', '.join(labels)}; save them in folders of their own")
    return labels


def _best(labels: Sequence[str], valid: Mapping[str, Evaluation]) -> str:
    return min(labels, key=lambda label: valid[label].wer)


def _found(heard: Comparison, best: Mapping[str, str], gain: Difference) -> dict[str, Any]:
    return {
        "best": dict(best),
        "relative_reduction": [gain.relative, gain.relative_low, gain.relative_high],
        "pairs": [pair.as_json() for pair in heard.pairs],
        "recognizers": {evaluation.name: evaluation.provenance for evaluation in heard.evaluations},
    }


def _kept(folder: Path | None, label: str) -> Path | None:
    return None if folder is None else folder / "chosen" / folder_of(label)


def _row(kind: str, found: Evaluation, valid: Evaluation, best: Mapping[str, str]) -> dict[str, Any]:
    low, high = found.interval
    return {
        "kind": kind,
        "recognizer": found.name,
        "best_of_kind": best[kind] == found.name,
        "valid_wer": valid.wer,
        "wer": found.wer,
        "low": low,
        "high": high,
        "cer": found.cer,
        "rtf": found.rtf,
        "n_words": found.words.n_reference,
    }


def _gain(heard: Comparison, best: Mapping[str, str]) -> Difference:
    """Return the difference of the best classical less the best deep recogniser."""
    by_name = {evaluation.name: evaluation for evaluation in heard.evaluations}
    a, b = by_name[best["classical"]], by_name[best["deep"]]
    rates = ([one.rate for one in evaluation.judged] for evaluation in (a, b))
    return bootstrap_difference(*rates, groups=known_speakers(a.judged), seed=a.seed)


def same_training(folders: Sequence[str]) -> bool | None:
    """Return whether the descriptions of the runs name the same data; `None` where one has no description."""
    described = []
    for folder in folders:
        path = Path(folder) / "run.json"
        if not path.is_file():
            return None
        run_of = json.loads(path.read_text(encoding="utf-8"))
        described.append({part: run_of.get(part) for part in TRAINED_ON})
    return all(each == described[0] for each in described)


def _summary(heard: Comparison, best: Mapping[str, str], gain: Difference, same: bool | None) -> str:
    pair = next(pair for pair in heard.pairs if {pair.a, pair.b} == set(best.values()))
    certain = "more than chance" if pair.better else "not told apart"
    data = {True: "the same speech", False: "DIFFERENT speech", None: "speech that their folders do not describe"}[same]
    return (
        f"{best['deep']} makes {100 * gain.relative:.1f} % fewer word errors than {best['classical']} (95 % interval "
        f"{100 * gain.relative_low:.1f} to {100 * gain.relative_high:.1f} %; matched pairs p = {pair.p_corrected:.2g} "
        f"after correction, {certain}); they were trained on {data}."
    )
