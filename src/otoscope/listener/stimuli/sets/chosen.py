"""Pairs and triples of words chosen from a lexicon by the rules that published experiments followed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from otoscope.core import BadInput
from otoscope.lexicon.embedding import carriers
from otoscope.lexicon.mental_lexicon import MentalLexicon
from otoscope.lexicon.phonotactics import Phonotactics
from otoscope.lexicon.pronunciations import Phones
from otoscope.lexicon.syllables import n_syllables, rhyming_part
from otoscope.listener.stimuli.sets.ambiguous import GanongPair, MismatchTriple
from otoscope.listener.stimuli.sets.displays import FrequencyTriple

G = TypeVar("G")
T = TypeVar("T")

VOICING = (("B", "P"), ("D", "T"), ("G", "K"))
FRICATIVES = (("S", "SH"), ("Z", "S"), ("V", "F"))
STOPS = ("P", "T", "K", "B", "D", "G")
SUFFIXES = (
    *("s", "ed", "er", "ers", "ing", "ings", "ly", "y", "ness", "less", "ful", "or", "al", "en", "ies", "ied"),
    *("ate", "ation", "ment", "son", "able", "ist", "ism", "ship"),
)
"""Endings of English spellings that make forms of the same word."""


def frequency_triples(
    lexicon: MentalLexicon, n_triples: int, *, seed: int, least_gap: float = 1.0, least_zipf: float = 3.0
) -> tuple[FrequencyTriple, ...]:
    """Choose triples as Dahan, Magnuson and Tanenhaus (2001): a target, a frequent and a rare word that begin like it.

    All have one syllable, the same consonants before the vowel and the same vowel, and other sounds after it; none
    begins another. The frequent one is at least `least_gap` Zipf above the rare one and has as many phones.

    Parameters
    ----------
    lexicon
        Words as usually said.
    n_triples
        How many, each with another beginning.
    seed
        Of the draw.
    least_gap
        Zipf between frequent and rare.
    least_zipf
        Of every word; 3 is once in a million.

    Raises
    ------
    BadInput
        The lexicon has not so many.
    """
    rng = np.random.default_rng(seed)
    begin: dict[Phones, dict[Phones, int]] = {}
    for word in _common_words(lexicon, least_zipf):
        said = lexicon.pronunciations[word][0]
        if n_syllables(said) == 1 and 3 <= len(said) <= 4 and len(rhyming_part(said)) > 1:
            vowel = len(said) - len(rhyming_part(said)) + 1
            begin.setdefault(said[:vowel], {}).setdefault(said, word)

    def made(words: dict[Phones, int]) -> FrequencyTriple | None:
        apart = [(said, word) for said, word in words.items() if not _begins_or_is_begun(said, words)]
        for frequent, first in apart:
            for rare, second in reversed(apart):
                targets = [word for _, word in apart if word not in (first, second)]
                gap = lexicon.zipfs[first] - lexicon.zipfs[second]
                if gap >= least_gap and len(frequent) == len(rare) and targets:
                    target = targets[int(rng.integers(len(targets)))]
                    return FrequencyTriple(*(lexicon.words[word] for word in (target, first, second)))
        return None

    return _drawn(list(begin.values()), made, n_triples, rng, "triples")


def ganong_pairs(
    lexicon: MentalLexicon,
    n_pairs: int,
    *,
    position: int,
    seed: int,
    contrasts: Sequence[tuple[str, str]] = (*VOICING, *FRICATIVES),
    least_zipf: float = 3.0,
) -> tuple[GanongPair, ...]:
    """Choose pairs of carriers in which two phones make a word with the one and none with the other (Ganong 1980).

    Both carriers have the contrast at the same place, as many phones and syllables, and agree in the phone on each
    side of it as far as words allow; the pseudoword of each is legal.

    Parameters
    ----------
    lexicon
        Words as usually said; what it lacks counts as no word, so give a large one.
    n_pairs
        How many.
    position
        Which phone; below 0 from the end.
    seed
        Of the draw.
    contrasts
        The ends of the continua.
    least_zipf
        Of both words.

    Raises
    ------
    BadInput
        The lexicon has not so many.
    """
    rng = np.random.default_rng(seed)
    rules, known = Phonotactics(lexicon), lexicon.forms.index
    sides: dict[tuple[tuple[str, str], int, int], tuple[list[int], list[int]]] = {}
    for word in _common_words(lexicon, least_zipf):
        said = lexicon.pronunciations[word][0]
        if not -len(said) <= position < len(said) or len(said) < 3:
            continue
        for ends in contrasts:
            for side in (0, 1):
                other = _with(said, position, ends[1 - side])
                if said[position] == ends[side] and other not in known and rules.is_legal(other):
                    sides.setdefault((ends, len(said), n_syllables(said)), ([], []))[side].append(word)

    def made(group: tuple[tuple[str, str], int, int]) -> GanongPair | None:
        firsts, seconds = sides[group]
        if not firsts or not seconds:
            return None
        word = firsts[int(rng.integers(len(firsts)))]
        said, place = lexicon.pronunciations[word][0], position % len(lexicon.pronunciations[word][0])
        order = rng.permutation(len(seconds))
        best = max(order, key=lambda nth: _alike_around(said, lexicon.pronunciations[seconds[nth]][0], place))
        other = seconds[int(best)]
        frames = (said, lexicon.pronunciations[other][0])
        ends = group[0]
        first, second = ((_with(frame, place, ends[0]), _with(frame, place, ends[1])) for frame in frames)
        return GanongPair(ends, place, first, second, (lexicon.words[word], lexicon.words[other]))

    groups = [group for group in sides for _ in range(min(map(len, sides[group])))]
    return _drawn(groups, made, n_pairs, rng, "pairs")


def mismatch_triples(
    lexicon: MentalLexicon, n_triples: int, *, seed: int, least_zipf: float = 3.0
) -> tuple[MismatchTriple, ...]:
    """Choose triples as Marslen-Wilson and Warren (1994): two words and a pseudoword that differ in their last stop.

    All have one syllable, three or four phones and a vowel before the last, which is P, T, K, B, D or G, of the same
    voicing in all three.

    Raises
    ------
    BadInput
        The lexicon has not so many.
    """
    rng = np.random.default_rng(seed)
    rules, known = Phonotactics(lexicon), lexicon.forms.index
    begin: dict[tuple[Phones, bool], list[Phones]] = {}
    for word in _common_words(lexicon, least_zipf):
        said = lexicon.pronunciations[word][0]
        if 3 <= len(said) <= 4 and said[-1] in STOPS and len(rhyming_part(said)) == 2 and n_syllables(said) == 1:
            begin.setdefault((said[:-1], said[-1] in STOPS[:3]), []).append(said)

    def made(group: tuple[Phones, bool]) -> MismatchTriple | None:
        start, voiceless = group
        words = list(dict.fromkeys(begin[group]))
        stops = STOPS[:3] if voiceless else STOPS[3:]
        new = [phones for stop in stops if (phones := (*start, stop)) not in known and rules.is_legal(phones)]
        if len(words) < 2 or not new:
            return None
        first, second = (words[i] for i in rng.permutation(len(words))[:2])
        return MismatchTriple(first, second, new[0], lexicon.label(known[first]))

    return _drawn(list(begin), made, n_triples, rng, "triples")


def embedded_pairs(
    lexicon: MentalLexicon, n_pairs: int, *, seed: int, least_zipf: float = 3.0
) -> tuple[tuple[str, str], ...]:
    """Choose words at the beginning of longer ones that are no form of them: `cat` and `catalog`.

    The short word has three phones or more, the long one at least two more; one that is spelled like it and ends in one
    of `SUFFIXES` is taken for a form of it. No word appears twice.

    Raises
    ------
    BadInput
        The lexicon has not so many.
    """
    rng = np.random.default_rng(seed)
    short = [w for w in _common_words(lexicon, least_zipf) if len(lexicon.pronunciations[w][0]) >= 3]
    found = carriers([lexicon.pronunciations[word][0] for word in short], lexicon)
    longer: dict[int, list[str]] = {}
    for item, form, start in zip(found.item.tolist(), found.form.tolist(), found.start.tolist(), strict=True):
        carrier = lexicon.forms.words[form][0]
        spelled, whole = lexicon.words[short[item]], lexicon.words[carrier]
        far = len(lexicon.forms.phones[form]) >= len(found.items[item]) + 2
        related = whole.startswith(spelled[:-1]) and whole.endswith(SUFFIXES)
        if start == 0 and far and not related and "'" not in whole and lexicon.zipfs[carrier] >= least_zipf:
            longer.setdefault(item, []).append(whole)
    taken: set[str] = set()

    def made(item: int) -> tuple[str, str] | None:
        free = [whole for whole in longer[item] if whole not in taken]
        if not free or lexicon.words[short[item]] in taken:
            return None
        pair = (lexicon.words[short[item]], free[int(rng.integers(len(free)))])
        taken.update(pair)
        return pair

    return _drawn(list(longer), made, n_pairs, rng, "pairs")


def _common_words(lexicon: MentalLexicon, least_zipf: float) -> list[int]:
    """Return words frequent enough and spelled with three letters or more, most frequent first."""
    zipfs = lexicon.zipfs
    order = np.argsort(-zipfs, kind="stable")
    return [
        int(i) for i in order if zipfs[i] >= least_zipf and len(lexicon.words[i]) > 2 and lexicon.words[i].isalpha()
    ]


def _drawn(
    groups: Sequence[G], made: Callable[[G], T | None], n_wanted: int, rng: np.random.Generator, what: str
) -> tuple[T, ...]:
    """Return what is made of groups in random order, each different, until there is enough."""
    found: list[T] = []
    for place in rng.permutation(len(groups)):
        one = made(groups[int(place)])
        if one is not None and one not in found:
            found.append(one)
        if len(found) == n_wanted:
            return tuple(found)
    raise BadInput(f"the lexicon has only {len(found)} such {what}, {n_wanted} were asked for; allow rarer words")


def _begins_or_is_begun(said: Phones, others: dict[Phones, int]) -> bool:
    return any(o != said and (o[: len(said)] == said or said[: len(o)] == o) for o in others)


def _with(phones: Phones, position: int, phone: str) -> Phones:
    place = position % len(phones)
    return (*phones[:place], phone, *phones[place + 1 :])


def _alike_around(first: Phones, second: Phones, place: int) -> int:
    near = [p for p in (place - 1, place + 1) if 0 <= p < len(first)]
    return sum(first[p] == second[p] for p in near)
