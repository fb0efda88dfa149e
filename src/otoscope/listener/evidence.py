"""What the ears tell the listener: scores of phone states every 10 ms, from any recogniser's emissions.

Symbols are read for what they name: `AH.2` (a state of a phone), `AH.1|K G` (of a phone after K or G), `AH.2/7` (one of
several such columns whose neighbours the name does not tell), letters or phones of a CTC network with its blank.
Scores become likelihoods up to a constant of the frame: posteriors are divided by the priors of their symbols where
these are known (Bourlard & Morgan 1994), log p(x | s) = log p(s | x) - η log p(s) + const.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.metadata import version

import numpy as np
from numpy.typing import ArrayLike, NDArray

from otoscope.core import BadInput, FrameGrid, NotAble, Provenance, Trace
from otoscope.core.arrays import ByValue, frozen_array, set_frozen
from otoscope.core.measurements import Emissions
from otoscope.decoding.tree.units import PhoneModels
from otoscope.listener.units import models_of

HOP_S = 0.010
"""Seconds from one frame of evidence to the next."""


@dataclass(frozen=True, eq=False)
class Evidence(ByValue):
    """What was heard, frame by frame, before any word is thought of.

    Parameters
    ----------
    scores
        `(n_frames, n_columns)` float32: natural-log likelihoods up to a constant of the frame.
    grid
        Where the frames lie; 10 ms apart.
    models
        What a phone is made of: its states name the columns of `scores`. Where a network reads letters, its letters
        are the "phones", and forms are spellings.
    origin
        Who heard.
    kind
        `"hybrid"`, `"phone states"`, `"ctc letters"`, `"ctc phones"`.

    Raises
    ------
    BadInput
        Frames are not 10 ms apart, rows and frames differ in number, or a score is NaN or plus infinity.
    """

    scores: NDArray[np.float32]
    grid: FrameGrid
    models: PhoneModels
    origin: Provenance
    kind: str

    def __post_init__(self) -> None:
        scores = frozen_array(self.scores, n_dims=2, name="scores", dtype=np.float32)
        set_frozen(self, scores=scores)
        if abs(self.grid.hop / self.grid.rate_hz - HOP_S) > 1e-9:
            raise BadInput(f"evidence comes every 10 ms, got a hop of {1e3 * self.grid.hop / self.grid.rate_hz:g} ms")
        if scores.shape[0] != self.grid.n_frames:
            raise BadInput(f"{scores.shape[0]} rows of scores for {self.grid.n_frames} frames")
        if np.isnan(scores).any() or np.isposinf(scores).any():
            raise BadInput("scores must be finite or minus infinity")

    @property
    def n_frames(self) -> int:
        """How many frames there are."""
        return self.grid.n_frames

    @property
    def phones(self) -> tuple[str, ...]:
        """What words can be made of."""
        return tuple(self.models.phones)


def saying_nothing(evidence: Evidence, start_s: float, end_s: float) -> Evidence:
    """Return the evidence with every state as likely as any other within a stretch: as if something covered it."""
    times = evidence.grid.times_s()
    scores = evidence.scores.copy()
    scores[(times >= start_s) & (times < end_s)] = 0.0
    return replace(evidence, scores=scores)


def evidence_from(
    heard: Trace | Emissions,
    *,
    prior_weight: float = 1.0,
    log_priors: ArrayLike | None = None,
    origin: Provenance | None = None,
) -> Evidence:
    """Return what a recogniser's emissions tell of phones, every 10 ms.

    Frames further apart are read by time, the nearest one each, and their scores divided by how many times they are
    read: a second of speech weighs the same at every frame rate.

    Parameters
    ----------
    heard
        A Trace with emissions (`trace(recording, record=["emissions"])`), or emissions.
    prior_weight
        η: 1 gives scaled likelihoods, 0 leaves posteriors as they are.
    log_priors
        `(n_symbols,)` natural logs of how often each symbol is met. Emissions of kind `log_posterior` do not tell them;
        without, posteriors are taken as they are. Other kinds have been divided by their priors before.
    origin
        Who heard, where emissions are given; a Trace knows.

    Raises
    ------
    NotRecorded
        The Trace has no emissions.
    NotAble
        The emissions tell nothing of phones or letters: distances to words, pieces of words.
    BadInput
        There are not as many priors as symbols, or priors for scores that are likelihoods.
    """
    emissions = heard.emissions if isinstance(heard, Trace) else heard
    if isinstance(heard, Trace):
        origin = heard.provenance
    if emissions.kind == "neg_distance":
        raise NotAble("distances to words tell nothing of phones; use a recogniser with phones, such as otoscope-en")
    times = _times(emissions.grid)
    units = models_of(emissions, times)
    scores = units.columns_of(_likelihoods(emissions, prior_weight, log_priors))
    rows, grid = _every_10_ms(emissions.grid, times)
    scores = np.asarray(scores[rows] / np.float32(times), np.float32)
    made = origin or Provenance("emissions", version("otoscope"))
    parameters = {**made.parameters, "prior_weight": prior_weight, "priors_known": log_priors is not None}
    return Evidence(scores, grid, units.models, replace(made, parameters=parameters), units.kind)


def _likelihoods(emissions: Emissions, prior_weight: float, log_priors: ArrayLike | None) -> NDArray[np.float32]:
    scores = emissions.scores.astype(np.float32)
    if log_priors is None:
        return scores
    priors = np.asarray(log_priors, np.float32)
    if emissions.kind != "log_posterior":
        raise BadInput(f"scores of kind {emissions.kind} are likelihoods; priors are for posteriors only")
    if priors.shape != (scores.shape[1],) or not np.isfinite(priors).all():
        raise BadInput(f"{scores.shape[1]} finite log priors are needed, one a symbol, got shape {priors.shape}")
    return scores - np.float32(prior_weight) * priors


def _times(grid: FrameGrid) -> float:
    """Return how many frames of 10 ms fit one frame."""
    return grid.hop / (grid.rate_hz * HOP_S)


def _every_10_ms(grid: FrameGrid, times: float) -> tuple[NDArray[np.int64], FrameGrid]:
    """Return which frame to read every 10 ms, and the grid of these readings, over the same stretch of time."""
    if abs(times - 1) < 1e-9:
        return np.arange(grid.n_frames), grid
    scale = _scale(grid.rate_hz)
    rate, hop = grid.rate_hz * scale, grid.rate_hz * scale // 100
    edge = 2 * scale * grid.start + scale * (grid.window - grid.hop)  # twice the first edge, in samples
    n_frames = round(grid.n_frames * times)
    fine = FrameGrid(rate, -(-edge // 2), hop, hop, n_frames)
    centres = fine.times_s()
    edges = grid.edges_s()
    rows = np.clip(np.searchsorted(edges, centres, side="right") - 1, 0, max(0, grid.n_frames - 1))
    return rows, fine


def _scale(rate_hz: int) -> int:
    """Return by what to multiply a rate so that 10 ms are whole samples."""
    return next(_multiples(rate_hz))


def _multiples(rate_hz: int) -> Iterator[int]:
    return (k for k in range(1, 101) if rate_hz * k % 100 == 0)
