"""Training a model on utterances whose units are known: align, count, estimate, split, and again.

Viterbi training counts the best path (Juang & Rabiner 1990, segmental k-means), Baum-Welch training all paths by
their posteriors (Baum et al. 1970).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, DoesNotFit
from otoscope.core.arrays import ByValue
from otoscope.core.protocols import Progress
from otoscope.decoding.gaussians import Occupancy, accumulate, allocate, split, update
from otoscope.recognizers.hmm.chains import Chain
from otoscope.recognizers.hmm.examples import Examples
from otoscope.recognizers.hmm.model import HmmModel

Method = Literal["viterbi", "baum-welch"]
FLOOR_SHARE = 0.01
"""Least variance of a Gaussian, as a share of the variance of all frames."""
LEAST_POSTERIOR = 1e-6
LEAST_LOOP, MOST_LOOP = 0.05, 0.98
LEAST_COUNT = 8.0
"""A Gaussian with fewer frames is dropped."""
REACH, N_NEAR = 15, 40
"""Where an earlier path is known, states further than `REACH` from those of its next `N_NEAR` frames are not scored."""


@dataclass(frozen=True)
class Schedule:
    """How often what is done.

    Parameters
    ----------
    n_rounds
        Rounds; in each the utterances are aligned anew.
    n_gaussians
        Gaussians of all states in the end; their number grows evenly, up to the last round but one.
    n_passes
        EM passes over the frames in a round (Viterbi training only; Baum-Welch makes one).
    method
        What is counted.
    """

    n_rounds: int
    n_gaussians: int
    n_passes: int = 3
    method: Method = "viterbi"

    def __post_init__(self) -> None:
        if self.method not in ("viterbi", "baum-welch"):
            raise BadInput(f"unknown method {self.method!r}; one of viterbi, baum-welch")

    def target(self, done: int, n_states: int) -> int:
        """Return how many Gaussians there are to be in the round that follows `done` rounds."""
        share = min(1.0, done / max(1, self.n_rounds - 2)) if self.n_rounds > 1 else 1.0
        return max(n_states, round(n_states + share * (self.n_gaussians - n_states)))


@dataclass(frozen=True, eq=False)
class Counts(ByValue):
    """What an alignment of all utterances tells.

    Parameters
    ----------
    occupancy
        Frames of each column.
    visits
        `(n_columns,)` how often each was entered; NaN where that is not known.
    log_likelihood
        Sum over the utterances.
    chain_states
        `(n_frames,)` state of its chain each frame is in, -1 where an utterance did not fit; Viterbi training only.
    refused
        Utterances too short for their units.
    """

    occupancy: Occupancy
    visits: NDArray[np.float64]
    log_likelihood: float
    chain_states: NDArray[np.int64] | None
    refused: tuple[str, ...]


def variance_floor(frames: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return least variances `(n_dims,)`: a share of those of all frames."""
    return FLOOR_SHARE * np.maximum(frames.var(0, dtype=np.float64), 1e-6)


def train(
    model: HmmModel,
    examples: Examples,
    schedule: Schedule,
    *,
    frames: NDArray[np.float32] | None = None,
    near: NDArray[np.int64] | None = None,
    progress: Progress | None = None,
) -> tuple[HmmModel, list[float]]:
    """Return the trained model and the log-likelihood a frame before each round.

    Parameters
    ----------
    frames
        `(n_frames, n_dims)` of the examples where they are at hand; they are computed otherwise.
    near
        Chain states of an earlier alignment, near which the first is sought; each round looks near the one before it.
    progress
        Told (rounds done, rounds).
    """
    values = examples.frames(model.transform) if frames is None else frames
    history = []
    for done in range(schedule.n_rounds):
        counts = count(model, examples, values, method=schedule.method, near=near)
        near = counts.chain_states
        history.append(counts.log_likelihood / max(1.0, float(counts.occupancy.counts().sum())))
        n_gaussians = schedule.target(done, model.mixtures.n_states)
        model = grown(model, counts, values, n_gaussians=n_gaussians, n_passes=schedule.n_passes)
        if progress is not None:
            progress(done + 1, schedule.n_rounds)
    return model, history


def grown(model: HmmModel, counts: Counts, frames: NDArray[np.float32], *, n_gaussians: int, n_passes: int) -> HmmModel:
    """Return the model with up to `n_gaussians`, of greatest likelihood given the counts.

    Gaussians are split before each pass but the last, evenly many each time: those split twice at once would stand in
    a row. Baum-Welch counts allow one EM pass only: they hold for the model they were made with.
    """
    floor = variance_floor(frames)
    mixtures, n_frames = model.mixtures, counts.occupancy.counts()
    n_passes = n_passes if counts.chain_states is not None else 1
    for wanted in _steps(mixtures.n_gaussians, n_gaussians, n_passes):
        mixtures = split(mixtures, allocate(n_frames, wanted))
        statistics = accumulate(mixtures, frames, counts.occupancy)
        mixtures = update(mixtures, statistics, floor=floor, least_count=LEAST_COUNT)
    return model.with_parts(mixtures, _loops(model, counts))


def _steps(n_now: int, n_wanted: int, n_passes: int) -> list[int]:
    """Return how many Gaussians there are to be in each pass: as many as wanted from the last but one."""
    return [*np.linspace(n_now, n_wanted, n_passes)[1:].round().astype(int).tolist(), n_wanted]


def _loops(model: HmmModel, counts: Counts) -> NDArray[np.float64]:
    """Return log probabilities to stay: 1 - visits / frames (Rabiner 1989, eq. 40b), where both are known."""
    n_frames = counts.occupancy.counts()
    known = np.isfinite(counts.visits) & (n_frames > 0)
    stay = 1.0 - np.divide(counts.visits, n_frames, out=np.full(n_frames.size, 0.5), where=known)
    return np.where(known, np.log(np.clip(stay, LEAST_LOOP, MOST_LOOP)), model.log_loop)


def count(
    model: HmmModel,
    examples: Examples,
    frames: NDArray[np.float32],
    *,
    method: Method = "viterbi",
    near: NDArray[np.int64] | None = None,
) -> Counts:
    """Align all utterances with a model and return what that tells.

    Parameters
    ----------
    near
        `(n_frames,)` chain states of an earlier alignment of the same rows of units (Viterbi training only). The best
        path is sought within `REACH` states of it, which costs a small part of scoring all states at all frames. It
        scores no less than the earlier one.

    Raises
    ------
    BadInput
        No utterance is long enough for its units.
    """
    if method == "viterbi":
        counts = _viterbi_counts(model, examples, frames, near)
    else:
        counts = _soft_counts(model, examples, frames)
    if len(counts.refused) == len(examples):
        raise BadInput("no utterance is long enough for the units of its text; check texts and sound")
    return counts


def _scored(
    model: HmmModel, examples: Examples, frames: NDArray[np.float32], near: NDArray[np.int64] | None = None
) -> Iterator[tuple[int, Chain, NDArray[np.float32]]]:
    """Yield utterance, chain, and scores `(n_frames, n_columns)` of the columns it needs, -inf elsewhere."""
    for index, spoken in enumerate(examples.spoken):
        chain, span = spoken.chain(model.tying), examples.span(index)
        earlier = None if near is None or (near[span] < 0).any() else near[span]
        n_frames = span.stop - span.start
        scores = np.full((n_frames, len(model.tying.names)), -np.inf, np.float32)
        for start in range(0, n_frames, n_frames if earlier is None else N_NEAR):
            block = slice(start, n_frames if earlier is None else start + N_NEAR)
            states = slice(0, None)
            if earlier is not None:
                states = slice(max(0, int(earlier[block].min()) - REACH), int(earlier[block].max()) + REACH + 1)
            needed = np.unique(chain.columns[states])
            scores[block, needed] = model.mixtures.log_likelihoods(frames[span][block], needed)
        yield index, chain, scores


def _viterbi_counts(
    model: HmmModel, examples: Examples, frames: NDArray[np.float32], near: NDArray[np.int64] | None
) -> Counts:
    n_columns = len(model.tying.names)
    columns, chain_states = np.full(len(frames), -1, np.int64), np.full(len(frames), -1, np.int64)
    visits, total, refused = np.zeros(n_columns), 0.0, []
    for index, chain, scores in _scored(model, examples, frames, near):
        try:
            path, score = chain.best_path(scores, model.log_loop)
        except DoesNotFit:
            refused.append(examples.ids[index])
            continue
        span = examples.span(index)
        chain_states[span], columns[span] = path, chain.columns[path]
        visits += np.bincount(chain.columns[np.unique(path)], minlength=n_columns)
        total += score
    return Counts(Occupancy.of_path(columns, n_columns), visits, total, chain_states, tuple(refused))


def _soft_counts(model: HmmModel, examples: Examples, frames: NDArray[np.float32]) -> Counts:
    """Count by posteriors; entries into silences that may be left out are not known, so their loops stay."""
    n_columns = len(model.tying.names)
    entries: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]] = []
    visits, total, refused = np.zeros(n_columns), 0.0, []
    for index, chain, scores in _scored(model, examples, frames):
        try:
            posteriors, score = chain.posteriors(scores, model.log_loop)
        except DoesNotFit:
            refused.append(examples.ids[index])
            continue
        rows, states = np.nonzero(posteriors > LEAST_POSTERIOR)
        entries.append((rows + examples.first[index], chain.columns[states], posteriors[rows, states]))
        visits += np.bincount(chain.columns, minlength=n_columns)
        free = np.array(examples.spoken[index].optional)[chain.unit_of]
        visits[chain.columns[free]] = np.nan
        total += score
    joined = [np.concatenate(parts) for parts in zip(*entries, strict=True)] if entries else [np.zeros(0, int)] * 3
    occupancy = Occupancy.of_entries(joined[0], joined[1], joined[2].astype(np.float64), n_columns)
    return Counts(occupancy, visits, total, None, tuple(refused))
