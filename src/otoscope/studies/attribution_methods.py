"""Every method of attribution on real speech: how well it finds what decides a word, how sure, how fast.

Words of a corpus are explained in stretches of `context_s` before and behind them, by all methods over the same
segments. Where captum is installed its integrated gradients, occlusion and Shapley sampling explain the same network.
"""

from __future__ import annotations

import os
import time
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, Interval, NotAble, Recognizer, Recording, Segment, Target
from otoscope.core.protocols import Progress
from otoscope.explainers import EXPLAINERS
from otoscope.explainers import method as method_named
from otoscope.explainers.curves import order_masks, random_orders
from otoscope.explainers.direct import estimate_of
from otoscope.explainers.masked_scores import MaskedScores
from otoscope.explainers.segments import inside, sizes
from otoscope.metrics.agreement import spearman
from otoscope.metrics.plausibility import chance_mass, relevance_mass
from otoscope.studies.attribution_table import FILLS, Measured, panel, row_of, summary
from otoscope.studies.captum_peers import PEERS, installed, peer_relevance
from otoscope.studies.kept_measures import KeptMeasures
from otoscope.studies.result import StudyResult

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


def run(
    *,
    corpus: str | os.PathLike[str],
    recognizer: str = "otoscope-en",
    split: str | None = "test",
    methods: str = "all",
    n_words: int = 8,
    context_s: float = 1.5,
    out: str | os.PathLike[str] | None = None,
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
    out
        Folder of what is measured so far; the same study, or one of more words or other methods, goes on from there.
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
    about = engine.provenance
    settings = {
        "recognizer": about.recognizer,
        "weights_sha256": about.weights_sha256,
        "version": about.version,
        "corpus": Path(corpus).name,
        "split": split,
        "context_s": context_s,
        "segment_s": SEGMENT_S,
        "seed": seed,
    }
    kept = KeptMeasures(None if out is None else Path(out), settings)
    found: dict[str, list[Measured]] = {name: [] for name in names}
    notes: dict[str, str] = {}
    for done, case in enumerate(cases):
        for name in names:
            if name not in notes:
                try:
                    found[name].append(_measured(kept, engine, case, name, number=done, seed=seed))
                except NotAble as why:
                    notes[name] = str(why)
        if progress is not None:
            progress(done + 1, len(cases))
    rows = tuple(row_of(name, found[name], notes.get(name, ""), seed=seed) for name in names)
    rows = tuple(sorted(rows, key=lambda row: (row["deletion_silence"] is None, row["deletion_silence"])))
    return StudyResult(
        name="attribution-methods",
        summary=summary(rows, len(cases)),
        table=rows,
        panels=(panel(rows),),
        provenance={**settings, "n_words": len(cases)},
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


def _measured(kept: KeptMeasures, engine: Recognizer, case: Case, name: str, *, number: int, seed: int) -> Measured:
    how = "" if name in (*PEERS, RANDOM) else repr(method_named(name))
    key = f"word {number}, {case.target.label}, {name} {how}"
    if (known := kept.get(key)) is not None:
        return Measured(**known)
    found = measure(engine, case, name, seed=seed)
    kept.put(key, asdict(found))
    return found


def measure(engine: Recognizer, case: Case, name: str, *, seed: int) -> Measured:
    """Explain a word by one method twice, with two seeds, and judge the first map.

    Raises
    ------
    NotAble
        The recogniser cannot serve the method.
    """
    began, cpu_began = time.perf_counter(), time.process_time()
    relevance = relevance_of(engine, case, name, seed=seed)
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu_began
    again = relevance if _settled(name) else relevance_of(engine, case, name, seed=seed + 1)
    share = inside(case.segments, case.interval)
    score = MaskedScores(engine, case.sound, case.segments, [case.target], seed=seed)
    areas = tuple(deletion_area(score, relevance, fill=fill) for fill in FILLS)
    mass, chance = relevance_mass(relevance, share), chance_mass(sizes(case.segments), share)
    return Measured(areas, mass, chance, spearman(relevance, again), seconds, cpu_seconds)


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
