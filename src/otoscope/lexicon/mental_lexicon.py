"""The words a listener knows: how each is said, how often it is heard, and which of them sound alike.

A lexicon of written words goes in; what comes out are *forms*, the different phone strings, because words that sound
alike cannot compete for what is heard, and a word that can be said in two ways does not compete with itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, UnknownName
from otoscope.core.arrays import ByValue, frozen_array, set_frozen
from otoscope.lexicon.lexicon_table import lexicon_columns
from otoscope.lexicon.pronunciations import Phones

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Forms(ByValue):
    """The different phone strings of a lexicon: what a listener can tell apart by ear.

    Parameters
    ----------
    phones
        Each form once, in order of its first word.
    words
        For each form the indices of the words that can be said so (homophones), most frequent first.
    log_prior
        `(n_forms,)` natural logarithm of the sum over its words of P(word) / number of ways to say the word; the
        exponentials sum to one.
    spellings
        The words of the lexicon, for labels.
    """

    phones: tuple[Phones, ...]
    words: tuple[tuple[int, ...], ...]
    log_prior: Floats
    spellings: tuple[str, ...]

    def __post_init__(self) -> None:
        set_frozen(self, log_prior=frozen_array(self.log_prior, n_dims=1, name="log_prior", dtype=np.float64))
        if not len(self.phones) == len(self.words) == self.log_prior.size:
            raise BadInput(
                f"forms need as many phone strings, word tuples and priors; got {len(self.phones)}, "
                f"{len(self.words)} and {self.log_prior.size}"
            )

    def __repr__(self) -> str:
        return f"Forms({len(self)} of {len(self.spellings)} words)"

    def __len__(self) -> int:
        return len(self.phones)

    @cached_property
    def index(self) -> Mapping[Phones, int]:
        """Which form a phone string is."""
        return MappingProxyType({phones: form for form, phones in enumerate(self.phones)})

    def label(self, form: int, *, at_most: int = 3) -> str:
        """Return the words of a form, most frequent first, parted by strokes: `there/their/they're`."""
        names = [self.spellings[word] for word in self.words[form]]
        return "/".join(names[:at_most]) + ("/…" if len(names) > at_most else "")

    def are_rivals(self, form: int, other: int) -> bool:
        """Whether two forms share no word, so that one can lead over the other."""
        return not set(self.words[form]) & set(self.words[other])


@dataclass(frozen=True, eq=False, repr=False)
class MentalLexicon(ByValue):
    """Words with their pronunciations and how often each is met in a million words.

    Parameters
    ----------
    words
        Written words, each once.
    pronunciations
        For each word the ways to say it, each a tuple of phones of any phone set, the usual one first.
    per_million
        `(n_words,)` frequency per million words, above zero.

    Raises
    ------
    BadInput
        Numbers of words, pronunciations and frequencies differ; a word comes twice or has no phones; a frequency is
        not above zero.

    Examples
    --------
    >>> said = ((("B", "AA", "R"),), (("B", "AH", "S"),), (("B", "AA", "R"),))
    >>> lexicon = MentalLexicon(("bar", "bus", "barr"), said, np.array([20.0, 50.0, 1.0]))
    >>> [lexicon.forms.label(form) for form in range(len(lexicon.forms))], round(lexicon.zipf("bus"), 2)
    (['bar/barr', 'bus'], 4.7)
    """

    words: tuple[str, ...]
    pronunciations: tuple[tuple[Phones, ...], ...]
    per_million: Floats

    def __post_init__(self) -> None:
        per_million = frozen_array(self.per_million, n_dims=1, name="per_million", dtype=np.float64)
        set_frozen(self, words=tuple(self.words), pronunciations=tuple(self.pronunciations), per_million=per_million)
        sizes = len(self.words), len(self.pronunciations), self.per_million.size
        if len(set(sizes)) != 1 or not self.words:
            raise BadInput(f"a lexicon needs words, pronunciations and frequencies in equal number; got {sizes}")
        if len(self.index) != len(self.words):
            twice = next(word for i, word in enumerate(self.words) if self.index[word] != i)
            raise BadInput(f"{twice!r} is twice in the lexicon; give its pronunciations together, as one word")
        silent = [word for word, ways in zip(self.words, self.pronunciations, strict=True) if not ways or () in ways]
        if silent:
            raise BadInput(f"{silent[0]!r} has no phones; every word needs at least one pronunciation of one phone")
        if not (np.isfinite(per_million) & (per_million > 0)).all():
            worst = self.words[int(np.argmin(np.where(np.isfinite(per_million), per_million, -np.inf)))]
            raise BadInput(f"frequencies must be above 0 (give unseen words a small one); see {worst!r}")

    def __repr__(self) -> str:
        return f"MentalLexicon({len(self)} words: {', '.join(self.words[:3])}, …)"

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self.index

    @cached_property
    def index(self) -> Mapping[str, int]:
        """Where each word stands."""
        return MappingProxyType({word: i for i, word in enumerate(self.words)})

    @cached_property
    def phones(self) -> tuple[str, ...]:
        """The phones that occur, sorted."""
        return tuple(sorted({phone for ways in self.pronunciations for way in ways for phone in way}))

    @property
    def log_priors(self) -> Floats:
        """`(n_words,)` natural logarithm of P(word); the exponentials sum to one."""
        return np.asarray(np.log(self.per_million) - np.log(self.per_million.sum()))

    @property
    def zipfs(self) -> Floats:
        """`(n_words,)` frequencies on the Zipf scale: log10 of occurrences in a billion words (van Heuven et al. 2014).

        SUBTLEX-US gives its frequencies on the same scale: 1 to 3 are rare words, 4 to 7 frequent ones.
        """
        return np.asarray(np.log10(self.per_million) + 3)

    @cached_property
    def forms(self) -> Forms:
        """The different phone strings, homophones pooled."""
        return pooled(self, self.log_priors)

    def as_usually_said(self) -> MentalLexicon:
        """Return the lexicon with only the first pronunciation of each word, as most lexical databases count."""
        return MentalLexicon(self.words, tuple(ways[:1] for ways in self.pronunciations), self.per_million)

    def position(self, word: str) -> int:
        """Return where a word stands; raises `UnknownName` with the nearest words where it is not known."""
        if word not in self.index:
            near = [known for known in self.words if known[:2] == word[:2]] or list(self.words[:20])
            raise UnknownName("word of the lexicon", word, near)
        return self.index[word]

    def zipf(self, word: str) -> float:
        """Return the frequency of one word on the Zipf scale."""
        return float(self.zipfs[self.position(word)])

    def forms_of(self, word: str) -> tuple[int, ...]:
        """Return the forms of a word, the usual one first."""
        return tuple(self.forms.index[way] for way in self.pronunciations[self.position(word)])

    def label(self, form: int) -> str:
        """Return the words of a form, most frequent first: `there/their`."""
        return self.forms.label(form)

    def subset(self, n_words: int) -> MentalLexicon:
        """Return the lexicon of the `n_words` most frequent words, most frequent first."""
        if not 1 <= n_words <= len(self):
            raise BadInput(f"a subset of 1 to {len(self)} words can be taken, got {n_words}")
        return self._taken(np.argsort(-self.per_million, kind="stable")[:n_words])

    def only(self, words: Iterable[str]) -> MentalLexicon:
        """Return the lexicon of these words alone, in their order; raises `UnknownName` for one that is not here."""
        return self._taken(np.array([self.position(word) for word in dict.fromkeys(words)], dtype=np.int64))

    def _taken(self, chosen: NDArray[np.int64]) -> MentalLexicon:
        said = tuple(self.pronunciations[i] for i in chosen)
        return MentalLexicon(tuple(self.words[i] for i in chosen), said, self.per_million[chosen])

    def with_words(self, words: Iterable[str] | Mapping[str, Phones]) -> MentalLexicon:
        """Return the lexicon with further words; those it has already stay as they are.

        Parameters
        ----------
        words
            English words, said as `otoscope.lexicon.g2p.pronounce` says them and as frequent as wordfreq has them; or
            phones by word (any language), as frequent as the rarest word here, as are words that wordfreq lacks.

        Raises
        ------
        BadInput
            A pronunciation has a phone that no word here has.
        """
        said = {w: (tuple(p),) for w, p in words.items()} if isinstance(words, Mapping) else _english_ways(words)
        new = {word: ways for word, ways in said.items() if word not in self.index}
        strange = {phone: word for word, ways in new.items() for way in ways for phone in way} if new else {}
        for phone in sorted(set(strange) - set(self.phones)):
            raise BadInput(f"{strange[phone]!r} has the phone {phone!r}; the lexicon knows {' '.join(self.phones)}")
        known = {} if isinstance(words, Mapping) else _english_frequencies()
        rarest = float(self.per_million.min())
        more = [1e6 * known.get(word, rarest / 1e6) for word in new]
        pronunciations = (*self.pronunciations, *new.values())
        return MentalLexicon((*self.words, *new), pronunciations, np.concatenate([self.per_million, more]))

    @classmethod
    def english(cls, n_words: int | None = None) -> MentalLexicon:
        """Return American English: about 98,000 words, most frequent first, or the `n_words` most frequent of them.

        Pronunciations are those of the CMU dictionary (see `otoscope.lexicon.pronunciations.cmudict`; names and
        abbreviations are among them). Frequencies are wordfreq's large English list (Speer 2022, wordfreq 3.1, of
        2021: Wikipedia, subtitles, news, books, web, Twitter and Reddit; data under CC BY-SA 4.0, from sources it
        names, SUBTLEX among them), rounded by wordfreq to three digits and no rarer than one in a hundred million.
        Words that only one of the two has are left out, and so are those with a full stop (`u.s`, `cnn.com`).
        """
        whole = _english()
        return whole if n_words is None else whole.subset(n_words)

    @classmethod
    def read(
        cls, path: str | os.PathLike[str], *, phones: str = "spaced", columns: Mapping[str, str] | None = None
    ) -> MentalLexicon:
        """Return the lexicon of a table; see `otoscope.lexicon.lexicon_table.lexicon_columns`."""
        return cls(*lexicon_columns(path, phones=phones, columns=columns))


def pooled(lexicon: MentalLexicon, log_priors: Floats) -> Forms:
    """Return the forms of a lexicon under other priors of its words, as in a context.

    Parameters
    ----------
    lexicon
        The words.
    log_priors
        `(n_words,)` natural logarithms of P(word | context).
    """
    index: dict[Phones, int] = {}
    of_form: list[int] = []
    of_word: list[int] = []
    shares: list[float] = []
    for word, ways in enumerate(lexicon.pronunciations):
        different = dict.fromkeys(ways)
        for way in different:
            of_form.append(index.setdefault(way, len(index)))
            of_word.append(word)
            shares.append(-float(np.log(len(different))))
    summed = np.full(len(index), -np.inf)
    np.logaddexp.at(summed, of_form, np.asarray(log_priors)[of_word] + shares)
    words: list[list[int]] = [[] for _ in index]
    for form, word in zip(of_form, of_word, strict=True):
        words[form].append(word)
    ordered = tuple(tuple(sorted(group, key=lambda w: -lexicon.per_million[w])) for group in words)
    return Forms(tuple(index), ordered, summed, lexicon.words)


@cache
def _english_frequencies() -> Mapping[str, float]:
    from wordfreq import get_frequency_dict

    return MappingProxyType(get_frequency_dict("en", wordlist="large"))


@cache
def _english() -> MentalLexicon:
    import wordfreq

    from otoscope.lexicon.pronunciations import cmudict

    known, dictionary = _english_frequencies(), cmudict()
    words = sorted((w for w in dictionary if known.get(w, 0) > 0 and "." not in w), key=lambda w: (-known[w], w))
    said = tuple(tuple(dict.fromkeys(dictionary[word])) for word in words)
    per_million = np.array([1e6 * known[word] for word in words])
    # The list of 321,000 words takes 33 MB; `with_words` reads it anew where it is called.
    _english_frequencies.cache_clear()
    for read in (wordfreq.get_frequency_dict, wordfreq.get_frequency_list):
        read.cache_clear()
    return MentalLexicon(tuple(words), said, per_million)


def _english_ways(words: Iterable[str]) -> dict[str, tuple[Phones, ...]]:
    from otoscope.lexicon.g2p import pronounce

    return {word: tuple(dict.fromkeys(pronounce(word))) for word in words}
