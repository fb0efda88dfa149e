"""The CTC family: prefix beam, forced path, and the score of a word's place (see `otoscope.nets.lattice`)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from otoscope.core import Alignment, BadInput, DoesNotFit, Emissions, FrameGrid, Hypothesis, Interval, Target, Tier
from otoscope.decoding.ctc import forced_path, forward_backward, log_likelihood, prefix_beam
from otoscope.nets.lattice import Reading
from otoscope.nets.speech_network import SpeechNetwork
from otoscope.recognizers.ctc.scoring import Place, window_of
from otoscope.recognizers.endtoend.card import EndToEndCard
from otoscope.recognizers.endtoend.fusion import NextScores
from otoscope.recognizers.endtoend.hearing import Encoded, clipped_edges, target_words
from otoscope.recognizers.endtoend.spelling import SpelledDecoder

BLANK = "<blank>"


class CtcReader:
    """Reads the CTC output (`otoscope.recognizers.endtoend.hearing.Reader`)."""

    def __init__(self, network: SpeechNetwork, card: EndToEndCard, fusion: NextScores | SpelledDecoder | None) -> None:
        self.network, self.card, self.fusion = network, card, fusion

    def log_probs(self, heard: Encoded) -> NDArray[np.float64]:
        """Return `(n_frames, n_symbols)` log-probabilities."""
        rows: NDArray[np.float64] = self.network.ctc_log_probs(heard.frames, heard.lengths)[0].double().numpy()
        return rows

    def hypotheses(self, heard: Encoded) -> tuple[Hypothesis, ...]:
        """Return the n-best texts with log P(text | sound), plus the language model's score where there is one."""
        return self.read(self.log_probs(heard))

    def read(self, log_probs: NDArray[np.float64]) -> tuple[Hypothesis, ...]:
        """Return the n-best texts of some frames."""
        if log_probs.shape[0] == 0:
            return (Hypothesis((), (), 0.0),)
        how, tokens = self.card.decoding, self.card.tokens
        if isinstance(self.fusion, SpelledDecoder):
            return self.fusion.hypotheses(log_probs, how.n_best)
        found: dict[tuple[str, ...], Hypothesis] = {}
        for prefix in prefix_beam(log_probs, blank=0, beam=how.beam, n_best=how.beam, lm=self.fusion):
            words = tokens.decode(prefix.labels)
            if words not in found and len(found) < how.n_best:
                units = tuple(tokens.units[i - 1] for i in prefix.labels)
                found[words] = Hypothesis(words, units, prefix.log_score)
        return tuple(found.values())

    def text_log_prob(self, heard: Encoded, words: Sequence[str]) -> float:
        """Return log P(text | sound), all alignments summed."""
        return log_likelihood(self.log_probs(heard), self.card.tokens.encode(words), blank=0)

    def alignment(self, heard: Encoded, words: Sequence[str]) -> Alignment:
        """Return raw CTC times: a word lasts from the first to the last frame in which one of its tokens is written.

        Text confidence is the probability that the word's place reads it, time confidence the mean probability of its
        tokens at their frames among all alignments of the text.
        """
        tokens, edges = self.card.tokens, clipped_edges(heard)
        if not words:
            return Alignment(Tier("words"), states=Tier("states"))
        labels = tokens.encode(words)
        log_probs = self.log_probs(heard)
        path = forced_path(log_probs, labels, blank=0)
        spans = [(float(edges[a]), float(edges[b])) for a, b in zip(path.starts, path.stops, strict=True)]
        states = [
            Interval(*span, tokens.units[label - 1], float(score))
            for span, label, score in zip(spans, labels, path.confidences, strict=True)
            if label not in tokens.gap
        ]
        ranges = tokens.spans(labels)
        placed = tuple(Interval(spans[a][0], spans[b - 1][1], w) for (a, b), w in zip(ranges, words, strict=True))
        posteriors = forward_backward(log_probs, labels, blank=0).label_posteriors
        sure = [
            float(np.mean([posteriors[path.starts[k] : path.stops[k], k].mean() for k in range(a, b)]))
            for a, b in ranges
        ]
        table = torch.from_numpy(log_probs)[None]
        targets = [Target("word", w.label, w, i, tuple(words)) for i, w in enumerate(placed)]
        likely = [min(1.0, float(torch.exp(self.place(t, heard.grid).score(table)))) for t in targets]
        return Alignment(
            Tier("words", placed),
            states=Tier("states", tuple(states)),
            path=path.symbols,
            grid=heard.grid,
            text_confidence=tuple(likely),
            time_confidence=tuple(min(1.0, each) for each in sure),
            log_score=path.log_score,
        )

    def emissions(self, heard: Encoded, words: Sequence[str]) -> Emissions:
        """Return the log-posteriors of all symbols at all frames."""
        scores = self.log_probs(heard).astype(np.float32)
        return Emissions(scores, heard.grid, self.card.tokens.symbols(BLANK), "log_posterior", blank=0)

    def steps(self, heard: Encoded, words: Sequence[str]) -> None:
        """Return `None`: CTC has no decoder steps."""

    def scores(self, frames: Tensor, lengths: Tensor, grids: Sequence[FrameGrid], targets: Sequence[Target]) -> Tensor:
        """Return log P(the frames of its place read the word | sound) of each target; see `otoscope.nets.lattice`."""
        log_probs = self.network.ctc_log_probs(frames, lengths)
        columns: list[list[Tensor]] = [[] for _ in targets]
        order: list[int] = []
        for n_frames in sorted(set(lengths.tolist())):
            rows = torch.nonzero(lengths == n_frames).squeeze(1)
            order += rows.tolist()
            for column, target in zip(columns, targets, strict=True):
                column.append(self.place(target, grids[int(rows[0])]).score(log_probs[rows, :n_frames]))
        back = torch.argsort(torch.tensor(order))
        return torch.stack([torch.cat(column)[back] for column in columns], 1)

    def place(self, target: Target, grid: FrameGrid) -> Place:
        """Return the window of a target and what it must read.

        Raises
        ------
        BadInput
            A letter that cannot be written, or a target outside the recording.
        DoesNotFit
            The window has too few frames for the word or its rival.
        """
        first, stop = (
            (0, grid.n_frames)
            if target.kind == "utterance"
            else window_of(target, grid, margin_s=self.card.decoding.margin_s)
        )
        readings = [self._reading(target, label) for label in (target.label, target.rival) if label is not None]
        for label, reading in zip((target.label, target.rival), readings, strict=False):
            if reading.n_frames_needed > stop - first:
                raise DoesNotFit(
                    f"{label!r} needs at least {reading.n_frames_needed} frames of {grid.hop / grid.rate_hz:g} s, "
                    f"its place has {stop - first}; give a wider interval"
                )
        return Place(first, stop, readings[0], readings[1] if len(readings) > 1 else None)

    def _reading(self, target: Target, label: str) -> Reading:
        tokens = self.card.tokens
        words, position = target_words(target, label)
        if target.kind == "utterance":
            return Reading(tokens.encode(words))
        before, after = words[max(0, position - 1) : position], words[position + 1 : position + 2]
        left = tokens.encode(before) + tokens.gap if before or len(words) == 1 else ()
        right = tokens.gap + tokens.encode(after) if after or len(words) == 1 else ()
        if target.context and target.position is not None and len(words) == 1:
            left = right = ()
        core = tokens.encode(words[position : position + 1])
        return Reading(left + core + right, len(left), len(right))


def greedy_text(log_probs: NDArray[np.float64], card: EndToEndCard) -> Hypothesis:
    """Return what the best path spells: quick, for partial results."""
    best = log_probs.argmax(1)
    labels = tuple(int(k) for i, k in enumerate(best) if k and (i == 0 or k != best[i - 1]))
    if best.size and not np.isfinite(log_probs).all():
        raise BadInput("the emissions hold values that are not finite")
    score = float(log_probs.max(1).sum()) if best.size else 0.0
    return Hypothesis(card.tokens.decode(labels), tuple(card.tokens.units[k - 1] for k in labels), score)
