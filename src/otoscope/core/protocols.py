"""What a recogniser, an explainer, a listener and a renderer must be able to do.

Every recogniser has `trace` and `score`; `score` alone is enough for every black-box explainer. The further abilities
are one-method protocols, tested with `isinstance`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from otoscope.core.attribution import Attribution
from otoscope.core.hypothesis import Target
from otoscope.core.measurements import Emissions, Site, SiteScores
from otoscope.core.panel import Panel
from otoscope.core.percept import Percept
from otoscope.core.recording import Recording
from otoscope.core.timeline import Alignment
from otoscope.core.trace import Provenance, Trace

Progress = Callable[[int, int], None]
"""Called with (done, total) as long work goes on; must not be assumed to be called at all."""


@runtime_checkable
class Recognizer(Protocol):
    """Turns recordings into Traces, and scores targets in changed recordings."""

    @property
    def name(self) -> str:
        """Name in the registry."""
        ...

    @property
    def provenance(self) -> Provenance:
        """Version, weights and parameters: two recognisers of equal provenance give equal answers."""
        ...

    def trace(self, recording: Recording, *, record: Sequence[str] = ()) -> Trace:
        """Recognise one recording; `record` names optional parts or sites to keep in the Trace."""
        ...

    def score(
        self, recordings: Sequence[Recording], targets: Sequence[Target], *, progress: Progress | None = None
    ) -> NDArray[np.float64]:
        """Return natural-log scores `(n_recordings, n_targets)`; one pass over the recordings serves all targets."""
        ...


@runtime_checkable
class Trainable(Protocol):
    """Learns from utterances."""

    def fit(self, corpus: Iterable[Any]) -> Any:
        """Train on the utterances of a corpus; returns the training history."""
        ...


@runtime_checkable
class Aligning(Protocol):
    """Finds a known transcript in a recording."""

    def align(self, recording: Recording, transcript: str) -> Alignment:
        """Return where each word and phone of `transcript` lies; `DoesNotFit` when it cannot be there."""
        ...


@runtime_checkable
class Streaming(Protocol):
    """Recognises while the sound arrives."""

    def stream(self, chunks: Iterable[NDArray[np.float32]]) -> Iterator[Trace]:
        """Yield a growing Trace as chunks of samples come in, at `stream_rate_hz` where there is such an attribute."""
        ...


@runtime_checkable
class Differentiable(Protocol):
    """Gives the gradient of a target's score."""

    def gradient(self, recording: Recording, target: Target, *, at: str = "features") -> NDArray[np.float64]:
        """Return d score / d value at a site, in the shape of that site's activation."""
        ...


@runtime_checkable
class Substituting(Protocol):
    """Tells how targets would score if something else stood at a site."""

    def score_at(
        self,
        recording: Recording,
        targets: Sequence[Target],
        values: NDArray[Any],
        *,
        at: str = "features",
        slopes: bool = False,
    ) -> SiteScores:
        """Return the scores with each of `values` `(n_values, n_rows, n_units)` in place of what passes the site `at`.

        `at="waveform"` takes `(n_values, n_samples, 1)` at the front end's own rate.
        """
        ...


@runtime_checkable
class Randomizable(Protocol):
    """Gives up what it learnt, to see whether an explanation notices (Adebayo et al. 2018)."""

    def with_random_weights(self, *, seed: int, share: float = 1.0) -> Recognizer:
        """Return a recogniser of the same kind whose learnt weights are shuffled; this one stays as it is.

        The `share` of layers nearest to the output is shuffled, all of them by default.
        """
        ...


@runtime_checkable
class Searching(Protocol):
    """Looks for the best text among many and leaves some out on the way."""

    @property
    def weighs_language(self) -> bool:
        """Whether it decides with a language model that `score` leaves out."""
        ...

    def with_wider_search(self, factor: float) -> Recognizer:
        """Return the same recogniser with a search that leaves less out: beams are `factor` times as wide."""
        ...


Edit = Callable[[NDArray[Any]], NDArray[Any]]
"""A change at a site: takes `(n_frames, n_units)`, returns the same shape."""


@runtime_checkable
class Intervenable(Protocol):
    """Lets a caller change what happens inside."""

    def sites(self) -> tuple[Site, ...]:
        """Return the named places, input first."""
        ...

    def edited(self, edits: Mapping[str, Edit]) -> AbstractContextManager[Any]:
        """While the context is open, apply each edit at its site; hooks leave in `finally`."""
        ...


class Explainer(Protocol):
    """Explains one target of one recording."""

    def __call__(self, recognizer: Recognizer, recording: Recording, target: Target) -> Attribution:
        """Return the attribution."""
        ...


class Listener(Protocol):
    """Simulates a person who hears."""

    def __call__(self, heard: Emissions | Recording) -> Percept:
        """Return the percept."""
        ...


class Renderer(Protocol):
    """Draws a Panel."""

    def __call__(self, panel: Panel) -> Any:
        """Return a figure or markup."""
        ...
