"""Words of experiments on ambiguous, misleading and missing sounds, typed from the literature.

Single words and pairs are facts. Where a list could not be read in the paper itself, the docstring says so.
"""

from __future__ import annotations

from dataclasses import dataclass

from otoscope.lexicon.pronunciations import Phones


@dataclass(frozen=True)
class GanongPair:
    """Two carriers of one continuum: with one end the first is a word, with the other end the second.

    Parameters
    ----------
    ends
        The two phones, as `D` and `T`.
    position
        Which phone of both carriers they are, from 0.
    first, second
        Each carrier's phones with the first end and with the second: (`dash`, `tash`) and (`dask`, `task`).
    words
        The word of the first pair (its first end) and of the second (its second end).
    """

    ends: tuple[str, str]
    position: int
    first: tuple[Phones, Phones]
    second: tuple[Phones, Phones]
    words: tuple[str, str]


def _pair(ends: str, position: int, first: str, second: str, words: str) -> GanongPair:
    one, other = ends.split()

    def both(frame: str) -> tuple[Phones, Phones]:
        return tuple(frame.replace("?", one).split()), tuple(frame.replace("?", other).split())

    word, second_word = words.split()
    return GanongPair((one, other), position, both(first), both(second), (word, second_word))


GANONG = (
    _pair("D T", 0, "? AE SH", "? AE S K", "dash task"),
    _pair("G K", 0, "? IH F T", "? IH S", "gift kiss"),
    _pair("D T", 0, "? UW K", "? UW T", "duke toot"),
    _pair("D T", 0, "? AY S", "? AY P", "dice type"),
    _pair("S SH", 2, "K IH ?", "F IH ?", "kiss fish"),
)
"""dash-tash and dask-task (Ganong 1980); gift-kift and giss-kiss (used since; Pitt 1995); duke-tuke and doot-toot
(Burton, Baum and Blumstein 1989); dice-tice and dype-type (Connine and Clifton 1987); and, word-final, kiss-kish and
fiss-fish (McQueen 1991). The pairs are from memory of these papers.

More of the kind at any place: `otoscope.listener.stimuli.sets.chosen.ganong_pairs`."""


@dataclass(frozen=True)
class MismatchTriple:
    """A word, another word with another last consonant, and a pseudoword with a third.

    The last consonant of `word` is spliced onto the beginning of itself, of `rival`, and of `pseudoword`.
    """

    word: Phones
    rival: Phones
    pseudoword: Phones
    label: str


def _triple(word: str, rival: str, pseudoword: str, label: str) -> MismatchTriple:
    return MismatchTriple(tuple(word.split()), tuple(rival.split()), tuple(pseudoword.split()), label)


MISMATCH = (
    _triple("JH AA B", "JH AA G", "JH AA D", "job"),
    _triple("N EH T", "N EH K", "N EH P", "net"),
)
"""job, jog, jod (Marslen-Wilson and Warren 1994); net, neck, nep (Dahan, Magnuson, Tanenhaus and Hogan 2001).

The papers' examples, from memory."""

RESTORED = (("legislature", 4),)
"""Word and phone (from 0) that was replaced: the first s of legislatures (Warren 1970), here in the singular."""

EMBEDDED = (("cat", "catalog"), ("cap", "captain"), ("dock", "doctor"), ("ham", "hamster"), ("car", "cargo"))
"""Word at the beginning of a longer word, and that word.

catalog: McClelland and Elman (1986); captain and doctor: Davis, Marslen-Wilson and Gaskell (2002); hamster: Salverda,
Dahan and McQueen (2003, in Dutch); cargo: ours. From memory. More by `otoscope.lexicon.embedding.embedded`."""
