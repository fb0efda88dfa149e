"""What the score of a target is: how probable these words are at this place, among all successions of phones.

A window holds the frames whose centre lies in the word's interval, and `margin_s` on both sides. Let N be the sum over
all paths that pass whole through the word, between whatever part of its neighbours' adjacent phones or of silence the
window happens to hold, and D the sum over all paths through any succession of phones (`free_loop`). The score is
ln N - ln D, a log posterior in nats; frames outside the window do not matter. An utterance's window holds all frames,
and its paths begin and end with silence or its words.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, DoesNotFit, FrameGrid, NotAble, Target
from otoscope.decoding.tree import TranscriptGraph, TranscriptGraphs, occupancies
from otoscope.decoding.tree.transcripts import NO_WORD
from otoscope.lexicon.pronunciations import Phones
from otoscope.recognizers.hybrid.free_loop import FreeLoop, free_loop, free_loop_log
from otoscope.recognizers.hybrid.phones import PhoneTable

LOWEST = -100.0
"""Score of what no path can hold."""

Lexicon = Mapping[str, Sequence[Phones]]
Scores = NDArray[np.float32]
LOG_2 = math.log(2)
"""Silence and no silence have probability one half each in the graphs of transcripts."""
_BEFORE, _AFTER = "<before>", "<after>"


@dataclass(frozen=True)
class Passage:
    """A window of frames, and the graphs of what must be read there, and of its rival."""

    first: int
    stop: int
    graph: TranscriptGraph
    rival: TranscriptGraph | None

    def score(self, scores: Scores, loop: FreeLoop, *, first: int = 0) -> float:
        """Return the score in one recording's `(n_frames, n_columns)` acoustic scores, given from frame `first` on."""
        window = scores[self.first - first : self.stop - first]
        own = _log_sum(window, self.graph)
        if self.rival is not None:
            other = _log_sum(window, self.rival)
            return 0.0 if own == other else float(np.clip(own - other, LOWEST, -LOWEST))
        return float(max(LOWEST, own - free_loop_log(window, loop)))

    def slope(self, scores: Scores, loop: FreeLoop) -> NDArray[np.float64]:
        """Return d score / d acoustic score, `(n_frames, n_columns)`; 0 where the score is at its limit."""
        window, slope = scores[self.first : self.stop], np.zeros(scores.shape)
        try:
            log, own = _shares(window, self.graph)
            other_log, other = free_loop(window, loop) if self.rival is None else _shares(window, self.rival)
        except DoesNotFit:
            return slope
        if abs(log - other_log) < -LOWEST:
            slope[self.first : self.stop] = own - other
        return slope


def passage_of(target: Target, grid: FrameGrid, lexicon: Lexicon, table: PhoneTable, *, margin_s: float) -> Passage:
    """Return the window and the graphs of a target.

    Raises
    ------
    NotAble
        A token was asked for.
    BadInput
        A word without pronunciation, or a target behind the end of the recording.
    """
    if target.kind == "token":
        raise NotAble("a hybrid recogniser scores words and utterances, not tokens")
    if not target.label.split():
        raise BadInput("a target needs at least one word")
    if target.kind == "utterance":
        first, stop = 0, grid.n_frames
    else:
        first, stop = _window(target, grid, margin_s)
    labels = (target.label,) if target.rival is None else (target.label, target.rival)
    graphs = [_graph(target, label, lexicon, table) for label in labels]
    return Passage(first, stop, graphs[0], graphs[1] if len(graphs) > 1 else None)


def _window(target: Target, grid: FrameGrid, margin_s: float) -> tuple[int, int]:
    interval = target.interval
    assert interval is not None  # a Target of a word always has one
    if grid.n_frames == 0 or interval.start_s >= grid.edges_s()[-1] + margin_s:
        raise BadInput(f"target {target.label!r} at {interval.start_s:g} s lies behind the end of the recording")
    inside = grid.frames_of(interval)
    if inside.start >= inside.stop:
        middle = grid.frame_at((interval.start_s + interval.end_s) / 2)
        inside = slice(middle, middle + 1)
    margin = round(margin_s * grid.rate_hz / grid.hop)
    return max(0, inside.start - margin), min(grid.n_frames, inside.stop + margin)


def _graph(target: Target, label: str, lexicon: Lexicon, table: PhoneTable) -> TranscriptGraph:
    words = tuple(label.lower().split())
    if unknown := sorted({word for word in words if word not in lexicon}):
        raise BadInput(f"no pronunciation of {', '.join(unknown)}; give words of the recogniser's lexicon")
    if target.kind == "utterance":
        return _weighted(TranscriptGraphs({w: lexicon[w] for w in words}, table)(words), table)
    own: dict[str, Sequence[Phones]] = {word: lexicon[word] for word in words}
    said, context = list(words), tuple(word.lower() for word in target.context)
    position = target.position
    if position is not None and position > 0 and context:
        own[_BEFORE] = tuple({tuple(phones[-2:]): None for phones in lexicon[context[position - 1]]})
        said.insert(0, _BEFORE)
    if position is not None and context and position + 1 < len(context):
        own[_AFTER] = tuple({tuple(phones[:1]): None for phones in lexicon[context[position + 1]]})
        said.append(_AFTER)
    return _open_ended(_weighted(TranscriptGraphs(own, table)(said), table), int(_BEFORE in own), len(words))


def _weighted(graph: TranscriptGraph, table: PhoneTable) -> TranscriptGraph:
    """Give each transition between phones its bigram probability, in place of the choice of silence or none."""
    source, target = graph.arc_source, np.repeat(np.arange(graph.n_states), np.diff(graph.arc_start))
    between = graph.unit[source] != graph.unit[target]
    chosen = between & (graph.word[source] != graph.word[target]) & (graph.word[source] != NO_WORD)
    bigram = np.where(between, table.log_bigram[graph.phone[source], graph.phone[target]], 0.0)
    log_end = graph.log_end + np.where(graph.word != NO_WORD, LOG_2, 0.0)
    arc_log = graph.arc_log + bigram + np.where(chosen, LOG_2, 0.0)
    return dataclasses.replace(graph, arc_log=arc_log, log_start=graph.log_start + LOG_2, log_end=log_end)


def _open_ended(graph: TranscriptGraph, first_word: int, n_words: int) -> TranscriptGraph:
    """Let paths begin anywhere before the words' first states, and end anywhere behind their last."""
    own = np.flatnonzero((graph.word >= first_word) & (graph.word < first_word + n_words))
    first, last = own[0], own[-1]
    source, target = graph.arc_source, np.repeat(np.arange(graph.n_states), np.diff(graph.arc_start))
    log_start, log_end = graph.log_start.copy(), graph.log_end.copy()
    log_start[:first] = 0.0
    log_end[last + 1 :] = 0.0
    log_start[target[(source < first) & (target >= first)]] = 0.0
    leaving = (source <= last) & (target > last)
    np.maximum.at(log_end, source[leaving], graph.arc_log[leaving])
    return dataclasses.replace(graph, log_start=log_start, log_end=log_end)


def _shares(window: Scores, graph: TranscriptGraph) -> tuple[float, NDArray[np.float64]]:
    found = occupancies(window, graph)
    return found.log_likelihood, found.dense(graph, *window.shape).astype(np.float64)


def _log_sum(window: Scores, graph: TranscriptGraph) -> float:
    try:
        return occupancies(window, graph).log_likelihood
    except DoesNotFit:
        return -np.inf
