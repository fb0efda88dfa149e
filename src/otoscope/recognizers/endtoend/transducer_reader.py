"""The transducer family: time-synchronous search, the best alignment in the lattice, and scores of words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from otoscope.core import Alignment, Emissions, FrameGrid, Hypothesis, StepScores, Target, Tier
from otoscope.decoding.transducer import Search, forced_frames, occupancies
from otoscope.nets.speech_network import SpeechNetwork
from otoscope.nets.transducer import Joiner, PredictionNetwork, transducer_loss
from otoscope.recognizers.endtoend.card import EndToEndCard
from otoscope.recognizers.endtoend.ctc_reader import BLANK
from otoscope.recognizers.endtoend.fusion import NextScores
from otoscope.recognizers.endtoend.hearing import Encoded, clipped_edges, target_words, timed_tokens, timed_words

NEARBY = 2
"""A token counts as "here" up to so many frames from its own, for the time confidence."""


class NetworkPredictor:
    """Prediction network and joiner as `otoscope.decoding.transducer.Predictor`."""

    def __init__(self, prediction: PredictionNetwork, joiner: Joiner) -> None:
        self.prediction, self.joiner = prediction, joiner

    def start(self) -> Any:
        """Return the output and the state before any label."""
        return self._of(torch.zeros(1, dtype=torch.int64), None)[0]

    def advance(self, states: Sequence[Any], labels: Sequence[int]) -> list[Any]:
        """Return output and state after one more label each."""
        before = tuple(torch.cat([state[1][k] for state in states], 1) for k in range(2))
        return self._of(torch.tensor(list(labels), dtype=torch.int64), before)

    def _of(self, labels: Tensor, before: Any) -> list[Any]:
        with torch.no_grad():
            out, (hidden, cell) = self.prediction.step(labels, before)
            scored = self.joiner.of_label(out)
        return [(scored[i], (hidden[:, i : i + 1], cell[:, i : i + 1])) for i in range(len(labels))]

    def log_probs(self, frame: NDArray[Any], states: Sequence[Any]) -> NDArray[np.float64]:
        """Return `(n_states, n_symbols)` log-probabilities at a frame that has passed `of_frame`."""
        with torch.no_grad():
            both = torch.tanh(torch.from_numpy(np.asarray(frame)) + torch.stack([state[0] for state in states]))
            rows: NDArray[np.float64] = torch.log_softmax(self.joiner.output(both).double(), -1).numpy()
        return rows


class TransducerReader:
    """Reads a transducer (`otoscope.recognizers.endtoend.hearing.Reader`)."""

    def __init__(self, network: SpeechNetwork, card: EndToEndCard, fusion: NextScores | None) -> None:
        assert network.prediction is not None
        assert network.joiner is not None
        self.network, self.card, self.fusion = network, card, fusion
        self.prediction, self.joiner = network.prediction, network.joiner

    def search(self) -> Search:
        """Return a search that has heard nothing yet."""
        how = self.card.decoding
        predictor = NetworkPredictor(self.prediction, self.joiner)
        return Search(predictor, beam=how.beam, most_labels=how.most_labels, blank=0, lm=self.fusion)

    def projected(self, frames: Tensor) -> NDArray[Any]:
        """Return encoded frames `(n_frames, n_units)` as the search wants them."""
        with torch.no_grad():
            rows: NDArray[Any] = self.joiner.of_frame(frames).numpy()
        return rows

    def hypotheses(self, heard: Encoded) -> tuple[Hypothesis, ...]:
        """Return the n-best texts by log P(text | sound) over the alignments kept, plus the language model's score."""
        search = self.search()
        search.advance(self.projected(heard.frames[0, : int(heard.lengths[0])]))
        return self.found(search)

    def found(self, search: Search, *, final: bool = True) -> tuple[Hypothesis, ...]:
        """Return what a search has found so far."""
        how, tokens = self.card.decoding, self.card.tokens
        found: dict[tuple[str, ...], Hypothesis] = {}
        for each in search.best(how.beam, final=final):
            words = tokens.decode(each.labels)
            if words not in found and len(found) < how.n_best:
                found[words] = Hypothesis(words, tuple(tokens.units[i - 1] for i in each.labels), each.log_score)
        return tuple(found.values())

    def text_log_prob(self, heard: Encoded, words: Sequence[str]) -> float:
        """Return log P(text | sound), all alignments summed."""
        return float(self._log_likelihoods(heard.frames, heard.lengths, self.card.tokens.encode(words))[0])

    def alignment(self, heard: Encoded, words: Sequence[str]) -> Alignment:
        """Return the best alignment in the lattice: a word lies between the frames of its first and last token.

        A transducer writes a token at some frame near its sound, streaming ones behind it. `path` holds how many tokens
        are written when each frame ends. Text confidence is P(with the word) / (P(with it) + P(without it)), time
        confidence the mean probability, over all alignments, that a token of the word is written within two frames of
        its own.
        """
        if not words:
            return Alignment(Tier("words"), states=Tier("states"))
        labels = self.card.tokens.encode(words)
        blank, label = self._tables(heard, labels)
        path, edges = forced_frames(blank, label), clipped_edges(heard)
        spans = self.card.tokens.spans(labels)
        frames = [(int(path.frames[a]), int(path.frames[b - 1])) for a, b in spans]
        tier = timed_words(frames, words, edges, origin="aligned")
        shares = occupancies(blank, label).label
        near = [shares[max(0, t - NEARBY) : t + NEARBY + 1, u].sum() for u, t in enumerate(path.frames.tolist())]
        targets = [Target("word", w.label, w, i, tuple(words)) for i, w in enumerate(tier)]
        gains = self.scores(heard.frames, heard.lengths, [heard.grid], targets)[0]
        return Alignment(
            tier,
            states=timed_tokens(path.frames, labels, edges, self.card.tokens, origin="aligned"),
            path=np.searchsorted(path.frames, np.arange(heard.grid.n_frames), side="right"),
            grid=heard.grid,
            text_confidence=tuple(torch.sigmoid(gains).tolist()),
            time_confidence=tuple(min(1.0, float(np.mean(near[a:b]))) for a, b in spans),
            log_score=path.log_score,
        )

    def emissions(self, heard: Encoded, words: Sequence[str]) -> Emissions:
        """Return log-posteriors by frame, each given the tokens of the text that its best alignment wrote before it."""
        labels = self.card.tokens.encode(words)
        lattice = self._lattice(heard.frames, heard.lengths, labels)[0]
        blank, label = self._tables(heard, labels)
        before = np.searchsorted(forced_frames(blank, label).frames, np.arange(lattice.shape[0]), side="left")
        rows = lattice[torch.arange(lattice.shape[0]), torch.from_numpy(before)].float().numpy()
        return Emissions(rows, heard.grid, self.card.tokens.symbols(BLANK), "log_posterior", blank=0)

    def steps(self, heard: Encoded, words: Sequence[str]) -> StepScores:
        """Return log-probabilities of the symbols where each token of the text is written, the blank among them."""
        labels = self.card.tokens.encode(words)
        lattice = self._lattice(heard.frames, heard.lengths, labels)[0]
        frames = torch.from_numpy(forced_frames(*self._tables(heard, labels)).frames)
        symbols = self.card.tokens.symbols(BLANK)
        rows = lattice[frames, torch.arange(len(labels))].float().numpy()
        return StepScores(rows, symbols, tuple(symbols[label] for label in labels))

    def scores(self, frames: Tensor, lengths: Tensor, grids: Sequence[FrameGrid], targets: Sequence[Target]) -> Tensor:
        """Return ln P(text with the word | sound) - ln P(text without it | sound) of each target, in nats.

        All alignments are summed in both; what the sound says of the other words stands on both sides. A word's
        interval does not matter. An utterance's score is ln P(text | sound); with a rival, that of the text less that
        with the rival.
        """
        known: dict[tuple[int, ...], Tensor] = {}

        def log_likelihood(words: Sequence[str]) -> Tensor:
            labels = self.card.tokens.encode(words)
            if labels not in known:
                known[labels] = self._log_likelihoods(frames, lengths, labels)
            return known[labels]

        def score(target: Target) -> Tensor:
            words, position = target_words(target, target.label)
            if target.rival is not None:
                return log_likelihood(words) - log_likelihood(target_words(target, target.rival)[0])
            if target.kind == "utterance":
                return log_likelihood(words)
            return log_likelihood(words) - log_likelihood((*words[:position], *words[position + 1 :]))

        return torch.stack([score(target) for target in targets], 1)

    def _lattice(self, frames: Tensor, lengths: Tensor, labels: Sequence[int]) -> Tensor:
        row = torch.tensor([list(labels)], dtype=torch.int64).reshape(1, -1)
        predicted = self.prediction(row, torch.tensor([row.shape[1]]))
        return self.joiner.lattice(frames, predicted)

    def _log_likelihoods(self, frames: Tensor, lengths: Tensor, labels: Sequence[int]) -> Tensor:
        n = frames.shape[0]
        rows = torch.tensor([list(labels)], dtype=torch.int64).reshape(1, -1).expand(n, -1)
        lattice = self._lattice(frames, lengths, labels).double()
        return -transducer_loss(lattice, rows, lengths, torch.full((n,), rows.shape[1]))

    def _tables(self, heard: Encoded, labels: Sequence[int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        lattice = self._lattice(heard.frames, heard.lengths, labels)[0].detach().double().numpy()
        index = np.arange(len(labels))
        return lattice[..., 0], lattice[:, index, list(labels)].reshape(lattice.shape[0], len(labels))
