"""What each layer has heard: the recogniser's own decoder reads layer k in the place of the last one.

nostalgebraist (2020), the logit lens; Langedijk et al. (2023), DecoderLens; for CTC the same with the CTC output. A
text that comes out was there to be read. That none comes out says little: a layer may know a word in a way that what
lies behind the last layer cannot read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import Activation, BadInput, NotAble, Recognizer, Recording, Trace
from otoscope.core.protocols import Edit, Progress
from otoscope.decoding.edit_distance import align_words
from otoscope.explainers.layers.sites import last_layer, layer_sites, layers_of, opened
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
    seed: int = 0,
    progress: Progress | None = None,
) -> Hearings:
    """Let the recogniser's decoder read each layer in the place of the last.

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
    seed
        Of the control's order of units.
    progress
        Called with (layers read, all).

    Raises
    ------
    NotAble
        The recogniser has no sites, or its last layer has no row a frame.
    BadInput
        It has no such site, or hears the recording in several pieces.
    """
    known = layer_sites(recognizer)
    into = into or last_layer(known)
    names = [name for name in (known if sites is None else sites) if name != into]
    seen = layers_of(recognizer, recording, [*names, into])
    if into not in seen:
        raise NotAble(f"{into} of {recognizer.name} has no row a frame; choose another site to put layers into")
    goal = seen[into]
    reasons = {name: _misfit(seen.get(name), goal, into) for name in names}
    fitting = [*(name for name in names if not reasons[name]), into]
    found = []
    for name in fitting:
        found.append(_heard_from(recognizer, recording, name, into, seen[name].values))
        if progress is not None:
            progress(len(found), len(fitting))
    rng = np.random.default_rng(seed)
    senseless = [rng.permutation(goal.values, axis=1) for _ in range(N_CONTROLS)]
    controls = tuple(_heard_from(recognizer, recording, SHUFFLED, into, values) for values in senseless)
    final = _heard("(untouched)", recognizer.trace(recording))
    return Hearings(tuple(found), final, controls, {name: why for name, why in reasons.items() if why})


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


def _misfit(layer: Activation | None, goal: Activation, into: str) -> str:
    """Return why a layer cannot stand in the place of another; "" where it can."""
    if layer is None:
        return "has no row a frame"
    if layer.values.shape[1] != goal.values.shape[1]:
        return f"{layer.values.shape[1]} units a frame, where {into} has {goal.values.shape[1]}"
    if layer.values.shape[0] != goal.values.shape[0]:
        return f"{layer.values.shape[0]} frames, where {into} has {goal.values.shape[0]}"
    return ""


def _heard_from(
    recognizer: Recognizer, recording: Recording, name: str, into: str, values: NDArray[Any]
) -> LayerHearing:
    with opened(recognizer).edited({into: _instead(values, into)}):
        return _heard(name, recognizer.trace(recording))


def _instead(values: NDArray[Any], into: str) -> Edit:
    def edit(frames: NDArray[Any]) -> NDArray[Any]:
        if frames.shape != values.shape:
            raise BadInput(
                f"{into} passed {frames.shape} where {values.shape} was recorded: the recording is heard in several "
                "pieces; give one that is short enough to be heard at once"
            )
        return np.array(values, dtype=frames.dtype)

    return edit


def _heard(name: str, trace: Trace) -> LayerHearing:
    sure = trace.alignment.text_confidence if trace.has("alignment") else None
    return LayerHearing(name, trace.text, float(np.mean(sure)) if sure else None)
