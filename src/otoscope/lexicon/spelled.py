"""A lexicon whose words are said as they are written: for listeners that hear through a network of letters."""

from __future__ import annotations

from collections.abc import Iterable

from otoscope.core import BadInput
from otoscope.lexicon.mental_lexicon import MentalLexicon


def spelled(lexicon: MentalLexicon, letters: Iterable[str]) -> MentalLexicon:
    """Return the lexicon of the words that can be written with these letters, each "said" letter by letter.

    Parameters
    ----------
    lexicon
        The words; their pronunciations have no part in it.
    letters
        As the network names them, small or capital.

    Raises
    ------
    BadInput
        No word can be written with them.

    Examples
    --------
    >>> import numpy as np
    >>> lexicon = MentalLexicon(("bar", "bus"), ((("B", "AA", "R"),), (("B", "AH", "S"),)), np.array([20.0, 50.0]))
    >>> spelled(lexicon, "ABR").pronunciations
    ((('B', 'A', 'R'),),)
    """
    named = {letter.lower(): letter for letter in letters}
    known = [i for i, word in enumerate(lexicon.words) if all(letter in named for letter in word.lower())]
    if not known:
        raise BadInput(f"no word of the lexicon can be written with {' '.join(sorted(named)[:40])}")
    said = tuple((tuple(named[letter] for letter in lexicon.words[i].lower()),) for i in known)
    return MentalLexicon(tuple(lexicon.words[i] for i in known), said, lexicon.per_million[known])
