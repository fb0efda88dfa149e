"""An end-to-end recogniser whose inside is open: sound in, letters or subwords out, by CTC, attention or transducer."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from otoscope.core import Alignment, BadInput, Provenance, Recording, Site, Target, Trace
from otoscope.core.protocols import Edit, Progress
from otoscope.lexicon.ngram.automaton import BackoffAutomaton
from otoscope.nets.examples import padded
from otoscope.nets.open_edits import OpenEdits
from otoscope.nets.speech_network import SpeechNetwork
from otoscope.nets.training import History, TrainingPlan
from otoscope.nets.weights import shuffled
from otoscope.recognizers.endtoend.batching import Recipe
from otoscope.recognizers.endtoend.card import EndToEndCard
from otoscope.recognizers.endtoend.files import load_endtoend, save_endtoend
from otoscope.recognizers.endtoend.fusion import Fusion, Lexicon, NextScores
from otoscope.recognizers.endtoend.hearing import Encoded, Reader, check_said
from otoscope.recognizers.endtoend.inside import gradient_at, inside, missing_parts, sites_that_fire, wanted_sites
from otoscope.recognizers.endtoend.passes import passes_through
from otoscope.recognizers.endtoend.readers import reader_of
from otoscope.recognizers.endtoend.scoring import provenance_of, scored
from otoscope.recognizers.endtoend.sites import site_names
from otoscope.recognizers.endtoend.spelling import SpelledDecoder, checked_vocabulary
from otoscope.recognizers.endtoend.streaming import traces_of
from otoscope.recognizers.endtoend.tasks import fit_network
from otoscope.recognizers.substituting import ScoresAtSites
from otoscope.signal.resampling import resampled


class EndToEndRecognizer(ScoresAtSites):
    """`Trainable`, `Aligning`, `Differentiable`, `Intervenable` and `Substituting`, whatever its family.

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
        self.spelled: SpelledDecoder | None = None
        self._lexicon: Lexicon | None = None
        self.language_model: dict[str, Any] = {}
        self.open_edits = OpenEdits(self.network)

    def __new__(cls, card: EndToEndCard, *args: Any, **kwargs: Any) -> EndToEndRecognizer:
        """Return one that streams where the card says so."""
        if cls is EndToEndRecognizer and card.shape.encoder.streaming and card.family != "attention":
            return super().__new__(StreamingRecognizer)
        return super().__new__(cls)

    @property
    def name(self) -> str:
        """Name in Traces."""
        return self.card.name

    @property
    def reader(self) -> Reader:
        """How its family reads the encoded sound."""
        return reader_of(self.card, self.network, self._language)

    @property
    def _language(self) -> NextScores | SpelledDecoder | None:
        if self.card.vocabulary is None or self.spelled is not None:
            return self.spelled or self.fusion
        if self._lexicon is None:
            self._lexicon = Lexicon(self.card.vocabulary, self.card.tokens, self.fusion)
        return self._lexicon

    @property
    def provenance(self) -> Provenance:
        """Version, hash of the weights as they are now, and the card; language model and open edits are named."""
        return provenance_of(self)

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
        other.language_model = {"unit": unit, "weight": weight, "bonus": bonus, "n_words": len(model.words)}
        return other

    def with_vocabulary(
        self, words: Iterable[str] | None, lm: BackoffAutomaton | None = None, **search: Any
    ) -> EndToEndRecognizer:
        """Return the same recogniser that hears strings of these words only; `None` lets it hear anything.

        With an n-gram model of words, CTC letters are searched through a lexical tree, fit for large vocabularies;
        `search` are the settings of `spelling.SpelledDecoder`.

        Raises
        ------
        BadInput
            There is no word, one has a letter that cannot be written, or `lm` is given to another family or subwords.
        """
        vocabulary = checked_vocabulary(words, self.card.tokens)
        other = self._changed(vocabulary=vocabulary)
        other.spelled = None
        if lm is not None and vocabulary is not None:
            if self.card.family != "ctc":
                raise BadInput(f"{self.name} is no CTC recogniser; give it the model by `fused`")
            other.spelled = SpelledDecoder(vocabulary, self.card.tokens, lm, **search)
            other.language_model = {"unit": "word", "n_words": len(lm.words), **search}
        return other

    def with_decoding(self, **changes: Any) -> EndToEndRecognizer:
        """Return the same recogniser with another beam or other weights; see `card.Decoding.changed`."""
        return self._changed(decoding=self.card.decoding.changed(**changes))

    def with_random_weights(self, *, seed: int, share: float = 1.0) -> EndToEndRecognizer:
        """Return a recogniser of the same kind whose weights are shuffled; see `otoscope.nets.weights.shuffled`."""
        self.open_edits.refuse_copy()
        return self._changed(shuffled(self.network, seed=seed, share=share))

    @property
    def weighs_language(self) -> bool:
        """Whether it decides with a language model that `score` leaves out."""
        return self.language_model is not None or self.spelled is not None

    def with_wider_search(self, factor: float) -> EndToEndRecognizer:
        """Return the same recogniser with a beam `factor` times as wide."""
        return self.with_decoding(beam=math.ceil(factor * self.card.decoding.beam))

    def _changed(self, network: SpeechNetwork | None = None, **changes: Any) -> EndToEndRecognizer:
        other = type(self)(dataclasses.replace(self.card, **changes), network or self.network)
        other.fusion, other.language_model, other.spelled = self.fusion, self.language_model, self.spelled
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
        sites = wanted_sites(self, record)
        with torch.no_grad():
            heard = self.encoded(recording)
            found = self.reader.hypotheses(heard)
            parts: dict[str, Any] = {"alignment": self.reader.alignment(heard, found[0].words)}
            if sites:
                parts |= inside(self, recording, found[0].words, sites, features="features" in record)
            for name in ("emissions", "steps"):
                if name in record and (rows := getattr(self.reader, name)(heard, found[0].words)) is not None:
                    parts[name] = rows
        return Trace(recording, found, self.provenance, parts, missing_parts(self.card, self.network))

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
        return scored(self, recordings, targets, progress)

    def scores_of(self, waves: Tensor, n_samples: Sequence[int], targets: Sequence[Target]) -> Tensor:
        """Return differentiable scores `(n, n_targets)` of zero-padded waves `(n, n_samples)`."""
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
        with torch.no_grad():
            heard = self.encoded(recording)
            check_said(self.reader, self.card, heard, words)
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
        self.open_edits.refuse_gradient()
        return gradient_at(self, recording, target, at)

    passes = passes_through

    def sites(self) -> tuple[Site, ...]:
        """Return the named places inside where activations can be recorded and edited, input first."""
        return sites_that_fire(self)

    @contextlib.contextmanager
    def edited(self, edits: Mapping[str, Edit]) -> Iterator[EndToEndRecognizer]:
        """While the context is open, apply each edit to `(n_rows, n_units)` at its site, for every utterance.

        Attention weights are edited as `(n_heads, n_queries, n_keys)`. A recurrent decoder passes its sites once for
        each token, one row at a time, in search and in scoring.
        """
        names = [name for kind in site_names(self.network) for name in kind]
        if unknown := [site for site in edits if site not in names]:
            raise BadInput(f"no site {unknown[0]!r} in the network; it has {', '.join(names)}")
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
        history = fit_network(self.network, self.card, (corpus, valid), (plan, recipe), (checkpoint, progress))
        made = {"seed": plan.seed, "plan": dataclasses.asdict(plan), "recipe": dataclasses.asdict(recipe)}
        self.card = dataclasses.replace(self.card, training={**self.card.training, **made})
        return history

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write weights and card to a folder; `load` and `otoscope.load(folder)` open it. No language model goes in."""
        save_endtoend(self.card, self.network, folder)

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> EndToEndRecognizer:
        """Open what `save` wrote; raises `CorruptWeights` where the weights are not those of the card."""
        return cls(*load_endtoend(folder))

    def waves(self, waveforms: Sequence[NDArray[np.float32]]) -> Tensor:
        """Return waveforms at the front end's rate as one zero-padded tensor."""
        return torch.from_numpy(padded(waveforms)).to(self.network.mean.dtype)

    def encoded(self, recording: Recording) -> Encoded:
        """Return what the encoder makes of a recording."""
        samples = resampled(recording, self.card.shape.front_end.rate_hz).samples
        frames, lengths = self.network.encode(self.waves([samples]), torch.tensor([samples.size]))
        return Encoded(frames, lengths, self.network.grids(samples.size)["encoder"], recording.duration_s)


class StreamingRecognizer(EndToEndRecognizer):
    """An `EndToEndRecognizer` that hears while the sound arrives: CTC or transducer on a streaming encoder."""

    @property
    def stream_rate_hz(self) -> int:
        """Rate of the samples that `stream` takes: the front end's own."""
        return self.card.shape.front_end.rate_hz

    def stream(self, chunks: Iterable[NDArray[np.float32]]) -> Iterator[Trace]:
        """Yield a growing Trace after each chunk of samples at `stream_rate_hz`, of any length, to the last of all.

        Partial texts are the best path so far (CTC) or the best of the beam so far (transducer). The last Trace has the
        texts of `trace` on the whole recording.
        """
        return traces_of(self, chunks)
