"""Is it a word at all? The best word against the best string of phones, frame by frame, until one can be answered.

g(t) = (word activation - free phone activation) / frames of speech so far, the word's without its prior (Nenadić and
ten Bosch 2022 compare the two at the end; the sequential test, and every number here, are ours).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import expit

from otoscope.core import BadInput, FrameGrid

Floats = NDArray[np.float64]
How = Literal["held", "cannot recover", "deadline"]


@dataclass(frozen=True)
class LexicalRule:
    """When to say yes, and when no.

    Parameters
    ----------
    threshold
        θ_lb, nats a frame: a word where g ≥ -θ_lb.
    margin
        How much lower, nats a frame, for a "no" before the deadline.
    hold_frames
        How many frames on end either must hold.
    checked_frames
        How many frames more a "no" must hold: people take longer to refuse than to accept, and as long from the sound
        that makes a string no word wherever that is (Marslen-Wilson 1984).
    expected_s
        How long words are thought to last while the offset is not known: a gap so small that, spread over that many
        seconds, it would pass can still recover.
    deadline_s
        After the offset; then g decides as it stands.
    yes_from
        A "yes" comes no earlier than the `offset`, since a word may go on as a pseudoword, or as soon as a word is
        `identified`.
    slope
        Confidence is the logistic function of slope × (g + θ_lb); `fitted_to` finds one.
    """

    threshold: float
    margin: float = 0.1
    hold_frames: int = 3
    checked_frames: int = 0
    expected_s: float = 0.6
    deadline_s: float = 0.3
    yes_from: Literal["offset", "identified"] = "offset"
    slope: float = 10.0

    def __post_init__(self) -> None:
        least = min(self.margin, self.expected_s, self.deadline_s, self.slope, self.checked_frames)
        if self.hold_frames < 1 or least < 0:
            raise BadInput(
                "hold_frames must be 1 or more; checked_frames, margin, expected_s, deadline_s and slope 0 or more"
            )
        if self.yes_from not in ("offset", "identified"):
            raise BadInput(f"yes_from must be offset or identified, got {self.yes_from!r}")


@dataclass(frozen=True)
class LexicalDecision:
    """Whether it is a word, when that was clear (before execution), how, with what confidence in the answer, and g."""

    is_word: bool
    time_s: float
    how: How
    confidence: float
    gap: float


def gap(
    word: ArrayLike, phones: ArrayLike, grid: FrameGrid, *, onset_s: float = 0.0, offset_s: float | None = None
) -> Floats:
    """Return g(t) `(n_frames,)` in nats a frame of speech, 0 before the onset.

    Parameters
    ----------
    word
        `(n_frames,)` activation of the best word without its prior: partial during the word, of final states after.
    phones
        `(n_frames,)` of the best string of phones, in the same way (`phone_activation`).
    grid
        Where the frames lie.
    onset_s, offset_s
        Between which there is speech; frames outside do not count as frames of speech.
    """
    a, b = np.asarray(word, dtype=np.float64), np.asarray(phones, dtype=np.float64)
    if a.shape != (grid.n_frames,) or b.shape != a.shape:
        raise BadInput(f"a score for each of {grid.n_frames} frames is needed, got {a.shape} and {b.shape}")
    n = _frames_so_far(grid, onset_s, offset_s)
    return np.where(n > 0, (a - b) / np.maximum(n, 1), 0.0)


def phone_activation(running: ArrayLike, final: ArrayLike, grid: FrameGrid, *, offset_s: float | None) -> Floats:
    """Return running scores up to the offset and final ones from then on: as the activation of words is taken."""
    if offset_s is None:
        return np.asarray(running, dtype=np.float64)
    return np.where(grid.times_s() >= offset_s - 1e-9, final, running)


def lexical_decision(
    gaps: ArrayLike,
    grid: FrameGrid,
    rule: LexicalRule,
    *,
    offset_s: float,
    onset_s: float = 0.0,
    identified_s: float | None = None,
) -> LexicalDecision:
    """Answer yes or no.

    "Yes" once g has stayed above -θ_lb for the hold, a word is identified and (unless the rule says otherwise) the
    sound is over. "No" once the word path has for long enough been so far below the phone path that g could not come
    back even if they went along together to the end. Otherwise the sign of g + θ_lb decides at the deadline. Behind the
    last frame things stay as they are there.

    A word that is taken for another word is still rightly answered with "yes", as in people's experiments: nobody asks
    them which.

    Parameters
    ----------
    gaps
        `(n_frames,)` g(t).
    grid
        Where the frames lie.
    rule
        See `LexicalRule`.
    offset_s, onset_s
        Of the speech.
    identified_s
        When a word was identified (`Decision.time_s`); `None`: never, then only the deadline says yes.
    """
    g = np.asarray(gaps, dtype=np.float64)
    if g.shape != (grid.n_frames,) or not g.size or not np.isfinite(g).all():
        raise BadInput(f"a finite gap for each of {grid.n_frames} frames is needed, got {g.shape}")
    times, deadline_s = grid.times_s(), offset_s + rule.deadline_s
    n = _frames_so_far(grid, onset_s, offset_s)
    expected = np.where(times >= offset_s, n, np.maximum(n, rule.expected_s * grid.rate_hz / grid.hop))
    lost = (n > 0) & (g * n / np.maximum(expected, 1) < -(rule.threshold + rule.margin))
    ready_s = np.inf if identified_s is None else identified_s
    ready_s = max(ready_s, offset_s) if rule.yes_from == "offset" else ready_s
    options: list[tuple[float, bool, How, int]] = []
    refused = _refused(lost, times, rule, float(grid.hop / grid.rate_hz))
    if refused is not None:
        options.append((refused[0], False, "cannot recover", refused[1]))
    accepted = _accepted(g >= -rule.threshold, times, ready_s, rule)
    if accepted is not None:
        options.append((accepted[0], True, "held", accepted[1]))
    options = [option for option in options if option[0] <= deadline_s]
    last = min(int(np.searchsorted(times, deadline_s)), g.size - 1)
    options = options or [(deadline_s, bool(g[last] >= -rule.threshold), "deadline", last)]
    time_s, is_word, how, frame = min(options)
    p = float(expit(rule.slope * (g[frame] + rule.threshold)))
    return LexicalDecision(is_word, time_s, how, p if is_word else 1 - p, float(g[frame]))


def fitted_to(gaps: ArrayLike, is_word: ArrayLike) -> tuple[float, float]:
    """Return θ_lb and slope under which words and pseudowords are told apart best, by logistic regression.

    Parameters
    ----------
    gaps
        `(n_items,)` g at the end of each item, of items kept for setting parameters.
    is_word
        `(n_items,)` whether it is one.

    Raises
    ------
    BadInput
        There are not both words and pseudowords.
    """
    g, y = np.asarray(gaps, dtype=np.float64), np.asarray(is_word, dtype=bool)
    if g.ndim != 1 or g.shape != y.shape or y.all() or not y.any() or not np.isfinite(g).all():
        raise BadInput("words and pseudowords are needed, each with a finite gap")
    spread = float(g.std()) or 1.0
    z = (g - g.mean()) / spread

    def loss(p: Floats) -> float:
        margin = np.where(y, 1, -1) * (p[0] * z + p[1])
        return float(np.logaddexp(0, -margin).mean() + 1e-4 * p[0] ** 2)

    slope, shift = minimize(loss, np.array([1.0, 0.0])).x
    if slope <= 0:
        raise BadInput("words do not have the smaller gaps here: the scores tell them not from pseudowords")
    return float(shift * spread / slope - g.mean()), float(slope / spread)


def _frames_so_far(grid: FrameGrid, onset_s: float, offset_s: float | None) -> NDArray[np.int64]:
    times = grid.times_s()
    speech = times >= onset_s
    if offset_s is not None:
        speech &= times < offset_s
    return np.cumsum(speech)


def _held(good: NDArray[np.bool_], n: int) -> int | None:
    """Return the last frame of the first stretch of n frames that are good."""
    runs = np.convolve(good, np.ones(n, int))[: good.size] == n
    return int(np.argmax(runs)) if runs.any() else None


def _refused(lost: NDArray[np.bool_], times: Floats, rule: LexicalRule, step_s: float) -> tuple[float, int] | None:
    """Return when "no" can be said and on which frame."""
    n = rule.hold_frames + rule.checked_frames
    frame = _held(np.r_[lost, np.repeat(lost[-1:], n)], n)
    if frame is None:
        return None
    last = lost.size - 1
    return float(times[min(frame, last)] + step_s * max(0, frame - last)), min(frame, last)


def _accepted(good: NDArray[np.bool_], times: Floats, ready_s: float, rule: LexicalRule) -> tuple[float, int] | None:
    """Return when "yes" can be said and on which frame; beyond the last frame things stay as they are there."""
    runs = np.convolve(good, np.ones(rule.hold_frames, int))[: good.size] == rule.hold_frames
    frames = np.flatnonzero(runs & (times >= ready_s - 1e-9))
    if frames.size:
        return float(times[frames[0]]), int(frames[0])
    return (ready_s, good.size - 1) if np.isfinite(ready_s) and runs[-1] else None
