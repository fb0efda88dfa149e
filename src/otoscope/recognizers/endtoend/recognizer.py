"""An end-to-end recogniser whose inside is open: sound in, letters or subwords out, by CTC, attention or transducer."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import itertools
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from otoscope.core import (
    Alignment,
    BadInput,
    DoesNotFit,
    Features,
    NotAble,
    Provenance,
    Recording,
    Site,
    Target,
    Trace,
)
from otoscope.core.protocols import Edit, Progress
from otoscope.decoding.edit_distance import edit_distance
from otoscope.lexicon.ngram.automaton import BackoffAutomaton
from otoscope.nets.examples import batches, padded
from otoscope.nets.hooks import edited, leaf_at
from otoscope.nets.speech_network import SpeechNetwork
from otoscope.nets.training import History, TrainingPlan, deterministic, train
from otoscope.recognizers.endtoend.attention_reader import AttentionReader
from otoscope.recognizers.endtoend.batching import Recipe, Sounds
from otoscope.recognizers.endtoend.card import EndToEndCard
from otoscope.recognizers.endtoend.ctc_reader import CtcReader
from otoscope.recognizers.endtoend.files import load_endtoend, save_endtoend, serialized
from otoscope.recognizers.endtoend.fusion import Fusion, Lexicon, NextScores
from otoscope.recognizers.endtoend.hearing import Encoded, Reader
from otoscope.recognizers.endtoend.sites import activation, attention, described, recorded, site_names
from otoscope.recognizers.endtoend.tasks import TASKS, measure_scale
from otoscope.recognizers.endtoend.transducer_reader import TransducerReader
from otoscope.signal.resampling import resampled

BATCH_S = 60.0
"""Seconds of padded sound that go through the network at once."""

READERS: Mapping[str, Any] = {"ctc": CtcReader, "attention": AttentionReader, "transducer": TransducerReader}

_edit_numbers = itertools.count(1)


class EndToEndRecognizer:
    """`Recognizer`, `Trainable`, `Aligning`, `Differentiable` and `Intervenable`, whatever its family.

    What a score is depends on the family: see `CtcReader.scores`, `AttentionReader.scores`, `TransducerReader.scores`.
    Sound of any rate is resampled to the front end's own; times are those of the recording given. A recogniser whose
    encoder streams is a `StreamingRecognizer`.

    Parameters
    ----------
    card
        What fixes it apart from its weights.
    network
        The weights; drawn from `seed` when it is not given.
    seed
        Of the weights of a new network.
    """

    def __init__(self, card: EndToEndCard, network: SpeechNetwork | None = None, *, seed: int = 0) -> None:
        self.card = card
        if network is None:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                network = SpeechNetwork(card.shape)
        self.network = network.eval()
        self.fusion: Fusion | None = None
        self._lexicon: Lexicon | None = None
        self._fused: dict[str, Any] = {}
        self._edited: tuple[str, ...] = ()

    def __new__(cls, card: EndToEndCard, *args: Any, **kwargs: Any) -> EndToEndRecognizer:
        """Return one that streams where the card says so."""
        if cls is EndToEndRecognizer and card.shape.encoder.streaming and card.family != "attention":
            from otoscope.recognizers.endtoend.streaming import StreamingRecognizer

            return super().__new__(StreamingRecognizer)
        return super().__new__(cls)

    @property
    def name(self) -> str:
        """Name in Traces."""
        return self.card.name

    @property
    def reader(self) -> Reader:
        """How its family reads the encoded sound."""
        reader: Reader = READERS[self.card.family](self.network, self.card, self._language)
        return reader

    @property
    def _language(self) -> NextScores | None:
        if self.card.vocabulary is None:
            return self.fusion
        if self._lexicon is None:
            self._lexicon = Lexicon(self.card.vocabulary, self.card.tokens, self.fusion)
        return self._lexicon

    @property
    def provenance(self) -> Provenance:
        """Version, hash of the weights as they are now, and the card; language model and open edits are named."""
        parameters = {
            k: v for k, v in self.card.as_json().items() if k in ("family", "shape", "decoding", "vocabulary")
        }
        parameters["n_tokens"] = len(self.card.tokens)
        if self._fused:
            parameters["language_model"] = dict(self._fused)
        if self._edited:
            parameters["edited"] = list(self._edited)
        weights = hashlib.sha256(serialized(self.network)).hexdigest()
        return Provenance(self.name, version("otoscope"), weights, parameters, self.card.training.get("seed"))

    def fused(
        self,
        model: BackoffAutomaton,
        *,
        unit: Literal["word", "token"] = "word",
        weight: float = 0.5,
        bonus: float = 0.0,
    ) -> EndToEndRecognizer:
        """Return the same recogniser with an n-gram model in its search (shallow fusion); see `fusion.Fusion`."""
        other = type(self)(self.card, self.network)
        other.fusion = Fusion(model, self.card.tokens, unit=unit, weight=weight, bonus=bonus)
        other._fused = {"unit": unit, "weight": weight, "bonus": bonus, "n_words": len(model.words)}
        return other

    def with_vocabulary(self, words: Iterable[str] | None) -> EndToEndRecognizer:
        """Return the same recogniser that hears strings of these words only; `None` lets it hear anything.

        Raises
        ------
        BadInput
            There is no word, or one has a letter that cannot be written.
        """
        vocabulary = None if words is None else tuple(words)
        if vocabulary is not None and not vocabulary:
            raise BadInput("a vocabulary needs a word or more")
        for word in vocabulary or ():
            self.card.tokens.encode_word(word)
        other = type(self)(dataclasses.replace(self.card, vocabulary=vocabulary), self.network)
        other.fusion, other._fused = self.fusion, self._fused
        return other

    def with_decoding(self, **changes: Any) -> EndToEndRecognizer:
        """Return the same recogniser with another beam or other weights; see `card.Decoding`.

        Raises
        ------
        BadInput
            There is no such setting.
        """
        try:
            decoding = dataclasses.replace(self.card.decoding, **changes)
        except TypeError as error:
            raise BadInput(f"no such setting of the search: {error}") from None
        other = type(self)(dataclasses.replace(self.card, decoding=decoding), self.network)
        other.fusion, other._fused = self.fusion, self._fused
        return other

    def trace(self, recording: Recording, *, record: Sequence[str] = ()) -> Trace:
        """Recognise one recording.

        Parameters
        ----------
        recording
            Of any rate.
        record
            Of "features", "emissions", "steps", "activations", "attentions" (all sites) and single site names.
        """
        activations, attentions = self._wanted(record)
        with torch.no_grad():
            heard = self._encoded(recording)
            found = self.reader.hypotheses(heard)
            parts: dict[str, Any] = {"alignment": self.reader.alignment(heard, found[0].words)}
            if {*record} - {"emissions", "steps"}:
                parts |= self._inside(recording, found[0].words, (activations, attentions), record)
            if "emissions" in record and (emissions := self.reader.emissions(heard, found[0].words)) is not None:
                parts["emissions"] = emissions
            if "steps" in record and (steps := self.reader.steps(heard, found[0].words)) is not None:
                parts["steps"] = steps
        return Trace(recording, found, self.provenance, parts, self._missing())

    def _missing(self) -> dict[str, str]:
        missing = {}
        if self.card.family == "ctc":
            missing["steps"] = "a CTC recogniser has no decoder steps"
        if self.card.family == "attention" and not self.card.shape.ctc:
            missing["emissions"] = "an attention decoder scores tokens, not frames; see the steps"
        if not site_names(self.network)[1]:
            missing["attentions"] = "this network has no attention"
        return missing

    def _wanted(self, record: Sequence[str]) -> tuple[list[str], list[str]]:
        activations, attentions = site_names(self.network)
        parts = ("emissions", "steps", "activations", "attentions")
        if unknown := [name for name in record if name not in (*activations, *attentions, *parts)]:
            known = ", ".join((*parts, *activations, *attentions))
            raise BadInput(f"{self.name} cannot record {', '.join(unknown)}; it records {known}")
        return (
            [name for name in activations if "activations" in record or name in record],
            [name for name in attentions if "attentions" in record or name in record],
        )

    def _inside(
        self, recording: Recording, words: Sequence[str], names: tuple[list[str], list[str]], record: Sequence[str]
    ) -> dict[str, Any]:
        """Return what passes the sites while the text that was heard is scored once more."""
        with recorded(self.network, sorted({"features", *names[0], *names[1]})) as seen:
            heard = self._encoded(recording)
            if self.card.shape.ctc:
                self.network.ctc_log_probs(heard.frames, heard.lengths)
            if self.card.family != "ctc":
                self.reader.scores(heard.frames, heard.lengths, [heard.grid], [Target.utterance(" ".join(words))])
        n_samples = resampled(recording, self.card.shape.front_end.rate_hz).n_samples
        grids = self.network.grids(n_samples)
        parts: dict[str, Any] = {}
        if "features" in record:
            kind = self.card.shape.features.replace("-", "_")
            parts["features"] = Features(seen["features"][0].numpy(), grids["features"], kind, "ln power re full scale")
        if names[0]:
            parts["activations"] = {name: activation(name, seen[name], grids) for name in names[0]}
        if names[1]:
            parts["attentions"] = {name: attention(name, seen[name], grids) for name in names[1]}
        return parts

    def score(
        self, recordings: Sequence[Recording], targets: Sequence[Target], *, progress: Progress | None = None
    ) -> NDArray[np.float64]:
        """Return `(n_recordings, n_targets)` log scores in nats; one pass through the encoder serves all targets.

        Each is a pure function of its recording and target: batching changes nothing beyond rounding.

        Raises
        ------
        BadInput
            A target lies outside a recording or has a letter that cannot be written.
        DoesNotFit
            A target needs more frames than its place has.
        """
        rate_hz = self.card.shape.front_end.rate_hz
        scores = np.empty((len(recordings), len(targets)))
        n_done = 0
        lengths = [round(r.n_samples * rate_hz / r.rate_hz) for r in recordings]
        for chosen in batches(lengths, most=round(BATCH_S * rate_hz)) if targets else ():
            waves = [resampled(recordings[i], rate_hz).samples for i in chosen]
            with torch.no_grad():
                scores[chosen] = self._scores(self._waves(waves), [w.size for w in waves], targets).double().numpy()
            n_done += len(chosen)
            if progress is not None:
                progress(n_done, len(recordings))
        return scores

    def _scores(self, waves: Tensor, n_samples: Sequence[int], targets: Sequence[Target]) -> Tensor:
        frames, lengths = self.network.encode(waves, torch.tensor(n_samples))
        grids = [self.network.grids(n)["encoder"] for n in n_samples]
        return self.reader.scores(frames, lengths, grids, targets)

    def align(self, recording: Recording, transcript: str) -> Alignment:
        """Return where each word and token of `transcript` lies; what the times are depends on the family.

        Raises
        ------
        DoesNotFit
            The transcript needs more frames than the recording has, or is not what the recording says: what is heard
            is likelier by more than `decoding.most_nats` for each word that differs.
        BadInput
            It has letters the recogniser cannot write.
        """
        words = tuple(transcript.lower().split())
        if self.card.vocabulary is not None and (unknown := sorted(set(words) - set(self.card.vocabulary))):
            raise DoesNotFit(
                f"{self.name} does not know {', '.join(unknown)}; it knows {len(self.card.vocabulary)} words, such as "
                f"{', '.join(self.card.vocabulary[:5])}"
            )
        with torch.no_grad():
            heard = self._encoded(recording)
            found = self.reader.hypotheses(heard)[0].words
            if n_edits := edit_distance(words, found):
                known, other = (self.reader.text_log_prob(heard, text) for text in (words, found))
                if (nats := (other - known) / n_edits) > self.card.decoding.most_nats:
                    said = repr(" ".join(found)) if found else "nothing"
                    raise DoesNotFit(
                        f"the text does not fit the sound: {self.name} hears {said}, likelier by {nats:.1f} nats for "
                        f"each word that differs, where {self.card.decoding.most_nats:g} are allowed; check that text "
                        "and recording belong together"
                    )
            return self.reader.alignment(heard, words)

    def gradient(self, recording: Recording, target: Target, *, at: str = "features") -> NDArray[np.float64]:
        """Return d score / d value at a site, in the shape of that site's activation, by backpropagation.

        `at="waveform"` gives `(n_samples, 1)`, a row for each sample *at the front end's own rate*.

        Raises
        ------
        NotAble
            Edits are open: they are arbitrary functions of arrays.
        BadInput
            There is no such site, or the target's score does not depend on it.
        """
        if self._edited:
            raise NotAble(f"no gradient through edits at {', '.join(self._edited)}; leave the `edited` block first")
        samples = resampled(recording, self.card.shape.front_end.rate_hz).samples
        waves = self._waves([samples])
        with contextlib.ExitStack() as stack:
            if at == "waveform":
                leaves = [waves.requires_grad_(True)]
            else:
                if at not in site_names(self.network)[0]:
                    known = ", ".join(("waveform", *site_names(self.network)[0]))
                    raise BadInput(f"no site {at!r} in the network; it has {known}")
                leaves = stack.enter_context(leaf_at(self.network, at))
            score = self._scores(waves, [samples.size], [target]).sum()
            if not leaves:
                raise BadInput(f"the score of {target.label!r} does not depend on {at}")
            slopes = torch.autograd.grad(score, leaves, allow_unused=True)
        if all(slope is None for slope in slopes):
            raise BadInput(f"the score of {target.label!r} does not depend on {at}")
        rows = torch.cat([torch.zeros_like(a) if b is None else b for a, b in zip(leaves, slopes, strict=True)], 1)
        return (rows[0, :, None] if at == "waveform" else rows[0]).double().numpy()

    def sites(self) -> tuple[Site, ...]:
        """Return the named places inside where activations can be recorded and edited, input first."""
        names, _ = site_names(self.network)
        silence = torch.zeros(1, self.card.shape.front_end.rate_hz)
        with torch.no_grad(), recorded(self.network, names) as seen:
            frames, lengths = self.network.encode(silence.to(self.network.mean.dtype), torch.tensor([silence.shape[1]]))
            if self.card.shape.ctc:
                self.network.ctc_log_probs(frames, lengths)
            if self.card.family != "ctc":
                grid = self.network.grids(silence.shape[1])["encoder"]
                self.reader.scores(frames, lengths, [grid], [Target.utterance("")])
        return tuple(described(name, seen[name].shape[2]) for name in names if name in seen)

    @contextlib.contextmanager
    def edited(self, edits: Mapping[str, Edit]) -> Iterator[EndToEndRecognizer]:
        """While the context is open, apply each edit to `(n_rows, n_units)` at its site, for every utterance.

        A recurrent decoder passes its sites once for each token, one row at a time, in search and in scoring.
        """
        if unknown := [site for site in edits if site not in site_names(self.network)[0]]:
            known = ", ".join(site_names(self.network)[0])
            raise BadInput(f"no site {unknown[0]!r} in the network; it has {known}")
        before, number = self._edited, next(_edit_numbers)
        with edited(self.network, edits):
            self._edited = (*before, *(f"{site} (edit {number})" for site in edits))
            try:
                yield self
            finally:
                self._edited = before

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
            Utterances with `text`, `speaker`, `duration_s` and `recording()`; without `valid`, the last epoch's
            weights are kept.
        plan, recipe
            How to train, and what is done to the sound.
        checkpoint
            A file written after every epoch; when it is there already, training goes on from it.
        progress
            Called with (epochs done, all epochs).
        """
        plan, recipe = plan or TrainingPlan(), recipe or Recipe()
        rate_hz, held_out = self.card.shape.front_end.rate_hz, list(valid)
        sounds = Sounds(corpus, rate_hz)
        task = TASKS[self.card.family](self.card, sounds, Sounds(held_out, rate_hz) if held_out else None, recipe)
        with deterministic(plan.n_threads):
            measure_scale(self.network, task)
        history = train(self.network, task, plan, checkpoint=checkpoint, progress=progress)
        self.network.cpu()
        made = {"seed": plan.seed, "plan": dataclasses.asdict(plan), "recipe": dataclasses.asdict(recipe)}
        self.card = dataclasses.replace(self.card, training={**self.card.training, **made})
        return history

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write weights and card to a folder; `load` and `otoscope.load(folder)` open it. No language model goes in."""
        save_endtoend(self, folder)

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> EndToEndRecognizer:
        """Open what `save` wrote; raises `CorruptWeights` where the weights are not those of the card."""
        return cls(*load_endtoend(folder))

    def _waves(self, waveforms: Sequence[NDArray[np.float32]]) -> Tensor:
        return torch.from_numpy(padded(waveforms)).to(self.network.mean.dtype)

    def _encoded(self, recording: Recording) -> Encoded:
        samples = resampled(recording, self.card.shape.front_end.rate_hz).samples
        frames, lengths = self.network.encode(self._waves([samples]), torch.tensor([samples.size]))
        return Encoded(frames, lengths, self.network.grids(samples.size)["encoder"], recording.duration_s)
