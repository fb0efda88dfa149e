"""Which word might have been heard instead: from the n-best list, the vocabulary, or what sounds most like it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, Interval, Recognizer, Recording, Target, Trace
from otoscope.decoding.edit_distance import align_words
from otoscope.lexicon.g2p import pronounce
from otoscope.lexicon.phone_features import FEATURES, PHONE_FEATURES, feature_of
from otoscope.lexicon.pronunciations import Phones, cmudict

SMALL_VOCABULARY = 200
"""Up to so many words all are taken as candidates."""
N_NEAREST = 12
MOST_LENGTH_APART = 2
CHEAPEST_SUBSTITUTION = 0.4
"""Of two phones with all features alike, where an insertion or deletion costs 1."""


@dataclass(frozen=True)
class Rival:
    """A word that could stand in a word's place.

    Parameters
    ----------
    word
        It.
    margin
        Score of the word heard less its own at the same place, in nats: the smaller, the nearer it came.
    source
        `n-best`, `vocabulary` or `pronunciation`.
    """

    word: str
    margin: float
    source: Literal["n-best", "vocabulary", "pronunciation"]


def rivals_of(recognizer: Recognizer, trace: Trace, target: Target, *, n_nearest: int = N_NEAREST) -> tuple[Rival, ...]:
    """Return what might have been heard instead of a target, nearest in score first; all scored in one pass.

    Candidates are what stands in its place in the other hypotheses, and all words of a small vocabulary, or those of
    the vocabulary (the CMU dictionary where the recogniser has none) nearest in pronunciation. Of an utterance: the
    texts of the other hypotheses. What the recogniser cannot write is left out.

    Raises
    ------
    BadInput
        No candidate is left.
    """
    found: dict[str, Literal["n-best", "vocabulary", "pronunciation"]] = dict.fromkeys(
        _in_n_best(trace, target), "n-best"
    )
    if target.kind == "word":
        known = known_words(recognizer)
        if known is not None and len(known) <= SMALL_VOCABULARY:
            found |= dict.fromkeys((w for w in sorted(known) if w not in found), "vocabulary")
        else:
            near = nearest_words(target.label, known, n_words=n_nearest)
            found |= dict.fromkeys((word for word in near if word not in found), "pronunciation")
    found = {word: source for word, source in found.items() if word and word != target.label}
    if not found:
        raise BadInput(f"no rival of {target.label!r} was found; give one")
    margins = _margins(recognizer, trace.recording, target, tuple(found))
    if not margins:
        raise BadInput(f"{recognizer.name} can write no rival of {target.label!r} that was found; give one")
    rivals = [Rival(word, margin, found[word]) for word, margin in margins.items()]
    return tuple(sorted(rivals, key=lambda rival: (rival.margin, rival.word)))


def _margins(recognizer: Recognizer, recording: Recording, target: Target, words: tuple[str, ...]) -> dict[str, float]:
    """Return by how much the target scores better than each word; words the recogniser cannot write are left out."""
    try:
        scores = recognizer.score([recording], [target.rather_than(word) for word in words])[0]
    except BadInput:
        if len(words) == 1:
            return {}
        half = len(words) // 2
        return {
            **_margins(recognizer, recording, target, words[:half]),
            **_margins(recognizer, recording, target, words[half:]),
        }
    return {word: float(score) for word, score in zip(words, scores, strict=True)}


def likeliest_rival(recognizer: Recognizer, trace: Trace, target: Target) -> tuple[str, tuple[Rival, ...]]:
    """Return the rival that scores best and sounds different, and all rivals.

    Raises
    ------
    BadInput
        None is left: all that was found sounds the same.
    """
    rivals = rivals_of(recognizer, trace, target)
    apart = different(target, rivals)
    if not apart:
        raise BadInput(f"every rival of {target.label!r} that was found sounds the same; give one")
    return apart[0], rivals


def different(target: Target, rivals: Iterable[Rival]) -> tuple[str, ...]:
    """Return the rivals that sound different from the target and from one another, in their order."""
    found: list[str] = []
    for rival in rivals:
        if target.kind != "word" or not any(sound_alike(rival.word, other) for other in (target.label, *found)):
            found.append(rival.word)
    return tuple(found)


def sound_alike(a: str, b: str) -> bool:
    """Return whether two words share a pronunciation.

    Examples
    --------
    >>> sound_alike("bear", "bare"), sound_alike("bear", "pear")
    (True, False)
    """
    return bool(set(pronounce(a)) & set(pronounce(b)))


def known_words(recognizer: Recognizer) -> frozenset[str] | None:
    """Return the words a recogniser can hear, `None` where it does not say (it may hear any)."""
    words = getattr(recognizer, "vocabulary", None)
    if words is None:
        words = recognizer.provenance.parameters.get("vocabulary")
    return frozenset(words) if isinstance(words, Collection) and not isinstance(words, str) and words else None


def asked_target(
    recognizer: Recognizer, recording: Recording, word: Target | Interval | int | str | None
) -> tuple[Trace, Target]:
    """Return the Trace and the target asked about; by default the word the recogniser is least sure of.

    Raises
    ------
    BadInput
        No word was heard, or not that one.
    """
    trace = recognizer.trace(recording)
    if isinstance(word, Target):
        return trace, word
    if not trace.has("alignment") or not trace.words:
        raise BadInput(f"{recognizer.name} hears no word in the recording, so there is none to ask about")
    if word is not None:
        return trace, trace.target(word)
    sure = trace.alignment.text_confidence
    return trace, trace.target(int(np.argmin(sure)) if sure is not None else 0)


def _in_n_best(trace: Trace, target: Target) -> Iterable[str]:
    if target.kind == "utterance":
        return [h.text for h in trace.hypotheses if h.text != target.label]
    if target.position is None or not target.context:
        return []
    found = []
    for hypothesis in trace.hypotheses[1:]:
        for step in align_words(target.context, hypothesis.words).operations:
            if step.reference_index == target.position and step.hypothesis_index is not None:
                found.append(hypothesis.words[step.hypothesis_index])
    return found


def nearest_words(word: str, among: Collection[str] | None = None, *, n_words: int = N_NEAREST) -> tuple[str, ...]:
    """Return the words nearest to a word in pronunciation, nearest first; words that sound the same are left out.

    Edit distance over phones, in which a substitution costs 0.4 to 1 by the share of articulatory features that
    differ (manner, place, voicing, height, backness). Words are taken from the CMU dictionary, if `among` is given
    only those; of words equally near, those first that have inflected forms: the dictionary is full of names.

    Examples
    --------
    >>> nearest_words("kick", ("pick", "tick", "music", "kick", "seven"), n_words=2)
    ('pick', 'tick')
    """
    words, lengths, codes = _dictionary()
    mine = [np.array([_CODES[phone] for phone in phones]) for phones in pronounce(word)]
    near = np.full(len(words), np.inf)
    for own in mine:
        close = np.flatnonzero(np.abs(lengths - own.size) <= MOST_LENGTH_APART)
        near[close] = np.minimum(near[close], _distances(own, codes[close], lengths[close]))
    found: list[str] = []
    for index in np.lexsort((np.arange(len(words)), -_inflected(), near.round(6))):
        if not np.isfinite(near[index]) or len(found) == n_words:
            break
        other = words[index]
        if near[index] > 0 and other != word and other not in found and (among is None or other in among):
            found.append(other)
    return tuple(found)


_CODES = {phone: index for index, phone in enumerate(PHONE_FEATURES)}


@cache
def _dictionary() -> tuple[list[str], NDArray[np.int64], NDArray[np.int8]]:
    """Return words, lengths and phones `(n, longest)` of all pronunciations of plain words."""
    entries: list[tuple[str, Phones]] = [
        (word, phones)
        for word, known in cmudict().items()
        if word.isalpha()
        for phones in known
        if all(phone in _CODES for phone in phones)
    ]
    lengths = np.array([len(phones) for _, phones in entries])
    codes = np.zeros((len(entries), int(lengths.max())), dtype=np.int8)
    for row, (_, phones) in enumerate(entries):
        codes[row, : len(phones)] = [_CODES[phone] for phone in phones]
    return [word for word, _ in entries], lengths, codes


@cache
def _inflected() -> NDArray[np.int64]:
    """Return how many of a few inflected forms of each word the dictionary has, `(n,)`."""
    known = cmudict()
    return np.array([sum(word + ending in known for ending in ("s", "ed", "ing", "er", "ly"))
                     for word in _dictionary()[0]])  # fmt: skip


@cache
def _substitutions() -> NDArray[np.float64]:
    phones = list(PHONE_FEATURES)
    costs = np.zeros((len(phones), len(phones)))
    for i, a in enumerate(phones):
        for j, b in enumerate(phones):
            if i != j:
                differ = np.mean([feature_of(a, name) != feature_of(b, name) for name in FEATURES])
                costs[i, j] = CHEAPEST_SUBSTITUTION + (1 - CHEAPEST_SUBSTITUTION) * differ
    return costs


def _distances(own: NDArray[np.int64], codes: NDArray[np.int8], lengths: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the edit distance of a pronunciation to each of many, all at once (Wagner and Fischer 1974)."""
    costs, longest = _substitutions(), int(lengths.max(initial=0))
    row = np.repeat(np.arange(longest + 1, dtype=float)[None], len(codes), axis=0)
    for phone in own:
        following = np.empty_like(row)
        following[:, 0] = row[:, 0] + 1
        for column in range(1, longest + 1):
            replaced = row[:, column - 1] + costs[phone, codes[:, column - 1]]
            following[:, column] = np.minimum(replaced, np.minimum(row[:, column], following[:, column - 1]) + 1)
        row = following
    return row[np.arange(len(codes)), lengths]
