"""Word times from cross-attention: by plain dynamic time warping, or by a model that knows pauses and hears sound.

In come the attention weights of the chosen heads, which tokens make which word, and (for the better mode) how likely
there is sound at each step; out comes a tier with a confidence for each word's place. `dtw` gives the times of
openai/whisper, one word beginning where the one before ends; `states` is ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from otoscope.core import BadInput, DoesNotFit, Interval, Tier, UnknownName
from otoscope.decoding.hmm import forward_backward_banded, viterbi_banded
from otoscope.recognizers.whisper.attention_path import STEP_S, attention_matrix, first_frames

TimesBy = Literal["states", "dtw"]
"""How words are placed: `states` (ours, the default) or `dtw` (as openai/whisper)."""


@dataclass(frozen=True)
class StatesPlan:
    """How `states` weighs what it knows. The defaults were chosen on synthetic digits of training voices.

    Parameters
    ----------
    attention
        Nats for one standard deviation of attention.
    sound
        Nats for one nat of log odds that there is sound.
    pause
        Nats that a step of pause must make good.
    most
        Log odds of sound beyond this, either way, count as this.
    lead_s
        Seconds by which attention runs ahead of the sound it is about (negative: behind); see `heads`.
    """

    attention: float = 1.0
    sound: float = 1.0
    pause: float = 0.0
    most: float = 3.0
    lead_s: float = 0.0


@dataclass(frozen=True)
class WordTimes:
    """Words with their places; `confidence` is for each word how likely it is *here*, 0 to 1."""

    words: Tier
    confidence: tuple[float, ...]
    by: TimesBy


def word_times(
    weights: ArrayLike,
    words: Sequence[tuple[str, slice]],
    *,
    duration_s: float,
    by: TimesBy = "states",
    sound: NDArray[Any] | None = None,
    plan: StatesPlan | None = None,
) -> WordTimes:
    """Return where each word lies.

    Parameters
    ----------
    weights
        `(n_heads, n_tokens, n_frames)` cross-attention of the chosen heads, frames of 20 ms. Row `i` is the attention
        with which token `i` was *predicted* (the decoder's position before it); one row more, of the token after the
        last word, says where the last word ends.
    words
        Each word with the rows of its tokens, in order. Rows may be left out: those of punctuation should be, since
        attention of a comma lies in the pause.
    duration_s
        Length of the sound; later frames are silence that Whisper's window is filled up with.
    by
        `states` or `dtw`.
    sound
        `(n_steps,)` log odds that there is sound in each 10 ms, as `sound.sound_odds` gives; without it the attention
        alone decides.
    plan
        Weights of `states`.

    Raises
    ------
    BadInput
        Rows outside the weights, no order among them, or weights that cannot be used.
    DoesNotFit
        More tokens than frames (`states`).

    Notes
    -----
    `states` is a hidden Markov model of tokens left to right with a pause before, between and after words that may be
    left out. A token's score at a step is its standardised attention and the odds of sound; a pause's is the odds
    against sound. The best path (Viterbi) gives the times, the posterior (forward-backward) the confidence: its mean
    over the word's own steps. Steps are 10 ms; attention is interpolated between its frames, so words of `states` have
    the origin `interpolated` and those of `dtw`, taken as they come, `attention`.
    """
    n_frames = max(1, min(np.shape(weights)[-1], int(np.ceil(duration_s / STEP_S))))
    matrix = attention_matrix(weights, n_frames=n_frames)
    return place_words(matrix, words, duration_s=duration_s, by=by, sound=sound, plan=plan)


def place_words(
    matrix: NDArray[Any],
    words: Sequence[tuple[str, slice]],
    *,
    duration_s: float,
    by: TimesBy = "states",
    sound: NDArray[Any] | None = None,
    plan: StatesPlan | None = None,
) -> WordTimes:
    """Return where each word lies by the matrix `(n_tokens, n_frames)` of `attention_path.attention_matrix`.

    Everything else as in `word_times`.
    """
    if by not in get_args(TimesBy):
        raise UnknownName("way to place words", str(by), get_args(TimesBy))
    _check_rows(words, len(matrix))
    if not words:
        return WordTimes(Tier("words"), (), by)
    if by == "dtw":
        return _by_dtw(matrix, words, duration_s)
    return _by_states(matrix, words, duration_s, sound, plan or StatesPlan())


def _check_rows(words: Sequence[tuple[str, slice]], n_rows: int) -> None:
    before = 0
    for word, rows in words:
        if not before <= rows.start < rows.stop <= n_rows:
            raise BadInput(f"{word!r} has the rows {rows.start} to {rows.stop} of {n_rows}; words must follow in order")
        before = rows.stop


def _by_dtw(matrix: NDArray[Any], words: Sequence[tuple[str, slice]], duration_s: float) -> WordTimes:
    """Words from the first frame of their first token to the first frame of the token after their last."""
    starts_s = np.append(first_frames(matrix), matrix.shape[1]) * STEP_S
    spans = [(starts_s[rows.start], starts_s[rows.stop]) for _, rows in words]
    mass = np.exp(matrix - matrix.max(axis=0))
    mass /= mass.sum(axis=0)
    confidence = [_mean(mass[rows].sum(axis=0), span, STEP_S) for (_, rows), span in zip(words, spans, strict=True)]
    return WordTimes(_tier(words, spans, duration_s, "attention"), tuple(confidence), "dtw")


def _by_states(
    matrix: NDArray[Any],
    words: Sequence[tuple[str, slice]],
    duration_s: float,
    sound: NDArray[Any] | None,
    plan: StatesPlan,
) -> WordTimes:
    n_steps = max(1, round(duration_s / STEP))
    rows = np.concatenate([np.arange(r.start, r.stop) for _, r in words])
    tokens = _stretched(matrix[rows], n_steps, plan.lead_s)
    odds = np.zeros(n_steps) if sound is None else _fitted(sound, n_steps, plan.most)
    first = np.cumsum([0] + [r.stop - r.start for _, r in words])
    states, is_pause = _states(first)
    emissions = np.where(
        is_pause[:, None],
        plan.pause - 0.5 * plan.sound * odds,
        plan.attention * tokens[states] + 0.5 * plan.sound * odds,
    ).T
    n_needed = int((~is_pause).sum())
    if n_needed > n_steps:
        raise DoesNotFit(f"{n_needed} tokens do not fit {n_steps} steps of {STEP:g} s: the sound is too short for them")
    # A step before and one after the sound stand in the first and last pause, so that no word needs one.
    edge = np.where(np.arange(len(states)) % (len(states) - 1) == 0, 0.0, -np.inf)
    emissions = np.concatenate([edge[None], emissions, edge[None]])
    band = _band(is_pause)
    path = viterbi_banded(emissions, band).states[1:-1]
    posterior = forward_backward_banded(emissions, band).posteriors[1:-1]
    spans, confidence = [], []
    for index in range(len(words)):
        own = np.flatnonzero(~is_pause & (states >= first[index]) & (states < first[index + 1]))
        steps = np.flatnonzero((path >= own[0]) & (path <= own[-1]))
        spans.append((steps[0] * STEP, (steps[-1] + 1) * STEP))
        confidence.append(float(posterior[steps][:, own].sum(axis=1).mean()))
    return WordTimes(_tier(words, spans, duration_s, "interpolated"), tuple(np.clip(confidence, 0, 1)), "states")


STEP = 0.01
"""Seconds of a step of `states`."""


def _states(first: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the token of each state and whether it is a pause: one before each word and one after the last."""
    tokens: list[int] = []
    pause: list[bool] = []
    for begin, end in pairwise(first.tolist()):
        tokens += [begin, *range(begin, end)]
        pause += [True] + [False] * (end - begin)
    return np.array([*tokens, first[-1] - 1]), np.array([*pause, True])


def _band(is_pause: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return transitions: stay and advance are free; from a word to the next word by leaving the pause out too."""
    band = np.zeros((is_pause.size, 3))
    over_pause = np.append(is_pause[1:], False)
    band[~over_pause | is_pause, 2] = -np.inf
    return band


def _stretched(matrix: NDArray[Any], n_steps: int, lead_s: float) -> NDArray[np.float64]:
    """Return rows of 20 ms frames at the middles of 10 ms steps, `lead_s` earlier; edges repeat."""
    at = ((np.arange(n_steps) + 0.5) * STEP - lead_s) / STEP_S
    at = np.clip(at, 0, matrix.shape[1] - 1)
    low = np.minimum(at.astype(np.int64), matrix.shape[1] - 1)
    high = np.minimum(low + 1, matrix.shape[1] - 1)
    part = at - low
    return (1 - part) * matrix[:, low] + part * matrix[:, high]


def _fitted(sound: NDArray[Any], n_steps: int, most: float) -> NDArray[np.float64]:
    odds = np.asarray(sound, dtype=np.float64)
    if odds.ndim != 1 or abs(odds.size - n_steps) > 2 or odds.size == 0 or np.isnan(odds).any():
        raise BadInput(f"sound must be log odds for each of {n_steps} steps of {STEP:g} s, got shape {odds.shape}")
    return np.clip(np.pad(odds, (0, max(0, n_steps - odds.size)), mode="edge")[:n_steps], -most, most)


def _mean(values: NDArray[Any], span: tuple[float, float], step_s: float) -> float:
    first, last = (round(edge / step_s) for edge in span)
    return float(values[first : max(last, first + 1)].mean()) if first < values.size else 0.0


def _tier(
    words: Sequence[tuple[str, slice]], spans: Sequence[tuple[float, float]], duration_s: float, origin: Any
) -> Tier:
    ends = [min(float(e), duration_s) for _, e in spans]
    return Tier(
        "words",
        tuple(
            Interval(min(float(s), e), e, word, origin=origin)
            for (word, _), (s, _), e in zip(words, spans, ends, strict=True)
        ),
    )
