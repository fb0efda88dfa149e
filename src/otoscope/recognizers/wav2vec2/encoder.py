"""A checkpoint without a head (HuBERT, WavLM, XLS-R, wav2vec 2.0 base): no text, but everything inside, for probing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from otoscope.core import NotAble, Provenance, Recording, Site, Target, Trace
from otoscope.core.protocols import Edit, Progress
from otoscope.nets.open_edits import OpenEdits
from otoscope.recognizers.checkpoints.folder import Checkpoint
from otoscope.recognizers.wav2vec2.chunking import Chunking
from otoscope.recognizers.wav2vec2.inside import missing_parts, sites_that_fire, wanted
from otoscope.recognizers.wav2vec2.network import SpeechEncoder
from otoscope.recognizers.wav2vec2.provenance import Settings, provenance_of
from otoscope.recognizers.wav2vec2.tracing import traced


class Wav2Vec2Encoder:
    """`Recognizer` that hears no words, and `Intervenable`: a model of representations.

    Its Traces hold one hypothesis without words, and on request features, activations and attention.
    """

    def __init__(self, checkpoint: Checkpoint, network: SpeechEncoder, chunking: Chunking | None = None) -> None:
        self.checkpoint, self.network = checkpoint, network
        self.settings = Settings(chunking=chunking or Chunking())
        self.open_edits = OpenEdits(network.places)

    @property
    def name(self) -> str:
        """Name in Traces."""
        return self.checkpoint.name

    @property
    def provenance(self) -> Provenance:
        """Version, hash of the weights, and all settings; open edits are named."""
        return provenance_of(self.checkpoint, self.network, self.open_edits, self.settings)

    def trace(self, recording: Recording, *, record: Sequence[str] | str = ()) -> Trace:
        """Pass a recording through, and keep what is asked for.

        Parameters
        ----------
        recording
            Of any rate and length.
        record
            Of "features", "activations", "attentions" (all sites) and single site names.
        """
        want, chunking = wanted(self.network, record), self.settings.chunking
        hypotheses, parts = traced(self.network, None, recording, want, chunking)
        n_samples = round(recording.duration_s * self.network.rate_hz)
        missing = missing_parts(self.network, want, n_samples, chunking=chunking)
        return Trace(recording, hypotheses, self.provenance, parts, missing)

    def score(
        self, recordings: Sequence[Recording], targets: Sequence[Target], *, progress: Progress | None = None
    ) -> NDArray[np.float64]:
        """Raise `NotAble`: without a head there are no words to score."""
        raise NotAble(
            f"{self.name} is an encoder without a head, so it cannot score words; probe its activations, fine-tune it "
            "(otoscope train wav2vec2 --from FOLDER), or open a …ForCTC checkpoint"
        )

    def sites(self) -> tuple[Site, ...]:
        """Return the named places inside where activations can be recorded and edited, input first."""
        found = sites_that_fire(self.network)
        return tuple(found[name] for name in self.network.places.activations)

    def attention_sites(self) -> tuple[Site, ...]:
        """Return the named places of attention weights; none under sdpa."""
        return tuple(self.network.places.site(name) for name in self.network.places.attentions)

    @contextlib.contextmanager
    def edited(self, edits: Mapping[str, Edit]) -> Iterator[Wav2Vec2Encoder]:
        """While the context is open, apply each edit to `(n_rows, n_units)` at its site, for every utterance."""
        with self.open_edits.opened(edits):
            yield self
