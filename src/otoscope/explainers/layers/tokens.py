"""Phones, words and utterances of a corpus with what each layer made of them.

Known tiers of an utterance come first; where there are none, an aligner finds its text. Frames are chosen by time.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from otoscope.core import Activation, Aligning, BadInput, DoesNotFit, Interval, NotAble, Recognizer, Recording, Tier
from otoscope.core.protocols import Progress
from otoscope.explainers.layers.sites import layers_of
from otoscope.lexicon.normalization import normalize_words
from otoscope.lexicon.phone_features import PHONE_FEATURES
from otoscope.signal.espeak_phones import ARPABET

Unit = Literal["phone", "word", "utterance"]

_NOTHING = ("", "SIL", "SP", "SPN", "PAU", "H#", "_", "<EPS>", "NSN")
"""What stands in tiers for no phone."""


@dataclass(frozen=True)
class Token:
    """A phone, word or utterance at its place.

    Parameters
    ----------
    label
        ARPAbet phone without stress, word, or "" for an utterance.
    start_s, end_s
        Where it lies.
    utterance, speaker
        Whose it is.
    kind
        What it is an example of apart from its sound: the place in a word for a phone, nothing else for the others.
    context
        Phones before and after, "#" where there are none; empty for words and utterances.
    """

    label: str
    start_s: float
    end_s: float
    utterance: str
    speaker: str
    kind: Hashable
    context: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Material:
    """Tokens, and for each layer what stood at them.

    Parameters
    ----------
    tokens
        In the order of the utterances.
    frames
        For each layer and token the frames `(n_frames, n_units)` whose centre lies in it, at least one; just their mean
        where tokens are pooled.
    skipped
        Utterances that could not be aligned, with the reason.
    digests
        SHA-256 of the recordings used.
    """

    tokens: tuple[Token, ...]
    frames: Mapping[str, Sequence[NDArray[Any]]]
    skipped: Mapping[str, str]
    digests: tuple[str, ...]

    def means(self, site: str) -> NDArray[np.float64]:
        """Return `(n_tokens, n_units)`: the mean over each token's frames."""
        return np.stack([rows.mean(axis=0) for rows in self.frames[site]]).astype(np.float64)


def pooled(frames: NDArray[Any], unit: Unit) -> NDArray[Any]:
    """Return the mean `(1, n_units)` of frames, for phones and words of the middle third (Pasad et al. 2021)."""
    third = 0 if unit == "utterance" else len(frames) // 3
    return np.asarray(frames[third : len(frames) - third].mean(axis=0, keepdims=True))


def gathered(
    recognizer: Recognizer,
    utterances: Sequence[Any],
    *,
    unit: Unit,
    sites: Sequence[str],
    aligner: Recognizer | None = None,
    change: Any = None,
    pool: bool = True,
    progress: Progress | None = None,
) -> Material:
    """Return the tokens of utterances with the frames of each layer.

    Parameters
    ----------
    recognizer
        Whose layers.
    utterances
        With `id`, `text`, `speaker`, `recording(rate_hz=...)` and perhaps `annotation` and `tiers()`.
    unit
        What a token is.
    sites
        The layers.
    aligner
        Finds phones and words where an utterance has no tiers; by default the recogniser itself.
    change
        What to do to each recording before it is heard (noise, …); aligned is the unchanged one.
    pool
        Whether each token's frames are averaged at once, which takes little memory; see `pooled`.
    progress
        Called with (utterances heard, all).

    Raises
    ------
    NotAble
        Phones are wanted, and neither the utterances nor the aligner have any.
    BadInput
        No utterance could be used, or a site has no row a frame.
    """
    tokens: list[Token] = []
    frames: dict[str, list[NDArray[Any]]] = {site: [] for site in sites}
    skipped, digests = {}, []
    for done, utterance in enumerate(utterances):
        recording = utterance.recording(rate_hz=16000)
        try:
            own = list(_tokens(utterance, recording, unit, aligner or recognizer))
        except DoesNotFit as error:
            skipped[str(utterance.id)] = str(error)
            own = []
        if own:
            heard = recording if change is None else change(recording)
            digests.append(heard.digest)
            layers = layers_of(recognizer, heard, sites)
            if absent := [site for site in sites if site not in layers]:
                raise BadInput(f"{', '.join(absent)} of {recognizer.name} has no row a frame; leave it out")
            for site, layer in layers.items():
                rows = [frames_in(layer, token.start_s, token.end_s) for token in own]
                frames[site] += [pooled(each, unit) for each in rows] if pool else rows
            tokens += own
        if progress is not None:
            progress(done + 1, len(utterances))
    if not tokens:
        why = next(iter(skipped.values()), "there are none")
        raise BadInput(f"no {unit} could be found in {len(utterances)} utterances: {why}")
    return Material(tuple(tokens), frames, skipped, tuple(digests))


def frames_in(layer: Activation, start_s: float, end_s: float) -> NDArray[Any]:
    """Return the frames whose centre lies in a stretch, or the one nearest to its middle."""
    grid = layer.grid
    assert grid is not None, "layers have grids"
    found = layer.values[grid.frames_of(Interval(start_s, end_s, ""))]
    return found if len(found) else layer.values[[grid.frame_at((start_s + end_s) / 2)]]


def _tokens(utterance: Any, recording: Recording, unit: Unit, aligner: Recognizer) -> Iterator[Token]:
    who, name = str(utterance.speaker), str(utterance.id)
    if unit == "utterance":
        yield Token("", 0.0, recording.duration_s, name, who, name)
        return
    phones, words = tiers_of(utterance, recording, aligner)
    if unit == "word":
        for index, word in enumerate(words or ()):
            yield Token(word.label.lower(), word.start_s, word.end_s, name, who, (name, index))
        return
    if phones is None:
        raise NotAble(f"{aligner.name} has no phones; give an aligner that has, such as 'otoscope-en'")
    spoken = list(zip(arpabet_of(phones.labels), phones, strict=True))
    labels = ["#", *(label or "#" for label, _ in spoken), "#"]
    for index, (label, phone) in enumerate(spoken):
        if label is not None:
            context = (labels[index], labels[index + 2])
            yield Token(label, phone.start_s, phone.end_s, name, who, _place(phone, spoken, words, context), context)


def _place(phone: Interval, spoken: Sequence[Any], words: Tier | None, context: tuple[str, str]) -> Hashable:
    """Return which phone of which word it is, or between which phones where no words are known."""
    word = words.at((phone.start_s + phone.end_s) / 2) if words is not None else None
    if word is None:
        return context
    earlier = sum(word.start_s - 1e-6 <= other.start_s < phone.start_s for _, other in spoken)
    return word.label.lower(), earlier


def tiers_of(utterance: Any, recording: Recording, aligner: Recognizer) -> tuple[Tier | None, Tier | None]:
    """Return the phones and words of an utterance: its own tiers, or what an aligner finds; `None` where unknown.

    Raises
    ------
    NotAble
        There are no tiers, and the aligner cannot align.
    DoesNotFit
        The text is not what the recording says.
    """
    if getattr(utterance, "annotation", None) is not None:
        known = {tier.name: tier for tier in utterance.tiers()}
        if "phones" in known or "words" in known:
            return known.get("phones"), known.get("words")
    if not isinstance(aligner, Aligning):
        raise NotAble(f"{utterance.id} has no tiers and {aligner.name} cannot align; give an aligner, as 'otoscope-en'")
    found = aligner.align(recording, " ".join(normalize_words(utterance.text)))
    return found.phones, found.words


def arpabet_of(labels: Sequence[str]) -> list[str | None]:
    """Return the ARPAbet phones of a tier's labels, stress dropped; `None` for silence and what is more than one phone.

    A tier is in ARPAbet, in any case, if all its phones can be; otherwise its names are espeak-ng's (`T` is TH there).

    Examples
    --------
    >>> arpabet_of(["SIL", "T", "IY1"]), arpabet_of(["T", "'i:", "A@"])
    ([None, 'T', 'IY'], ['TH', 'IY', None])
    """
    bare = [label.upper().rstrip("012") for label in labels]
    if all(phone in PHONE_FEATURES or phone in _NOTHING for phone in bare):
        return [phone if phone in PHONE_FEATURES else None for phone in bare]
    found = [ARPABET.get(label.lstrip("',%="), ()) for label in labels]
    return [symbols[0] if len(symbols) == 1 else None for symbols in found]
