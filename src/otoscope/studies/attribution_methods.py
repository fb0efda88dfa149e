"""Every method of attribution on real speech: how well it finds what decides a word, how sure, how fast.

Words of a corpus are explained in stretches of `context_s` before and behind them, by all methods over the same
segments. Where captum is installed its integrated gradients, occlusion and Shapley sampling explain the same network.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, Interval, NotAble, Panel, Recognizer, Recording, Segment, Target
from otoscope.core.protocols import Progress
from otoscope.explainers import EXPLAINERS
from otoscope.explainers import method as method_named
from otoscope.explainers.curves import order_masks, random_orders
from otoscope.explainers.direct import estimate_of
from otoscope.explainers.masked_scores import MaskedScores
from otoscope.explainers.segments import inside, sizes
from otoscope.metrics.agreement import bootstrap_interval, spearman
from otoscope.metrics.plausibility import chance_mass, relevance_mass
from otoscope.studies.captum_peers import PEERS, installed, peer_relevance
from otoscope.studies.result import StudyResult

FILLS = ("silence", "mean")
RANDOM = "random"
SEGMENT_S = 0.03
COUNTS = (*range(13), 16, 20, 26, 34, 46, 62, 84)
SHORTEST_S = 0.15


@dataclass(frozen=True)
class Case:
    """One word in a stretch of sound, and the segments that all methods explain."""

    sound: Recording
    target: Target
    interval: Interval
    segments: tuple[Segment, ...]


@dataclass(frozen=True)
class Measured:
    """What one method made of one word: deletion areas by fill, mass and chance, agreement of seeds, seconds."""

    areas: tuple[float, ...]
    mass: float
    chance: float
    agreement: float
    seconds: float


def run(
    *,
    corpus: str | os.PathLike[str],
    recognizer: str = "otoscope-en",
    split: str | None = "test",
    methods: str = "all",
    n_words: int = 8,
    context_s: float = 1.5,
    seed: int = 0,
    progress: Progress | None = None,
) -> StudyResult:
    """Explain words by every method.

    Parameters
    ----------
    corpus, split
        A corpus folder such as `librispeech-mini`, and which part of it.
    recognizer
        Name or folder of the recogniser.
    methods
        Names with commas between, or `all`: the registry and, where captum is installed, `captum-…`.
    n_words
        Words explained, drawn over all recordings; 0 for one of each recording.
    context_s
        Seconds of sound on either side of a word.
    seed
        Of the draw, the methods and the random orders. Agreement is measured with the next seed.
    progress
        Told as words are explained.

    Returns
    -------
    StudyResult
        One row a method. `deletion_silence` and `deletion_mean`: area under the log score as segments go, most relevant
        first, scaled so that the whole stretch is 1 and the filled one 0, and cut off there (low is good).
        `relevance_mass`: share of positive relevance within the word, beside `chance_mass`. `seed_spearman`: rank
        correlation of the maps of two seeds, 1 by construction where nothing is drawn. A method that the recogniser
        cannot serve has a reason in `note`.
    """
    from otoscope.recognizers import load

    began = time.perf_counter()
    engine = load(recognizer)
    names = _names(methods)
    cases = _cases(engine, corpus, split, n_words=n_words, context_s=context_s, seed=seed)
    found: dict[str, list[Measured]] = {name: [] for name in names}
    notes: dict[str, str] = {}
    for done, case in enumerate(cases):
        for name in names:
            if name not in notes:
                try:
                    found[name].append(measure(engine, case, name, seed=seed))
                except NotAble as why:
                    notes[name] = str(why)
        if progress is not None:
            progress(done + 1, len(cases))
    rows = tuple(_row(name, found[name], notes.get(name, ""), seed=seed) for name in names)
    rows = tuple(sorted(rows, key=lambda row: (row["deletion_silence"] is None, row["deletion_silence"])))
    return StudyResult(
        name="attribution-methods",
        summary=_summary(rows, len(cases)),
        table=rows,
        panels=(_panel(rows),),
        provenance={
            "recognizer": engine.provenance.recognizer,
            "weights_sha256": engine.provenance.weights_sha256,
            "version": engine.provenance.version,
            "corpus": Path(corpus).name,
            "split": split,
            "n_words": len(cases),
            "context_s": context_s,
            "segment_s": SEGMENT_S,
            "seed": seed,
        },
        seconds=time.perf_counter() - began,
    )


def _names(methods: str) -> tuple[str, ...]:
    if methods == "all":
        return (*sorted(EXPLAINERS), *(PEERS if installed() else ()), RANDOM)
    names = tuple(dict.fromkeys(methods.split(",")))
    for name in names:
        if name not in (*PEERS, RANDOM):
            method_named(name)
    return names


def _cases(
    engine: Recognizer, corpus: str | os.PathLike[str], split: str | None, *, n_words: int, context_s: float, seed: int
) -> tuple[Case, ...]:
    from otoscope.corpora import read_corpus

    utterances = read_corpus(corpus, split=split)
    if not utterances:
        raise BadInput(f"{corpus} holds no utterances of split {split}")
    generator = np.random.default_rng([seed, 0xA77])
    order = [utterances[i] for i in generator.permutation(len(utterances))]
    wanted = n_words or len(order)
    cases: list[Case] = []
    for utterance in [u for _ in range(wanted // len(order) + 1) for u in order]:
        if len(cases) == wanted:
            break
        if (case := _case(engine, utterance.recording(), context_s, generator)) is not None:
            cases.append(case)
    return tuple(cases)


def _case(engine: Recognizer, recording: Recording, context_s: float, generator: np.random.Generator) -> Case | None:
    """Return a word of a stretch of a recording: the one nearest to its middle that is long enough."""
    length_s = min(recording.duration_s, 2 * context_s + 0.3)
    start_s = float(generator.uniform(0, recording.duration_s - length_s)) if recording.duration_s > length_s else 0.0
    sound = recording.cut(start_s, start_s + length_s)
    trace = engine.trace(sound)
    words = [w for w in trace.words if w.duration_s >= SHORTEST_S]
    if not words:
        return None
    word = min(words, key=lambda w: abs(w.start_s + w.end_s - sound.duration_s))
    edges = np.linspace(0, sound.duration_s, max(2, round(sound.duration_s / SEGMENT_S)) + 1)
    segments = tuple(Segment(float(a), float(b)) for a, b in pairwise(edges))
    return Case(sound, trace.target(word), word, segments)


def measure(engine: Recognizer, case: Case, name: str, *, seed: int) -> Measured:
    """Explain a word by one method twice, with two seeds, and judge the first map.

    Raises
    ------
    NotAble
        The recogniser cannot serve the method.
    """
    began = time.perf_counter()
    relevance = relevance_of(engine, case, name, seed=seed)
    seconds = time.perf_counter() - began
    again = relevance if _settled(name) else relevance_of(engine, case, name, seed=seed + 1)
    share = inside(case.segments, case.interval)
    score = MaskedScores(engine, case.sound, case.segments, [case.target], seed=seed)
    areas = tuple(deletion_area(score, relevance, fill=fill) for fill in FILLS)
    mass, chance = relevance_mass(relevance, share), chance_mass(sizes(case.segments), share)
    return Measured(areas, mass, chance, spearman(relevance, again), seconds)


def _settled(name: str) -> bool:
    """Whether a method draws nothing, so that another seed gives the same map."""
    if name in PEERS or name == RANDOM:
        return name in ("captum-integrated-gradients", "captum-occlusion")
    chosen = method_named(name)
    drawn = getattr(chosen, "random", None)
    return name in ("leave-one-out", "deletion-path") if drawn is None else not drawn


def relevance_of(engine: Recognizer, case: Case, name: str, *, seed: int) -> NDArray[np.float64]:
    """Return what a method says of each segment, `(n_segments,)`."""
    if name == RANDOM:
        return -np.argsort(random_orders(len(case.segments), 1, seed=seed)[0]).astype(np.float64)
    if name in PEERS:
        return peer_relevance(name, engine, case.sound, case.target, case.segments, seed=seed)
    score = MaskedScores(engine, case.sound, case.segments, [case.target], seed=seed)
    chosen, n_segments = method_named(name), len(case.segments)
    masks = chosen.plan(n_segments, n_masks=chosen.default_n_masks(n_segments), seed=seed)
    found: NDArray[np.float64] = estimate_of(chosen, score, masks, fill=FILLS[0], seed=seed).relevance[:, 0]
    return found


def deletion_area(score: MaskedScores, relevance: NDArray[np.float64], *, fill: str) -> float:
    """Return the area under the scaled log score, most relevant segments first (Petsiuk et al. 2018).

    1 is the whole stretch, 0 the filled one; scores outside are cut off.
    """
    n_segments = relevance.size
    counts = np.array([*(n for n in COUNTS if n < n_segments), n_segments])
    masks = order_masks(np.argsort(-relevance, kind="stable"), counts, direction="deletion")
    scores = score(masks, fill=fill)[:, 0]
    if scores[0] <= scores[-1]:
        return float("nan")
    scaled = np.clip((scores - scores[-1]) / (scores[0] - scores[-1]), 0, 1)
    return float(np.trapezoid(scaled, counts / n_segments))


def _row(name: str, found: Sequence[Measured], note: str, *, seed: int) -> dict[str, Any]:
    areas = np.array([m.areas for m in found]).reshape(-1, len(FILLS))
    row: dict[str, Any] = {"method": name, "n_words": len(found)}
    for k, fill in enumerate(FILLS):
        own = areas[:, k][np.isfinite(areas[:, k])]
        row[f"deletion_{fill}"] = float(own.mean()) if own.size else None
        low, high = bootstrap_interval(own, seed=seed) if own.size > 1 else (None, None)
        row |= {f"deletion_{fill}_low": low, f"deletion_{fill}_high": high}
    for column, values in (
        ("relevance_mass", [m.mass for m in found]),
        ("chance_mass", [m.chance for m in found]),
        ("seed_spearman", [m.agreement for m in found]),
        ("seconds_a_word", [m.seconds for m in found]),
    ):
        known = np.array([v for v in values if np.isfinite(v)])
        row[column] = float(known.mean()) if known.size else None
    return row | {"note": note}


def _summary(rows: Sequence[dict[str, Any]], n_words: int) -> str:
    best = next((row for row in rows if row["deletion_silence"] is not None), None)
    if best is None:
        return "no method could explain any word"
    mass = best["relevance_mass"]
    within = "" if mass is None else f"; {mass:.0%} of its relevance lies within the word"
    return (
        f"Over {n_words} words {best['method']} undoes a word soonest (deletion area {best['deletion_silence']:.3f} "
        f"with silence, {best['deletion_mean']:.3f} with mean noise){within}, chance {best['chance_mass']:.0%}."
    )


def _panel(rows: Sequence[dict[str, Any]]) -> Panel:
    shown = [row for row in rows if row["deletion_silence"] is not None]
    return Panel(
        "table",
        "Methods of attribution on the same words",
        {
            "columns": ["method", "deletion, silence", "deletion, mean", "mass in word", "seeds", "s a word"],
            "rows": [
                [
                    row["method"],
                    *(
                        "" if row[column] is None else f"{row[column]:.3f}"
                        for column in ("deletion_silence", "deletion_mean", "relevance_mass", "seed_spearman")
                    ),
                    f"{row['seconds_a_word']:.1f}",
                ]
                for row in shown
            ],
        },
    )
