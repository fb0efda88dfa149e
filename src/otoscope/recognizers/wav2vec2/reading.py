"""Reading CTC log-probabilities: texts, where their words lie, and the scores of targets.

The times and scores are those of the project's own CTC recognisers; see `otoscope.recognizers.endtoend.ctc_reader`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from otoscope.core import Alignment, BadInput, DoesNotFit, FrameGrid, Hypothesis, Interval, Target, Tier
from otoscope.decoding.ctc import forced_path, forward_backward, log_likelihood
from otoscope.nets.lattice import Reading, log_prob_of_reading
from otoscope.recognizers.ctc.scoring import window_of
from otoscope.recognizers.endtoend.fusion import NextScores
from otoscope.recognizers.endtoend.spelling import SpelledDecoder
from otoscope.recognizers.wav2vec2.decoding import Decoding, Text, texts
from otoscope.recognizers.wav2vec2.symbols import Symbols

MOST_CELLS = 2_000_000_000
"""Frames times states that a known text may take: a byte each."""


@dataclass(frozen=True)
class Heard:
    """Log-probabilities `(n_frames, n_symbols)` of a recording or a stretch of it, and where the frames lie."""

    log_probs: NDArray[np.float64]
    grid: FrameGrid
    duration_s: float

    def edges(self) -> NDArray[np.float64]:
        """Return the boundaries of the frames, none outside the recording, `(n_frames + 1,)`."""
        return np.clip(self.grid.edges_s(), 0.0, self.duration_s)


@dataclass(frozen=True)
class Spelled:
    """Labels, the words that they spell, and `[start, stop)` of each word in the labels."""

    labels: tuple[int, ...]
    words: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]


class Reader:
    """Reads log-probabilities as the texts of one vocabulary.

    Parameters
    ----------
    symbols, decoding
        What the columns write, and how to search.
    language
        What the search knows of language; see `decoding.texts`.
    """

    def __init__(
        self, symbols: Symbols, decoding: Decoding, language: NextScores | SpelledDecoder | None = None
    ) -> None:
        self.symbols, self.decoding, self.language = symbols, decoding, language

    def texts(self, heard: Heard) -> tuple[Text, ...]:
        """Return the best texts, best first; see `decoding.texts`."""
        return texts(heard.log_probs, self.symbols, self.decoding, self.language)

    def hypothesis(self, text: Text) -> Hypothesis:
        """Return a text as words, in the spelling of the checkpoint's own tokenizer."""
        names = tuple(self.symbols.names[label] for label in text.labels)
        return Hypothesis(self.symbols.words(text.labels), names, text.log_score)

    def heard_words(self, text: Text) -> Spelled:
        """Return a text that was heard, with its words."""
        words, spans = self.symbols.read(text.labels)
        return Spelled(text.labels, words, spans)

    def known_words(self, words: Sequence[str]) -> Spelled:
        """Return a text that is known, with its words; raises `BadInput` where it cannot be written."""
        return Spelled(self.symbols.encode(words), tuple(words), self.symbols.spans(words))

    def log_prob(self, heard: Heard, words: Sequence[str]) -> float:
        """Return log P(text | sound), all alignments summed."""
        return log_likelihood(heard.log_probs, self.symbols.encode(words), blank=self.symbols.blank)

    def alignment(self, heard: Heard, spelled: Spelled) -> Alignment:
        """Return raw CTC times: a word lasts from the first to the last frame in which one of its tokens is written.

        Text confidence is the probability that the word's place reads it, time confidence the mean probability of its
        tokens at their frames among all alignments of the text. Letters are the tier of states, phones that of phones.

        Raises
        ------
        DoesNotFit
            The text needs more frames than there are.
        BadInput
            Text and recording are too long to be aligned in one go.
        """
        labels, blank = spelled.labels, self.symbols.blank
        if not labels:
            return self._no_words(heard)
        if heard.log_probs.shape[0] * (2 * len(labels) + 1) > MOST_CELLS:
            raise BadInput(
                f"{len(spelled.words)} words in {heard.duration_s:.0f} s are too many for one alignment; cut the "
                "recording and the text"
            )
        path = forced_path(heard.log_probs, labels, blank=blank)
        posteriors = forward_backward(heard.log_probs, labels, blank=blank).label_posteriors
        edges = heard.edges()
        times = [(float(edges[a]), float(edges[b])) for a, b in zip(path.starts, path.stops, strict=True)]
        placed = tuple(
            Interval(times[a][0], times[b - 1][1], word)
            for (a, b), word in zip(spelled.spans, spelled.words, strict=True)
        )
        tokens = tuple(
            Interval(*times[k], self.symbols.names[label], float(path.confidences[k]))
            for k, label in enumerate(labels)
            if label != self.symbols.gap
        )
        sure = [
            float(np.mean([posteriors[path.starts[k] : path.stops[k], k].mean() for k in range(a, b)]))
            for a, b in spelled.spans
        ]
        return Alignment(
            Tier("words", placed),
            phones=Tier("phones", tokens) if self.symbols.phones else None,
            states=None if self.symbols.phones else Tier("states", tokens),
            path=path.symbols,
            grid=heard.grid,
            text_confidence=self._text_confidence(heard, spelled, placed),
            time_confidence=tuple(min(1.0, each) for each in sure),
            log_score=path.log_score,
        )

    def _no_words(self, heard: Heard) -> Alignment:
        empty = {"phones": Tier("phones")} if self.symbols.phones else {"states": Tier("states")}
        path = np.full(heard.grid.n_frames, self.symbols.blank)
        score = float(heard.log_probs[:, self.symbols.blank].sum())
        return Alignment(
            Tier("words"), path=path, grid=heard.grid, text_confidence=(), time_confidence=(), log_score=score, **empty
        )

    def _text_confidence(self, heard: Heard, spelled: Spelled, placed: Sequence[Interval]) -> tuple[float, ...]:
        found = []
        for i, word in enumerate(placed):
            first, stop = window_of(Target("word", word.label, word), heard.grid, margin_s=self.decoding.margin_s)
            a, b = spelled.spans[i]
            left = spelled.spans[i - 1][0] if i else a
            right = spelled.spans[i + 1][1] if i + 1 < len(placed) else b
            reading = Reading(spelled.labels[left:right], a - left, right - b)
            window = torch.from_numpy(heard.log_probs[None, first:stop])
            score = log_prob_of_reading(window, reading, blank=self.symbols.blank)
            found.append(min(1.0, float(torch.exp(score[0]))))
        return tuple(found)

    def scores(self, log_probs: Tensor, grid: FrameGrid, targets: Sequence[Target]) -> Tensor:
        """Return differentiable scores `(n, n_targets)` of recordings of one length, `(n, n_frames, n_symbols)`.

        Each is log P(the frames of the target's place read it, between its neighbours | sound), less that of its rival
        where there is one; see `otoscope.nets.lattice`.

        Raises
        ------
        BadInput
            A letter that cannot be written, or a target outside the recording.
        DoesNotFit
            A target's place has too few frames for it.
        """
        columns = [self._score(log_probs, grid, target) for target in targets]
        return torch.stack(columns, 1) if columns else log_probs.new_zeros(log_probs.shape[0], 0)

    def _score(self, log_probs: Tensor, grid: FrameGrid, target: Target) -> Tensor:
        window = (0, grid.n_frames)
        if target.kind != "utterance":
            window = window_of(target, grid, margin_s=self.decoding.margin_s)
        first, stop = window
        parts = []
        for label in (target.label, target.rival):
            if label is None:
                continue
            reading = self._reading(target, label)
            if reading.n_frames_needed > stop - first:
                raise DoesNotFit(
                    f"{label!r} needs at least {reading.n_frames_needed} frames of {grid.hop / grid.rate_hz:g} s, "
                    f"its place has {stop - first}; give a wider interval"
                )
            parts.append(log_prob_of_reading(log_probs[:, first:stop], reading, blank=self.symbols.blank))
        return parts[0] if len(parts) == 1 else parts[0] - parts[1]

    def _reading(self, target: Target, label: str) -> Reading:
        """Return what the target's place must read: the word, between those beside it in the target's context."""
        symbols, words = self.symbols, tuple(label.split())
        if target.kind == "utterance":
            return Reading(symbols.encode(words))
        if target.kind == "token":
            raise BadInput(f"this recogniser scores words and utterances, not the token {target.label!r}")
        if len(words) != 1:
            raise BadInput(f"a target must be one word, got {label!r}")
        core = symbols.encode_word(words[0])
        if target.position is None or not target.context:
            return Reading((*symbols.gaps, *core, *symbols.gaps), len(symbols.gaps), len(symbols.gaps))
        before = target.context[max(0, target.position - 1) : target.position]
        after = target.context[target.position + 1 : target.position + 2]
        left = (*symbols.encode(before), *symbols.gaps) if before else ()
        right = (*symbols.gaps, *symbols.encode(after)) if after else ()
        return Reading((*left, *core, *right), len(left), len(right))
