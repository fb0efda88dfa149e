"""A CTC checkpoint of the wav2vec 2.0 family whose inside is open: sound in, letters or phones out."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from otoscope.core import Alignment, NotAble, Provenance, Recording, Site, Target, Trace
from otoscope.core.protocols import Edit, Progress
from otoscope.lexicon.ngram.automaton import BackoffAutomaton
from otoscope.nets.open_edits import OpenEdits
from otoscope.nets.substitution import Passes
from otoscope.nets.weights import shuffled
from otoscope.recognizers.checkpoints.folder import Checkpoint
from otoscope.recognizers.substituting import ScoresAtSites
from otoscope.recognizers.wav2vec2.hearing import check_said, heard, scored
from otoscope.recognizers.wav2vec2.inside import gradient_at, missing_parts, passes_through, sites_that_fire, wanted
from otoscope.recognizers.wav2vec2.language import Language, fused, restricted
from otoscope.recognizers.wav2vec2.loading import languages_of, with_adapter
from otoscope.recognizers.wav2vec2.network import SpeechEncoder
from otoscope.recognizers.wav2vec2.provenance import Settings, provenance_of
from otoscope.recognizers.wav2vec2.reading import Reader
from otoscope.recognizers.wav2vec2.symbols import Symbols, symbols_of
from otoscope.recognizers.wav2vec2.tokenizer import open_tokenizer
from otoscope.recognizers.wav2vec2.tracing import traced


class Wav2Vec2Recognizer(ScoresAtSites):
    """`Aligning`, `Differentiable`, `Intervenable` and `Substituting`: any CTC checkpoint of the wav2vec 2.0 family.

    A score is log P(the frames of a word's place read it, between its neighbours | sound), as in every CTC recogniser
    here; see `otoscope.nets.lattice`. Sound of any rate is resampled to the network's own; times are those of the
    recording given. Words are spelled as the checkpoint's own tokenizer spells them, in upper case where that does.

    A recording longer than `chunk_s` goes through the network in chunks with context, as transformers' pipeline does
    with `chunk_length_s` and `stride_length_s`, and is read stretch by stretch: there is one hypothesis then, and no
    attention. With `record="text"` nothing else is kept, so memory does not grow with the recording.
    """

    def __init__(
        self, checkpoint: Checkpoint, network: SpeechEncoder, symbols: Symbols, settings: Settings | None = None
    ) -> None:
        self.checkpoint, self.network, self.symbols = checkpoint, network, symbols
        self.settings = settings or Settings()
        self.reader = Reader(symbols, self.settings.decoding, self.settings.knowledge.search(symbols))
        self.open_edits = OpenEdits(network.places)

    @property
    def name(self) -> str:
        """Name in Traces."""
        return self.checkpoint.name

    @property
    def provenance(self) -> Provenance:
        """Version, hash of the weights, and all settings; language model and open edits are named."""
        return provenance_of(self.checkpoint, self.network, self.open_edits, self.settings)

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that the checkpoint has adapters for, by their codes; none where it has no adapters."""
        return languages_of(self.checkpoint)

    def _changed(self, **changes: Any) -> Wav2Vec2Recognizer:
        settings = dataclasses.replace(self.settings, **changes)
        return type(self)(self.checkpoint, self.network, self.symbols, settings)

    def fused(
        self,
        model: BackoffAutomaton,
        *,
        unit: Literal["word", "token"] = "word",
        weight: float = 0.5,
        bonus: float = 0.0,
    ) -> Wav2Vec2Recognizer:
        """Return the same recogniser with an n-gram model in its beam search (shallow fusion).

        Parameters
        ----------
        model
            Over words, in lower case where the checkpoint writes one case only, or over tokens.
        unit, weight, bonus
            As in `otoscope.recognizers.endtoend.fusion.Fusion`.

        Raises
        ------
        BadInput
            There is no such unit, or the words are to be those of a checkpoint that writes phones.
        """
        known = self.settings.knowledge
        return self._changed(knowledge=fused(known, self.symbols, model, unit=unit, weight=weight, bonus=bonus))

    def with_vocabulary(
        self, words: Iterable[str] | None, lm: BackoffAutomaton | None = None, **search: Any
    ) -> Wav2Vec2Recognizer:
        """Return the same recogniser that hears strings of these words only; `None` lets it hear anything.

        With an n-gram model of words the search goes through a lexical tree, fit for large vocabularies; `search` are
        the settings of `otoscope.recognizers.endtoend.spelling.SpelledDecoder`.

        Raises
        ------
        BadInput
            There is no word, one cannot be written, or the checkpoint does not write letters with a mark between words.
        """
        return self._changed(knowledge=restricted(self.settings.knowledge, self.symbols, words, lm, **search))

    def with_decoding(self, **changes: Any) -> Wav2Vec2Recognizer:
        """Return the same recogniser with another search; see `decoding.Decoding`."""
        return self._changed(decoding=self.settings.decoding.changed(**changes))

    def with_random_weights(self, *, seed: int, share: float = 1.0) -> Wav2Vec2Recognizer:
        """Return a recogniser of the same kind whose weights are shuffled; see `otoscope.nets.weights.shuffled`."""
        self.open_edits.refuse_copy()
        old = self.network
        model = shuffled(old.model, seed=seed, share=share)
        network = SpeechEncoder(model, old.extractor, weights=old.weights, precision=old.precision)
        settings = dataclasses.replace(
            self.settings, weights=f"shuffled by seed {seed}, share {share:g} from the output"
        )
        return type(self)(self.checkpoint, network, self.symbols, settings)

    @property
    def weighs_language(self) -> bool:
        """Whether it decides with a language model that `score` leaves out."""
        return bool(self.settings.knowledge.said)

    def with_wider_search(self, factor: float) -> Wav2Vec2Recognizer:
        """Return the same recogniser that searches a beam `factor` times as wide, where it was greedy too."""
        return self.with_decoding(search="beam", beam=math.ceil(factor * self.settings.decoding.beam))

    def with_language(self, language: str) -> Wav2Vec2Recognizer:
        """Return a recogniser of another language of the same checkpoint, which shares all but its adapter and letters.

        Raises
        ------
        UnknownName
            The checkpoint has no adapter of this language.
        BadInput
            It has no adapters at all.
        NotAble
            Edits are open.
        """
        if self.open_edits.names:
            raise NotAble(f"no other language while edits are open at {', '.join(self.open_edits.names)}")
        network = with_adapter(self.network, self.checkpoint, language)
        symbols = symbols_of(open_tokenizer(self.checkpoint, language), network.head.out_features)
        settings = dataclasses.replace(self.settings, language=language, knowledge=Language())
        return type(self)(self.checkpoint, network, symbols, settings)

    def trace(self, recording: Recording, *, record: Sequence[str] | str = ()) -> Trace:
        """Recognise one recording.

        Parameters
        ----------
        recording
            Of any rate and length.
        record
            Of "features", "emissions", "activations", "attentions" (all sites) and single site names; "text" alone
            leaves out even the times.
        """
        want = wanted(self.network, record)
        chunking = self.settings.chunking
        hypotheses, parts = traced(self.network, self.reader, recording, want, chunking)
        n_samples = round(recording.duration_s * self.network.rate_hz)
        missing = missing_parts(self.network, want, n_samples, chunking=chunking)
        return Trace(recording, hypotheses, self.provenance, parts, missing)

    def score(
        self, recordings: Sequence[Recording], targets: Sequence[Target], *, progress: Progress | None = None
    ) -> NDArray[np.float64]:
        """Return `(n_recordings, n_targets)` log scores in nats; recordings of one length share a pass.

        Each is a pure function of its recording and target: batching changes nothing beyond rounding.

        Raises
        ------
        BadInput
            A target lies outside a recording or has a letter that cannot be written.
        DoesNotFit
            A target needs more frames than its place has.
        """
        chunking = self.settings.chunking
        return scored(self.network, self.reader, recordings, targets, chunking=chunking, progress=progress)

    def align(self, recording: Recording, transcript: str) -> Alignment:
        """Return where each word and token of `transcript` lies: raw CTC times.

        Raises
        ------
        DoesNotFit
            The transcript needs more frames than the recording has, or is not what the recording says: what is heard
            is likelier by more than `decoding.most_nats` for each word that differs.
        BadInput
            It has letters the checkpoint cannot write.
        """
        sound = heard(self.network, recording, self.settings.chunking)
        spelled = self.reader.known_words(transcript.split())
        check_said(self.reader, self.name, sound, spelled.words)
        return self.reader.alignment(sound, spelled)

    def gradient(self, recording: Recording, target: Target, *, at: str = "features") -> NDArray[np.float64]:
        """Return d score / d value at a site, in the shape of that site's activation, by backpropagation.

        `at="waveform"` gives `(n_samples, 1)`, a row for each sample *at the network's own rate*, before it is scaled.

        Raises
        ------
        NotAble
            Edits are open: they are arbitrary functions of arrays.
        BadInput
            There is no such site, or the target's score does not depend on it.
        """
        self.open_edits.refuse_gradient()
        return gradient_at(self.network, self.reader, recording, target, at)

    def passes(self, recording: Recording, targets: Sequence[Target]) -> Passes:
        """Return how targets are scored, step by step (`otoscope.recognizers.substituting`)."""
        return passes_through(self.network, self.reader, recording, targets, self.settings.chunking)

    def sites(self) -> tuple[Site, ...]:
        """Return the named places inside where activations can be recorded and edited, input first."""
        found = sites_that_fire(self.network)
        return tuple(found[name] for name in self.network.places.activations)

    def attention_sites(self) -> tuple[Site, ...]:
        """Return the named places of attention weights, which can be recorded and edited too; none under sdpa."""
        return tuple(self.network.places.site(name) for name in self.network.places.attentions)

    @contextlib.contextmanager
    def edited(self, edits: Mapping[str, Edit]) -> Iterator[Wav2Vec2Recognizer]:
        """While the context is open, apply each edit to `(n_rows, n_units)` at its site, for every utterance.

        At a site of attention weights an edit takes and returns `(n_heads, n_queries, n_keys)`.
        """
        with self.open_edits.opened(edits):
            yield self
