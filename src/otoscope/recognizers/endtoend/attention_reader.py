"""The attention family: beam search (alone or joint with CTC), teacher-forced scores, and where attention looked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from otoscope.core import Alignment, Emissions, FrameGrid, Hypothesis, StepScores, Target, Tier
from otoscope.decoding.transducer import forced_frames
from otoscope.nets.decoders import RecurrentDecoder, TransformerDecoder
from otoscope.nets.speech_network import SpeechNetwork
from otoscope.recognizers.endtoend.attention_search import AttentionSearch
from otoscope.recognizers.endtoend.card import EndToEndCard
from otoscope.recognizers.endtoend.ctc_reader import CtcReader
from otoscope.recognizers.endtoend.fusion import NextScores
from otoscope.recognizers.endtoend.hearing import (
    Encoded,
    clipped_edges,
    target_words,
    timed_tokens,
    timed_words,
    token_index,
    tokens_before,
)
from otoscope.recognizers.endtoend.sites import recorded

END = "<end>"


class AttentionReader:
    """Reads an attention decoder (`otoscope.recognizers.endtoend.hearing.Reader`).

    Where the search hears CTC too (`decoding.ctc_weight` above 0), that gives emissions and times; a CTC output that
    only helped training is left alone.
    """

    def __init__(self, network: SpeechNetwork, card: EndToEndCard, fusion: NextScores | None) -> None:
        assert network.decoder is not None  # the card says so
        self.network, self.card, self.fusion = network, card, fusion
        self.decoder: RecurrentDecoder | TransformerDecoder = network.decoder
        self.ctc = CtcReader(network, card, None) if card.decoding.ctc_weight > 0 else None

    def hypotheses(self, heard: Encoded) -> tuple[Hypothesis, ...]:
        """Return the n-best texts by the score of `AttentionSearch`."""
        how, tokens = self.card.decoding, self.card.tokens
        ctc = None if self.ctc is None else self.ctc.log_probs(heard)
        memory = self.decoder.remember(heard.frames, heard.lengths)
        found: dict[tuple[str, ...], Hypothesis] = {}
        for text in AttentionSearch(self.decoder, memory, how, ctc_log_probs=ctc, fusion=self.fusion).run():
            words = tokens.decode(text.labels)
            if words not in found and len(found) < how.n_best:
                found[words] = Hypothesis(words, tuple(tokens.units[i - 1] for i in text.labels), text.score)
        return tuple(found.values())

    def text_log_prob(self, heard: Encoded, words: Sequence[str]) -> float:
        """Return (1 - λ) ln P_attention + λ ln P_CTC of a text, with its end."""
        weight = self.card.decoding.ctc_weight
        attention = float(self._forced(heard.frames, heard.lengths, self.card.tokens.encode(words))[1].sum())
        if self.ctc is None:
            return attention
        return (1 - weight) * attention + weight * self.ctc.text_log_prob(heard, words)

    def alignment(self, heard: Encoded, words: Sequence[str]) -> Alignment:
        """Return where the words lie: the CTC path where the search hears CTC, else where attention looked.

        Attention is no measurement of time: its intervals say `origin="attention"`. Each token is put on the frame of
        most attention (mean over heads and blocks), in an order that never goes back. Text confidence is the
        probability of the word's tokens given the words before it; time confidence, for attention, the share of
        attention that falls into the word's own interval.
        """
        if not words:
            return Alignment(Tier("words"), states=Tier("states"))
        labels = self.card.tokens.encode(words)
        spans = self.card.tokens.spans(labels)
        rows, _ = self._forced(heard.frames, heard.lengths, labels)
        likely = tuple(min(1.0, float(torch.exp(self._word_score(rows, labels, *span))[0])) for span in spans)
        if self.ctc is not None:
            found = self.ctc.alignment(heard, words)
            return Alignment(
                found.words, None, found.states, found.path, found.grid, likely, found.time_confidence, found.log_score
            )
        weights = self.weights(heard, labels)[:-1]
        path = forced_frames(np.zeros((weights.shape[1], len(labels) + 1)), np.log(weights.T + 1e-8))
        edges = clipped_edges(heard)
        frames = [(int(path.frames[a]), int(path.frames[b - 1])) for a, b in spans]
        shares = tuple(
            min(1.0, float(weights[a:b, first : last + 1].sum() / (b - a)))
            for (a, b), (first, last) in zip(spans, frames, strict=True)
        )
        return Alignment(
            timed_words(frames, words, edges, origin="attention"),
            states=timed_tokens(path.frames, labels, edges, self.card.tokens, origin="attention"),
            text_confidence=likely,
            time_confidence=shares,
        )

    def weights(self, heard: Encoded, labels: Sequence[int]) -> NDArray[np.float64]:
        """Return `(n_labels + 1, n_frames)` attention to the sound while each label, and the end, is written."""
        names = [name for name in self.attention_sites() if "cross" in name or name == "decoder.attention"]
        with torch.no_grad(), recorded(self.network, names) as seen:
            self._forced(heard.frames, heard.lengths, labels)
        stacked = torch.stack([seen[name][0].mean(0) for name in names]).mean(0)
        rows: NDArray[np.float64] = stacked.double().numpy()
        return rows

    def attention_sites(self) -> tuple[str, ...]:
        """Return the names of the decoder's attention weights."""
        if isinstance(self.decoder, RecurrentDecoder):
            return ("decoder.attention",)
        kinds = ("attention", "cross_attention")
        return tuple(f"decoder.blocks.{i}.{kind}" for i in range(len(self.decoder.blocks)) for kind in kinds)

    def emissions(self, heard: Encoded, words: Sequence[str]) -> Emissions | None:
        """Return those of the CTC output; `None` where the search does not hear it."""
        return None if self.ctc is None else self.ctc.emissions(heard, words)

    def steps(self, heard: Encoded, words: Sequence[str]) -> StepScores:
        """Return the log-probabilities of every next token, teacher-forced along the text, and of the end."""
        labels = self.card.tokens.encode(words)
        rows, _ = self._forced(heard.frames, heard.lengths, labels)
        symbols = self.card.tokens.symbols(END)
        return StepScores(rows[0].float().numpy(), symbols, tuple(symbols[label] for label in (*labels, 0)))

    def scores(self, frames: Tensor, lengths: Tensor, grids: Sequence[FrameGrid], targets: Sequence[Target]) -> Tensor:
        """Return the teacher-forced log-probability of each target.

        A word's is ln P(its tokens, and that it ends there | the words before it, sound); its interval does not matter,
        since attention looks where it will. An utterance's is ln P(text and end | sound), a token's ln P(it | the
        tokens before it, sound); with a rival, the difference.
        """
        passes: dict[tuple[int, ...], tuple[Tensor, Tensor]] = {}

        def along(labels: tuple[int, ...]) -> tuple[Tensor, Tensor]:
            if labels not in passes:
                passes[labels] = self._forced(frames, lengths, labels)
            return passes[labels]

        def score(target: Target, label: str) -> Tensor:
            if target.kind == "token":
                before, position = tokens_before(target, self.card.tokens, END)
                return along(before)[0][:, position, token_index(label, self.card.tokens, END)]
            words, position = target_words(target, label)
            labels = self.card.tokens.encode(words)
            rows, chosen = along(labels)
            if target.kind == "utterance":
                return chosen.sum(1)
            return self._word_score(rows, labels, *self.card.tokens.spans(labels)[position])

        columns = [score(t, t.label) - (score(t, t.rival) if t.rival is not None else torch.zeros(())) for t in targets]
        return torch.stack(columns, 1)

    def _forced(self, frames: Tensor, lengths: Tensor, labels: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return `(n, n_labels + 1, n_symbols)` log-probabilities along a text, and those of its labels and end."""
        n = frames.shape[0]
        row = torch.tensor([list(labels)], dtype=torch.int64).reshape(1, -1).expand(n, -1)
        heard = self.decoder.remember(frames, lengths)
        log_probs = torch.log_softmax(self.decoder(heard, row, torch.full((n,), row.shape[1])).double(), -1)
        wanted = torch.nn.functional.pad(row, (0, 1))
        return log_probs, log_probs.gather(-1, wanted[..., None]).squeeze(-1)

    def _word_score(self, rows: Tensor, labels: Sequence[int], start: int, stop: int) -> Tensor:
        own = torch.stack([rows[:, u, labels[u]] for u in range(start, stop)]).sum(0)
        return own + torch.logsumexp(rows[:, stop, list(self.card.tokens.closing)], -1)
