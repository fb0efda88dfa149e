"""Who competes for one place in running speech: the words that begin where a word of the best sequence begins.

The activation of a word in its place is the score of the best way to hear everything so far in which this word begins
there, A(w, t) = max over sequences of words with w from frame F on, ended or not. While it is said, that is the word's
own activation; afterwards what followed goes on telling it from its rivals, so that a word well heard comes near
certainty. Posteriors are exp(κ A) over the sum of the words in the place (Luce 1959): those that are among the
`N_BEGUN` likeliest of all words on their way or among the best ends of a frame. As many as are missing of the former,
because words of other ways to cut the speech stand in their stead, are taken to be as likely as the last of them. That
none of them was said there, because the speech is to be cut otherwise, has odds of its own against the leader: a doubt
that no lead removes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from otoscope.core.arrays import ByValue
from otoscope.listener.running import RunningListening, SpokenForm
from otoscope.listener.word_graph import WordGraph

N_BEGUN = 64
"""Words on their way that are looked at in each frame: the likeliest."""
NEAR_FRAMES = 3
"""Words that begin so many frames sooner or later compete for the same place; before all of them may have begun,
nothing is believed or decided."""
AFTER_FRAMES = 30
"""How long after its end a word goes on competing for its place, in frames."""


@dataclass(frozen=True, eq=False)
class Slot(ByValue):
    """The competition for the place of one word.

    Parameters
    ----------
    spoken
        The word that has the place in the best sequence; the competition begins with its first frame.
    forms
        `(n_forms,)` all that were among the likeliest at any time.
    activations
        `(n_frames, n_forms)` A(w, t), natural logarithms, relative to the best columns of all frames before; minus
        infinity where a form was not among the likeliest.
    posteriors
        `(n_frames, n_forms)` P(w | sound so far).
    going
        `(n_frames, n_forms)` whether a form is on its way still, or has ended.
    missing
        `(n_frames,)` how many words on their way were not looked at.
    least
        `(n_frames,)` what these are below: activation of the last of those on their way.
    """

    spoken: SpokenForm
    forms: NDArray[np.int32]
    activations: NDArray[np.float64]
    posteriors: NDArray[np.float64]
    going: NDArray[np.bool_]
    missing: NDArray[np.int64]
    least: NDArray[np.float64]

    @property
    def unseen(self) -> NDArray[np.float64]:
        """Return `least` where the leader is on its way and words may be missing, elsewhere minus infinity."""
        led = self.going[np.arange(len(self.going)), self.activations.argmax(axis=1)]
        return np.where(led & (self.missing > 0), self.least, -np.inf)

    def believed(self, *, scale: float, doubt: float) -> NDArray[np.float64]:
        """Return the posteriors under another κ and doubt, `(n_frames, n_forms)`."""
        return _posteriors(self.activations, self.going, (self.missing, self.least), scale, doubt)


@dataclass(frozen=True, eq=False)
class Begun:
    """Words on their way, `(n_frames, n)` each: form, frame in which it began, its own score, prior in it.

    `before` is the frame in which the word before it began (-1: none); `least (n_frames,)` the activation of the last.
    """

    form: NDArray[np.int32]
    first: NDArray[np.int64]
    score: NDArray[np.float64]
    before: NDArray[np.int64]
    least: NDArray[np.float64]

    def missing(self, first: int, last: int) -> NDArray[np.int64]:
        """Return how many in each frame from `first` on are no word of that place and follow none, `(n_frames,)`."""
        lo, began = first - NEAR_FRAMES, self.first[first:last]
        elsewhere = (began < lo) | ((began > first + NEAR_FRAMES) & (self.before[first:last] < lo))
        return np.asarray(elsewhere.sum(axis=1))


def slots_of(
    listening: RunningListening,
    sequence: Sequence[SpokenForm],
    *,
    bonus: Callable[[int, NDArray[np.int32]], NDArray[np.float64]] | None = None,
    doubt: float = 0.0,
) -> tuple[Slot, ...]:
    """Return the competition for the place of each word of a sequence.

    Parameters
    ----------
    listening
        What was heard.
    sequence
        The words, of this or another best sequence, as in context.
    bonus
        Place in the sequence and forms → what the activation of each gains there: what a context makes of it.
    doubt
        Odds, against the leader, that none of the words of a place was said there.
    """
    if not sequence:
        return ()
    graph, entering, silent = _ended(listening), listening.entering(), listening.silent()
    begun = _begun(listening, graph)
    found = []
    for k, spoken in enumerate(sequence):
        last = min(spoken.behind + AFTER_FRAMES, listening.n_frames)
        forms, values, going = _compete(graph, begun, (entering, silent), float(listening.prior.max()),
                                        (spoken.first, last))  # fmt: skip
        least, missing = begun.least[spoken.first : last], begun.missing(spoken.first, last)
        _bridge(values, going, least)
        if bonus is not None:
            values = values + bonus(k, forms)
        posteriors = _posteriors(values, going, (missing, least), listening.acoustic_scale, doubt)
        found.append(Slot(spoken, forms, values, posteriors, going, missing, least))
    return tuple(found)


def _ended(listening: RunningListening) -> WordGraph:
    """Return the graph with priors in the scores, edges sorted by their beginning."""
    graph = listening.graph()
    order = np.argsort(graph.first, kind="stable")
    form = graph.form[order]
    scores = graph.sound[order] + listening.prior[listening.tree.position[form]]
    return WordGraph(form, graph.first[order], graph.behind[order], scores)


def _begun(listening: RunningListening, graph: WordGraph) -> Begun:
    n = min(N_BEGUN, listening.n_kept)
    places = np.asarray(listening["places"][:, :n], np.int32)
    values = np.asarray(listening["values"][:, :n], np.float32)
    frames = np.repeat(np.arange(len(places)), n)
    first = listening.beginnings(places.ravel(), frames, values.ravel(), whole=False).reshape(values.shape)
    before = np.r_[listening.entering(), 0.0]
    # Those that have not begun yet wait behind the silence that this frame may be.
    behind = first > np.arange(len(places))[:, None]
    start = np.where(behind, before[np.arange(len(places))][:, None], before[first])
    whole = values.astype(np.float64) + np.asarray(listening["taken"], np.float64)[:, None]
    last_word = _last_words(listening, graph)[np.minimum(first, len(places) - 1)]
    return Begun(listening.tree.form[places].astype(np.int32), first, whole - start, last_word, whole[:, -1])


def _last_words(listening: RunningListening, graph: WordGraph) -> NDArray[np.int64]:
    """Return where the last word began of the best that was said before each frame, `(n_frames,)`; -1: none."""
    began = np.full(listening.n_frames + 1, -1)
    for form, first, behind in zip(graph.form, graph.first, graph.behind, strict=True):
        if form == listening.tree.form[listening["which"][behind - 1]]:
            began[behind - 1] = first
    return np.asarray(began[listening["after"]])


def _compete(
    graph: WordGraph,
    begun: Begun,
    heard: tuple[NDArray[np.float64], NDArray[np.float32]],
    least: float,
    frames: tuple[int, int],
) -> tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.bool_]]:
    """Return the forms that compete for a place, `(n_frames, n_forms)` activations, and which are on their way."""
    first, last = frames
    lo, hi = max(0, first - NEAR_FRAMES), first + NEAR_FRAMES + 1
    starts = np.searchsorted(graph.first, np.arange(lo, last + 2))
    edges, frames_here = slice(starts[0], starts[-1]), slice(first, last)
    began, form = begun.first[frames_here], begun.form[frames_here]
    near = (began >= lo) & (began < hi)
    forms = np.unique(np.r_[graph.form[starts[0] : np.searchsorted(graph.first, hi)], form[near]])
    values = np.full((last - first, forms.size), -np.inf)
    going = np.zeros(values.shape, bool)
    _best_with(
        (first, last, lo, hi),
        (starts - starts[0], graph.behind[edges], graph.sound[edges], np.searchsorted(forms, graph.form[edges])),
        (began, begun.score[frames_here], np.searchsorted(forms, form)), *heard, least, values, going,
    )  # fmt: skip
    return forms, values, going


@njit(cache=True)
def _best_with(span, edges, begun, entering, silent, least, values, going):  # type: ignore[no-untyped-def]
    """Fill `values` and `going`: the best way to hear all up to each frame in which each form begins in the place.

    Parameters
    ----------
    span
        First frame of the place, the one behind its last, and the frames between which a word of the place begins.
    edges
        Words that end: where those that begin in each frame stand (from the earliest on), where they end, their scores,
        places of their forms in `values`.
    begun
        Words on their way by frame of the place: when they began, their scores, places of their forms.
    entering, silent
        `(n_frames,)` the best that was said before each frame; silence.
    least
        Score of a word that has not begun.
    values, going
        To be filled: activations, and whether they are those of words on their way.
    """
    first, last, lo, hi = span
    starts, behind, scores, column = edges
    began, scored, place = begun
    on = np.empty(last - lo + 2)  # the best way on from each frame to the present one
    for t in range(first, last):
        on[: t + 1 - lo] = -np.inf
        on[t + 1 - lo] = least
        here, going_on = values[t - first], going[t - first]
        for k in range(began.shape[1]):
            b, score, at = began[t - first, k], scored[t - first, k], place[t - first, k]
            if b < lo or b > t:
                continue
            on[b - lo] = max(on[b - lo], score)
            if b < hi and entering[b] + score > here[at]:
                here[at], going_on[at] = entering[b] + score, True
        for b in range(t, lo - 1, -1):
            top = max(on[b - lo], silent[b] + on[b + 1 - lo])
            for e in range(starts[b - lo], starts[b + 1 - lo]):
                if behind[e] > t + 1:
                    continue
                way = scores[e] + on[behind[e] - lo]
                top = max(top, way)
                if b < hi and entering[b] + way > here[column[e]]:
                    here[column[e]], going_on[column[e]] = entering[b] + way, False
            on[b - lo] = top


@njit(cache=True)
def _bridge(values, going, least):  # type: ignore[no-untyped-def]
    """Fill gaps in the activations of forms that fall out of the likeliest, or begin better elsewhere, and come back.

    Meanwhile a form is taken to be as good as the last that was looked at, but no better than when it was seen before.
    A context may make it the leader all the same, which must not come and go from frame to frame.
    """
    for form in range(values.shape[1]):
        seen = -1
        for t in range(len(values)):
            if values[t, form] == -np.inf:
                continue
            for gap in range(seen + 1, t if seen >= 0 else 0):
                values[gap, form], going[gap, form] = min(values[gap - 1, form], least[gap]), True
            seen = t


def _posteriors(
    values: NDArray[np.float64],
    going: NDArray[np.bool_],
    unseen: tuple[NDArray[np.int64], NDArray[np.float64]],
    scale: float,
    doubt: float,
) -> NDArray[np.float64]:
    """Return exp(κ A) over the sum of each frame, with words that were not looked at; 0 where no word is there yet."""
    n, least = unseen
    top = values.max(axis=1, keepdims=True, initial=-np.inf)
    top = np.where(np.isfinite(top), top, 0.0)
    weights = np.exp(scale * (values - top))
    total = weights.sum(axis=1)
    # Only words on their way can have rivals that were not looked at; as far as places are theirs, so far these count.
    share = np.divide((weights * going).sum(axis=1), total, out=np.zeros_like(total), where=total > 0)
    missing = n * np.exp(scale * np.minimum(least - top[:, 0], 0.0))
    total = (total + share * np.where(np.isfinite(missing), missing, 0.0))[:, None]
    total += doubt * weights.max(axis=1, keepdims=True, initial=0.0)
    total[:NEAR_FRAMES] = 0.0
    return np.divide(weights, total, out=np.zeros_like(weights), where=total > 0)
