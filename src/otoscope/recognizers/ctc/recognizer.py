"""A small CTC recogniser whose inside is open: log-mel → convolutions → bidirectional LSTMs → letters.

Connectionist temporal classification (Graves et al. 2006): at every frame the network gives each letter, the space and
a blank a probability; a text is any frame-wise labelling that spells it once repeats are merged and blanks dropped.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from otoscope.core import (
    Activation,
    Alignment,
    BadInput,
    Emissions,
    Features,
    FrameGrid,
    Provenance,
    Recording,
    Site,
    Target,
    Trace,
)
from otoscope.core.protocols import Edit, Progress
from otoscope.nets.acoustic import AcousticModel
from otoscope.nets.examples import batches, padded
from otoscope.nets.front_end import LogMel, mel_edges_hz
from otoscope.nets.hooks import leaf_at, recorded
from otoscope.nets.open_edits import OpenEdits
from otoscope.nets.substitution import Passes, passes_of
from otoscope.nets.training import History, TrainingPlan
from otoscope.nets.weights import shuffled, weights_sha256
from otoscope.recognizers.ctc.card import CtcCard
from otoscope.recognizers.ctc.decoding import aligned, check_said, hypotheses, word_automaton
from otoscope.recognizers.ctc.files import load_ctc, save_ctc
from otoscope.recognizers.ctc.scoring import place_of, scores_of
from otoscope.recognizers.ctc.training import Recipe, fit_ctc
from otoscope.recognizers.substituting import ScoresAtSites
from otoscope.signal.resampling import resampled

BATCH_S = 120.0
"""Seconds of padded sound that go through the network at once."""

DIGITS = Path(__file__).parents[1] / "weights" / "ctc-digits"
"""The digit recogniser that ships with the package."""


def digits() -> CTCRecognizer:
    """Return the embedded recogniser of English digit strings, trained by `otoscope.studies.digits`."""
    return CTCRecognizer.load(DIGITS)


class CTCRecognizer(ScoresAtSites):
    """Recogniser of the CTC family: `Trainable`, `Aligning`, `Differentiable`, `Intervenable` and `Substituting`.

    Parameters
    ----------
    card
        What fixes it apart from its weights.
    network
        The weights; drawn from `seed` when it is not given.
    seed
        Of the weights of a new network.

    Notes
    -----
    The score of a word is log P(the frames of its place read it | sound), and that of an utterance log P(text | sound);
    the equations stand in `otoscope.nets.lattice`. Sound of any rate is resampled to the front end's own; times are
    those of the recording given.
    """

    def __init__(self, card: CtcCard, network: AcousticModel | None = None, *, seed: int = 0) -> None:
        self.card = card
        self.front_end = LogMel(card.front_end)
        if network is None:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                network = AcousticModel(card.network)
        self.network = network.eval()
        words = card.vocabulary
        self._automaton = None if words is None else word_automaton(words, card.symbols, card.separator)
        self.open_edits = OpenEdits(self.network)

    @property
    def name(self) -> str:
        """Name in Traces."""
        return self.card.name

    @property
    def provenance(self) -> Provenance:
        """Version, hash of the weights as they are now, and the card; open edits are named."""
        card = self.card.as_json()
        parameters = {key: card[key] for key in ("front_end", "network", "vocabulary", "beam", "n_best", "margin_s")}
        parameters |= self.open_edits.parameters()
        seed = self.card.training.get("seed")
        return Provenance(self.name, version("otoscope"), weights_sha256(self.network), parameters, seed)

    def with_random_weights(self, *, seed: int, share: float = 1.0) -> CTCRecognizer:
        """Return a recogniser of the same kind whose weights are shuffled; see `otoscope.nets.weights.shuffled`."""
        self.open_edits.refuse_copy()
        return CTCRecognizer(self.card, shuffled(self.network, seed=seed, share=share))

    @property
    def weighs_language(self) -> bool:
        """Whether it decides with a language model that `score` leaves out."""
        return False

    def with_wider_search(self, factor: float) -> CTCRecognizer:
        """Return the same recogniser with a beam `factor` times as wide, over the same network."""
        return CTCRecognizer(dataclasses.replace(self.card, beam=math.ceil(factor * self.card.beam)), self.network)

    def trace(self, recording: Recording, *, record: Sequence[str] = ()) -> Trace:
        """Recognise one recording.

        Parameters
        ----------
        recording
            Of any rate.
        record
            Of "features", "emissions", "activations" (all sites) and single site names.
        """
        names = [site.name for site in self.sites()]
        unknown = [name for name in record if name not in (*names, "emissions", "activations")]
        if unknown:
            known = ", ".join(("emissions", "activations", *names))
            raise BadInput(f"{self.name} cannot record {', '.join(unknown)}; it records {known}")
        wanted = names if "activations" in record else [name for name in names if name in record]
        samples = resampled(recording, self.card.front_end.rate_hz).samples
        grids = self.network.grids(self.card.front_end.grid(samples.size))
        with torch.inference_mode(), recorded(self.network, sorted({*wanted, "features"})) as seen:
            log_probs = self._log_probs([samples])[0][0].double().numpy()
        found = hypotheses(log_probs, self.card, self._automaton)
        parts: dict[str, Any] = {"alignment": self._aligned(log_probs, grids["logits"], found[0].words, recording)}
        if "emissions" in record:
            scores = log_probs.astype(np.float32)
            parts["emissions"] = Emissions(scores, grids["logits"], self.card.symbols, "log_posterior", blank=0)
        if "features" in record:
            parts["features"] = self._features(seen["features"][0].numpy(), grids["features"])
        if wanted:
            sites = {site.name: site for site in self.sites()}
            parts["activations"] = {n: Activation(sites[n], seen[n][0].numpy(), grids[n]) for n in wanted}
        missing = {"steps": "a CTC recogniser has no decoder steps", "attentions": "this network has no attention"}
        return Trace(recording, found, self.provenance, parts, missing)

    def score(
        self, recordings: Sequence[Recording], targets: Sequence[Target], *, progress: Progress | None = None
    ) -> NDArray[np.float64]:
        """Return `(n_recordings, n_targets)` log scores in nats; one pass through the network serves all targets.

        Each is a pure function of its recording and target: batching changes nothing beyond rounding.

        Raises
        ------
        BadInput
            A target lies outside a recording or has a letter that cannot be written.
        DoesNotFit
            A target needs more frames than its place has.
        """
        rate_hz = self.card.front_end.rate_hz
        scores = np.empty((len(recordings), len(targets)))
        lengths = [round(r.n_samples * rate_hz / r.rate_hz) for r in recordings]
        n_done = 0
        for chosen in batches(lengths, most=round(BATCH_S * rate_hz)):
            waveforms = [resampled(recordings[i], rate_hz).samples for i in chosen]
            with torch.inference_mode():
                log_probs, n_frames = self._log_probs(waveforms)
                grids = {self._grid(w.size).n_frames: self._grid(w.size) for w in waveforms}
                scores[chosen] = scores_of(log_probs, n_frames, grids, list(targets), self.card).numpy()
            n_done += len(chosen)
            if progress is not None:
                progress(n_done, len(recordings))
        return scores

    def align(self, recording: Recording, transcript: str) -> Alignment:
        """Return where each word and letter of `transcript` lies: raw CTC times (`otoscope.recognizers.ctc.decoding`).

        Raises
        ------
        DoesNotFit
            The transcript has words outside the vocabulary, needs more frames than the recording has, or is not
            what the recording says (`check_said`).
        BadInput
            It has letters the recogniser cannot write.
        """
        samples = resampled(recording, self.card.front_end.rate_hz).samples
        with torch.inference_mode():
            log_probs = self._log_probs([samples])[0][0].double().numpy()
        words = tuple(transcript.lower().split())
        check_said(log_probs, words, hypotheses(log_probs, self.card, self._automaton)[0].words, self.card)
        return self._aligned(log_probs, self._grid(samples.size), words, recording)

    def gradient(self, recording: Recording, target: Target, *, at: str = "features") -> NDArray[np.float64]:
        """Return d score / d value at a site, in the shape of that site's activation, by backpropagation.

        `at="waveform"` gives `(n_samples, 1)`, a row for each sample *at the front end's own rate*.

        Raises
        ------
        NotAble
            Edits are open: they are arbitrary functions of arrays.
        """
        self.open_edits.refuse_gradient()
        samples = resampled(recording, self.card.front_end.rate_hz).samples
        waveform = torch.from_numpy(samples.copy()).to(self.front_end.window.dtype)[None]
        place = place_of(target, self._grid(samples.size), self.card)
        with contextlib.ExitStack() as stack:
            if at == "waveform":
                leaf = waveform.requires_grad_(True)
            else:
                leaves = stack.enter_context(leaf_at(self.network, at))
            log_probs, _ = self._log_probs_of(waveform, torch.tensor([samples.size]))
            leaf = leaf if at == "waveform" else leaves[0]
            (slope,) = torch.autograd.grad(place.score(log_probs).sum(), leaf)
        return (slope[0, :, None] if at == "waveform" else slope[0]).double().numpy()

    def passes(self, recording: Recording, targets: Sequence[Target]) -> Passes:
        """Return how targets are scored, step by step (`otoscope.recognizers.substituting`)."""
        samples = resampled(recording, self.card.front_end.rate_hz).samples
        places = [place_of(target, self._grid(samples.size), self.card) for target in targets]

        def scores(features: Tensor) -> Tensor:
            logits, _ = self.network(features, torch.full((len(features),), features.shape[1]))
            log_probs = torch.log_softmax(logits, -1)
            return torch.stack([place.score(log_probs) for place in places], 1)

        return passes_of(self.network, self.front_end, samples, self.card.front_end.grid(samples.size), scores)

    def sites(self) -> tuple[Site, ...]:
        """Return the named places inside, input first."""
        return self.network.sites()

    @contextlib.contextmanager
    def edited(self, edits: Mapping[str, Edit]) -> Iterator[CTCRecognizer]:
        """While the context is open, apply each edit to `(n_frames, n_units)` at its site, for every utterance."""
        with self.open_edits.opened(edits):
            yield self

    def fit(
        self,
        corpus: Iterable[Any],
        *,
        valid: Iterable[Any] = (),
        plan: TrainingPlan | None = None,
        recipe: Recipe | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        progress: Progress | None = None,
    ) -> History:
        """Train on utterances; the weights kept are those with the lowest loss on `valid`.

        Parameters
        ----------
        corpus, valid
            Utterances with `text`, `speaker` and `recording()`; without `valid`, the last epoch's weights are kept.
        plan, recipe
            How to train, and what is done to the sound.
        checkpoint
            A file written after every epoch; when it is there already, training goes on from it.
        progress
            Called with (epochs done, all epochs).
        """
        plan, recipe = plan or TrainingPlan(), recipe or Recipe()
        history = fit_ctc(
            self.network, self.front_end, self.card, (corpus, valid), (plan, recipe), (checkpoint, progress)
        )
        made = {"seed": plan.seed, "plan": dataclasses.asdict(plan), "recipe": dataclasses.asdict(recipe)}
        self.card = dataclasses.replace(self.card, training={**self.card.training, **made})
        return history

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write weights and card to a folder; `load` and `otoscope.load(folder)` open it."""
        save_ctc(self.card, self.network, folder)

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> CTCRecognizer:
        """Open what `save` wrote; raises `CorruptWeights` where the weights are not those of the card."""
        return cls(*load_ctc(folder))

    def _grid(self, n_samples: int) -> FrameGrid:
        return self.network.grids(self.card.front_end.grid(n_samples))["logits"]

    def _log_probs(self, waveforms: Sequence[NDArray[np.float32]]) -> tuple[Tensor, Tensor]:
        waves = torch.from_numpy(padded(waveforms)).to(self.front_end.window.dtype)
        return self._log_probs_of(waves, torch.tensor([waveform.size for waveform in waveforms]))

    def _log_probs_of(self, waves: Tensor, n_samples: Tensor) -> tuple[Tensor, Tensor]:
        """Return `(n, n_frames, n_symbols)` log-probabilities and the frames each utterance has."""
        n_frames = torch.tensor([self.card.front_end.grid(int(n)).n_frames for n in n_samples])
        features = self.front_end(waves)[:, : int(n_frames.max())]
        logits, lengths = self.network(features, n_frames)
        return torch.log_softmax(logits, -1), lengths

    def _aligned(
        self, log_probs: NDArray[np.float64], grid: FrameGrid, words: tuple[str, ...], recording: Recording
    ) -> Alignment:
        found = aligned(log_probs, grid, words, self.card, duration_s=recording.duration_s)
        targets = [Target("word", w.label, w, i, words) for i, w in enumerate(found.words)]
        table = torch.from_numpy(log_probs)[None]
        confidences = [float(torch.exp(place_of(t, grid, self.card).score(table))) for t in targets]
        return dataclasses.replace(found, text_confidence=tuple(confidences))

    def _features(self, values: NDArray[np.float32], grid: FrameGrid) -> Features:
        centres = mel_edges_hz(self.card.front_end)[1:-1]
        return Features(values, grid, "log_mel", "ln power re full scale", centres, "Hz")
