"""What each layer has heard: the recogniser's own decoder reads layer k in the place of the last one.

nostalgebraist (2020), the logit lens; Langedijk et al. (2023), DecoderLens; for CTC the same with the CTC output. A
text that comes out was there to be read. That none comes out says little: a layer may know a word in a way that what
lies behind the last layer cannot read.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, NotAble, Recognizer, Recording, Trace
from otoscope.core.protocols import Edit, Progress
from otoscope.decoding.edit_distance import align_words
from otoscope.explainers.layers.sites import check_sites, last_layer, layer_sites, opened
from otoscope.lexicon.normalization import normalize_words

SHUFFLED = "(units in random order)"
"""Name of the control: the last layer's values with its units exchanged, the same in number and size, but senseless."""

N_CONTROLS = 3
"""Orders of units that are tried."""


@dataclass(frozen=True)
class LayerHearing:
    """What came out where the decoder read this layer; `confidence` is the mean of its words', if there is any."""

    site: str
    text: str
    confidence: float | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """The words, normalised."""
        return normalize_words(self.text)


@dataclass(frozen=True)
class Hearings:
    """What was heard from each layer, in order; the last is the one the decoder always reads.

    Parameters
    ----------
    layers
        One for each layer that has the last one's shape.
    final
        What the recogniser hears untouched.
    controls
        What the decoder says where the units of the last layer are in random order, for each of `N_CONTROLS` orders.
    left_out
        Layers that the decoder cannot read, and why.
    """

    layers: tuple[LayerHearing, ...]
    final: LayerHearing
    controls: tuple[LayerHearing, ...]
    left_out: Mapping[str, str]


@dataclass(frozen=True)
class WordPath:
    """One word of the reference on its way through the layers.

    Parameters
    ----------
    position, word
        Which word of the reference.
    right_at
        Layers from which it was heard.
    heard_at_end
        What was heard in its place untouched; "" for nothing.
    """

    position: int
    word: str
    right_at: tuple[str, ...]
    heard_at_end: str

    @property
    def right_at_end(self) -> bool:
        """Whether the recogniser has it right."""
        return self.heard_at_end == self.word

    @property
    def first_right(self) -> str | None:
        """The first layer from which it was heard."""
        return self.right_at[0] if self.right_at else None

    @property
    def right_until(self) -> str | None:
        """The last layer from which it was heard."""
        return self.right_at[-1] if self.right_at else None

    @property
    def is_regressive(self) -> bool:
        """Whether a layer had it right and the recogniser has it wrong."""
        return bool(self.right_at) and not self.right_at_end


def hearings(
    recognizer: Recognizer,
    recording: Recording,
    *,
    sites: Sequence[str] | None = None,
    into: str | None = None,
    final: Trace | None = None,
    n_controls: int = N_CONTROLS,
    seed: int = 0,
    progress: Progress | None = None,
) -> Hearings:
    """Let the recogniser's decoder read each layer in the place of the last.

    What passes a layer is put there as it comes, piece by piece where the recording is heard in several, so nothing but
    the piece at hand is held.

    Parameters
    ----------
    recognizer
        One whose inside is open.
    recording
        What it hears.
    sites
        Layers to read, in order; by default all of `layer_sites`.
    into
        The site in whose place they are put; by default the last layer.
    final
        What is heard untouched, where that is known already.
    n_controls, seed
        Orders of units that are tried as a control, and the seed of their draw. With none, the last layer's own values
        are not put back either: it stands for what is heard untouched.
    progress
        Called with (layers read, all).

    Raises
    ------
    NotAble
        The recogniser has no sites, or nothing passes the one that layers are put into.
    BadInput
        It has no such site.
    """
    known = layer_sites(recognizer)
    into = into or last_layer(known)
    names = [name for name in (known if sites is None else sites) if name != into]
    check_sites(recognizer, [*names, into])
    untouched = _heard("(untouched)", recognizer.trace(recording) if final is None else final)
    if n_controls:
        own = _heard_from(recognizer, recording, into, Relay(into, into))
    else:
        own = replace(untouched, site=into)
    found, left_out = [], {}
    for done, name in enumerate(names, start=1):
        try:
            found.append(_heard_from(recognizer, recording, name, Relay(name, into)))
        except _Misfit as misfit:
            left_out[name] = str(misfit)
        if progress is not None:
            progress(done, len(names))
    rng = np.random.default_rng(seed)
    mixed = [Relay(into, into, np.random.default_rng(rng.integers(2**32))) for _ in range(n_controls)]
    controls = tuple(_heard_from(recognizer, recording, SHUFFLED, relay) for relay in mixed)
    return Hearings((*found, own), untouched, controls, left_out)


def word_paths(reference: Sequence[str], heard: Hearings) -> tuple[WordPath, ...]:
    """Return the way of each word of the reference through the layers; words are aligned by edit distance."""
    at_end = _in_place_of(reference, heard.final.words)
    by_layer = {layer.site: _in_place_of(reference, layer.words) for layer in heard.layers}
    return tuple(
        WordPath(i, word, tuple(site for site, found in by_layer.items() if found[i] == word), at_end[i])
        for i, word in enumerate(reference)
    )


def _in_place_of(reference: Sequence[str], heard: Sequence[str]) -> list[str]:
    """Return what was heard in the place of each word of the reference; "" for nothing."""
    found = [""] * len(reference)
    for step in align_words(reference, heard).operations:
        if step.reference_index is not None and step.hypothesis_index is not None:
            found[step.reference_index] = heard[step.hypothesis_index]
    return found


class _Misfit(BadInput):
    """A layer cannot stand in the place of another; says why."""


class Relay:
    """Two edits that hand what passes one site on to another, behind it, piece by piece.

    Parameters
    ----------
    source, into
        The sites; the same one hands its own values back.
    rng
        Puts the units of `into` in an order drawn once, where it is given.
    """

    def __init__(self, source: str, into: str, rng: np.random.Generator | None = None) -> None:
        self.source, self.into, self.rng = source, into, rng
        self.waiting: deque[NDArray[Any]] = deque()
        self.n_handed = 0
        self.order: NDArray[np.int64] | None = None

    def edits(self) -> dict[str, Edit]:
        """Return the edits to open."""
        return {self.into: self.put} if self.source == self.into else {self.source: self.keep, self.into: self.put}

    def keep(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Remember what passes the source."""
        self.waiting.append(rows.copy())
        return rows

    def put(self, before: NDArray[Any]) -> NDArray[Any]:
        """Return what stands at the source, for what passes `into`."""
        self.n_handed += 1
        if self.source == self.into:
            return before if self.rng is None else before[:, self._order(before.shape[1])]
        if not self.waiting:
            raise _Misfit(f"nothing passes it before {self.into}")
        rows = self.waiting.popleft()
        if rows.shape[1] != before.shape[1]:
            raise _Misfit(f"{rows.shape[1]} units a frame, where {self.into} has {before.shape[1]}")
        if len(rows) != len(before):
            raise _Misfit(f"{len(rows)} frames, where {self.into} has {len(before)}")
        return rows.astype(before.dtype)

    def _order(self, n_units: int) -> NDArray[np.int64]:
        if self.order is None:
            assert self.rng is not None
            self.order = self.rng.permutation(n_units)
        return self.order

    def check(self, recognizer: Recognizer) -> None:
        """Raise unless all that passed the source was handed on."""
        if not self.n_handed:
            raise NotAble(f"nothing passes {self.into} of {recognizer.name}; choose another site to put layers into")
        if self.waiting:
            raise _Misfit(f"it is passed more often than {self.into}")


def _heard_from(recognizer: Recognizer, recording: Recording, name: str, relay: Relay) -> LayerHearing:
    with opened(recognizer).edited(relay.edits()):
        heard = _heard(name, recognizer.trace(recording))
    relay.check(recognizer)
    return heard


def _heard(name: str, trace: Trace) -> LayerHearing:
    sure = trace.alignment.text_confidence if trace.has("alignment") else None
    return LayerHearing(name, trace.text, float(np.mean(sure)) if sure else None)
