"""Vowels: what 20 listeners heard, what formants tell a machine, and where the two agree.

Hillenbrand, Getty, Clark and Wheeler (1995) recorded twelve American vowels in /hVd/, measured them, and had 20 people
name each token. A quadratic discriminant on log measurements, always tested on a talker it was not taught, is the
baseline that any model of vowels must beat: in accuracy, in whether it doubts the tokens that people doubt, and in
whether it takes one vowel for another as people do.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from otoscope.core.protocols import Progress
from otoscope.metrics.agreement import bootstrap_interval, pearson, spearman
from otoscope.studies.result import StudyResult
from otoscope.studies.vowel_listeners import Listened, confusions, read_listened
from otoscope.studies.vowel_panels import panels_of_vowels

Vector = NDArray[np.float64]

FIRST, SECOND = 1, 7
"""The two of the eight points of a track, 10 to 80 % of the vowel, that stand for its movement: 10 and 70 %."""

FEATURES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "F1 F2 steady": ("f1", "f2"),
        "F1-F3 steady": ("f1", "f2", "f3"),
        "f0 F1-F3 steady": ("f0", "f1", "f2", "f3"),
        "f0 F1-F3 steady, duration": ("f0", "f1", "f2", "f3", "dur"),
        "F1 F2 at two points": tuple(f"{f}_{p}" for p in (FIRST, SECOND) for f in ("f1", "f2")),
        "f0, duration, F1-F3 at two points": (
            "f0",
            "dur",
            *(f"{f}_{p}" for p in (FIRST, SECOND) for f in ("f1", "f2", "f3")),
        ),
    }
)
"""What the machine is given, by name: columns of the table."""


def run(corpus: str | os.PathLike[str], *, seed: int = 0, progress: Progress | None = None) -> StudyResult:
    """Teach a quadratic discriminant each set of measurements and compare it with the listeners.

    Parameters
    ----------
    corpus
        Folder with `h95_listeners.tsv`, or that file: measurements of each token and how many of its listeners gave
        which answer.
    seed
        Of the bootstrap over talkers.
    progress
        Called with (sets of measurements done, all).

    Returns
    -------
    StudyResult
        One row for each set of measurements: `n` tokens that have them all (the others are dropped), `accuracy` with
        its interval over talkers, `spearman` of the posterior of the true vowel with the share of listeners who heard
        it, and `confusion_r`, the correlation of the cells off the diagonal of the two confusion matrices: mean
        posteriors, and shares of answers, over the same tokens. What listeners did is in the provenance.

    Raises
    ------
    BadInput
        There is no such table, or it lacks columns.
    """
    began = time.perf_counter()
    listened = read_listened(corpus)
    rows: list[dict[str, Any]] = []
    heard: dict[str, Vector] = {}
    for name, columns in FEATURES.items():
        rows.append(_row(name, columns, listened, heard, seed=seed))
        if progress is not None:
            progress(len(rows), len(FEATURES))
    people = listened.summary()
    provenance = {
        "corpus": os.path.basename(os.path.normpath(os.fspath(corpus))),
        "sha256": listened.sha256,
        "n_tokens": len(listened),
        "n_talkers": len(set(listened.talkers)),
        "listeners": people,
        "by_vowel": listened.by_vowel(),
        "features": {name: list(columns) for name, columns in FEATURES.items()},
        "model": "quadratic discriminant analysis of natural logs, leave one talker out",
        "seed": seed,
        "versions": {"otoscope": version("otoscope")},
    }
    panels = panels_of_vowels(rows, listened, heard)
    return StudyResult(
        "vowels", _summary(rows, people, provenance), tuple(rows), panels, provenance, time.perf_counter() - began
    )


def posteriors(values: Vector, vowels: NDArray[np.int64], talkers: NDArray[np.str_]) -> Vector:
    """Return `(n_tokens, n_vowels)` posteriors of a quadratic discriminant taught by all other talkers.

    Parameters
    ----------
    values
        `(n_tokens, n_features)`, natural logs.
    vowels
        `(n_tokens,)` the true ones.
    talkers
        `(n_tokens,)` who spoke.

    Notes
    -----
    Hastie, Tibshirani and Friedman (2009), equation 4.12, with priors and covariances of greatest likelihood: those of
    scikit-learn from version 1.8 on; before, it divided the scatter by n - 1, which moves accuracies by 0.001.
    """
    found = np.zeros((len(vowels), int(vowels.max()) + 1))
    for talker in np.unique(talkers):
        own = talkers == talker
        taught, said = values[~own], vowels[~own]
        clouds = [_log_density(values[own], taught[said == v]) for v in range(found.shape[1])]
        found[own] = softmax(np.stack(clouds, axis=1), axis=1)
    return found


def _log_density(values: Vector, members: Vector) -> Vector:
    """Return the log density of the cloud of `members` at `values`, times their number; constants are left out."""
    off = values - members.mean(axis=0)
    spread = np.atleast_2d(np.cov(members.T, ddof=0))
    squares = np.einsum("ij,ij->i", off, np.linalg.solve(spread, off.T).T)
    density: Vector = np.log(len(members)) - 0.5 * (squares + np.linalg.slogdet(spread)[1])
    return density


def _row(
    name: str, columns: Sequence[str], listened: Listened, heard: dict[str, Vector], *, seed: int
) -> dict[str, Any]:
    """Return the figures of one set of measurements, and put its posteriors, NaN where dropped, into `heard`."""
    values = listened.logs(columns)
    whole = np.isfinite(values).all(axis=1)
    truth, who = listened.vowels[whole], np.array(listened.talkers)[whole]
    found = posteriors(values[whole], truth, who)
    heard[name] = np.full((len(listened), found.shape[1]), np.nan)
    heard[name][whole] = found
    right = found.argmax(axis=1) == truth
    by_talker = [float(right[who == talker].mean()) for talker in np.unique(who)]
    low, high = bootstrap_interval(by_talker, seed=seed)
    shares = listened.shares[whole]
    here = np.arange(len(truth))
    off = ~np.eye(found.shape[1], dtype=bool)
    machine, people = confusions(found, truth), confusions(shares, truth)
    return {
        "features": name,
        "n": int(whole.sum()),
        "accuracy": float(right.mean()),
        "accuracy_low": low,
        "accuracy_high": high,
        "spearman": spearman(found[here, truth], shares[here, truth]),
        "confusion_r": pearson(machine[off], people[off]),
    }


def _summary(rows: Sequence[Mapping[str, Any]], people: Mapping[str, Any], made: Mapping[str, Any]) -> str:
    first, best = rows[0], max(rows, key=lambda row: row["spearman"])
    return (
        f"Listeners are right {people['mean_correct_percent']:.2f} % of the time on {made['n_tokens']} tokens of "
        f"{made['n_talkers']} talkers; worst is {people['worst'][0]}, best {people['best'][0]}. The machine comes "
        f"nearest to them with {best['features']}: accuracy {best['accuracy']:.3f}, Spearman {best['spearman']:.3f}, "
        f"confusions {best['confusion_r']:.3f}; with {first['features']} these are {first['accuracy']:.3f}, "
        f"{first['spearman']:.3f} and {first['confusion_r']:.3f}."
    )
