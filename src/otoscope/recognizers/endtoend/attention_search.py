"""Beam search of an attention decoder, alone or in one pass with CTC prefix scores (Watanabe et al. 2017)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from otoscope.decoding.ctc.prefix_scores import PrefixScorer, PrefixState
from otoscope.nets.decoders import Heard, RecurrentDecoder, State, TransformerDecoder
from otoscope.recognizers.endtoend.card import Decoding
from otoscope.recognizers.endtoend.fusion import NextScores

END = 0
PATIENCE = 3
"""The search ends when so many lengths bring nothing near the best (Watanabe et al. 2017, section III-C)."""
NEAR = 10.0
"""What "near" is, nats."""


@dataclass(frozen=True)
class Spelled:
    """A text of the search: labels without the end; what attention, CTC and language model give it; its rank."""

    labels: tuple[int, ...]
    attention: float
    ctc: float
    lm: float
    score: float


@dataclass(frozen=True)
class _Open:
    labels: tuple[int, ...]
    attention: float
    lm: float
    ctc: PrefixState | None
    seen: NDArray[np.float64] | None  # attention so far, summed over the tokens, by frame


class AttentionSearch:
    """One-pass beam search over labels.

    Hypotheses are ranked by (1 - λ) ln P_attention + λ ln P_CTC(prefix) + language model (Watanabe et al. 2017,
    equation 44); finished ones also by coverage, and divided by a power of their length (Wu et al. 2016, equation 14).

    Parameters
    ----------
    decoder, heard
        The decoder and the one recording it listens to.
    how
        Beam and weights.
    ctc_log_probs
        `(n_frames, n_symbols)`, needed where `how.ctc_weight` is above 0.
    fusion
        Language model.
    """

    def __init__(
        self,
        decoder: RecurrentDecoder | TransformerDecoder,
        heard: Heard,
        how: Decoding,
        *,
        ctc_log_probs: NDArray[np.float64] | None = None,
        fusion: NextScores | None = None,
    ) -> None:
        self.decoder, self.heard, self.how, self.fusion = decoder, heard, how, fusion
        self.scorer = PrefixScorer(ctc_log_probs) if how.ctc_weight > 0 and ctc_log_probs is not None else None

    def run(self) -> tuple[Spelled, ...]:
        """Return finished texts, best first; one as long as the frames ends there."""
        begin = _Open((), 0.0, 0.0, self.scorer.start() if self.scorer else None, None)
        open_texts, state = [begin], self.decoder.start(self.heard)
        last, finished = torch.zeros(1, dtype=torch.int64), []
        n_most = max(1, int(self.heard.lengths[0]))
        for length in range(n_most + 1):
            rows, state = self.decoder.step(
                self.heard.rows(torch.zeros(len(open_texts), dtype=torch.int64)), last, state
            )
            log_probs = torch.log_softmax(rows.double(), -1).numpy()
            open_texts = self._attended(open_texts, state)
            finished += [self._finished(text, row[END]) for text, row in zip(open_texts, log_probs, strict=True)]
            if length == n_most or _over(finished, length):
                break
            open_texts, state = self._extended(open_texts, log_probs, state)
            if not open_texts:
                break
            last = torch.tensor([text.labels[-1] for text in open_texts])
        return tuple(sorted(finished, key=lambda each: (-each.score, each.labels)))

    def _attended(self, texts: Sequence[_Open], state: State) -> list[_Open]:
        if not self.how.coverage:
            return list(texts)
        rows = state[3].double().numpy()
        seen = [row if text.seen is None else text.seen + row for text, row in zip(texts, rows, strict=True)]
        return [_Open(t.labels, t.attention, t.lm, t.ctc, each) for t, each in zip(texts, seen, strict=True)]

    def _finished(self, text: _Open, log_end: float) -> Spelled:
        weight = self.how.ctc_weight
        attention, ctc = text.attention + float(log_end), text.ctc.log_complete if text.ctc else 0.0
        lm = text.lm + (float(self.fusion(text.labels)[END]) if self.fusion else 0.0)
        score = (1 - weight) * attention + (weight * ctc if weight else 0.0) + lm
        if text.seen is not None:
            score += self.how.coverage * float(np.log(np.clip(text.seen, 1e-6, 1.0)).sum())
        score /= ((6 + len(text.labels)) / 6) ** self.how.length_power
        return Spelled(text.labels, attention, ctc, lm, score)

    def _extended(
        self, texts: Sequence[_Open], log_probs: NDArray[np.float64], state: State
    ) -> tuple[list[_Open], State]:
        """Return the best texts with one label more, and their states."""
        weight, beam = self.how.ctc_weight, self.how.beam
        n_symbols = log_probs.shape[1]
        labels = np.arange(1, n_symbols)
        ranks = np.empty((len(texts), n_symbols - 1))
        lms = np.zeros((len(texts), n_symbols - 1))
        for i, text in enumerate(texts):
            if self.fusion is not None:
                lms[i] = text.lm + self.fusion(text.labels)[1:]
            ranks[i] = (1 - weight) * (text.attention + log_probs[i, 1:]) + lms[i]
            if self.scorer is not None and text.ctc is not None:
                ranks[i] += weight * self.scorer.scores(text.ctc, labels)
        order = np.argsort(-ranks, axis=None, kind="stable")[:beam]
        places = [divmod(int(k), n_symbols - 1) for k in order if ranks.flat[k] > -np.inf]
        found = []
        for i, k in places:
            ctc = None
            if self.scorer is not None and texts[i].ctc is not None:
                (ctc,) = self.scorer.extend(texts[i].ctc, [k + 1])
            attention = texts[i].attention + float(log_probs[i, k + 1])
            found.append(_Open((*texts[i].labels, k + 1), attention, float(lms[i, k]), ctc, texts[i].seen))
        index = torch.tensor([i for i, _ in places], dtype=torch.int64)
        return found, tuple(_rows(part, index) for part in state)


def _rows(part: Tensor, index: Tensor) -> Tensor:
    return part[index]


def _over(finished: Sequence[Spelled], length: int) -> bool:
    """Whether the last `PATIENCE` lengths brought nothing near the best."""
    best = max(each.score for each in finished)
    recent = [each.score for each in finished if len(each.labels) > length - PATIENCE]
    return length >= PATIENCE and max(recent) < best - NEAR
