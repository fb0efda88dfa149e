"""Words said as they are written."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import BadInput
from otoscope.lexicon.mental_lexicon import MentalLexicon
from otoscope.lexicon.spelled import spelled

SAID = ((("B", "AA", "R"),), (("B", "AA", "R"),), (("K", "AE", "F", "EY"),), (("D", "OW", "N", "T"),))
LEXICON = MentalLexicon(("Bar", "barr", "café", "don't"), SAID, np.array([20.0, 1.0, 5.0, 50.0]))


def test_words_are_their_letters_in_the_networks_case():
    written = spelled(LEXICON, "'ABDNORT")
    assert written.words == ("Bar", "barr", "don't")
    assert written.pronunciations == ((("B", "A", "R"),), (("B", "A", "R", "R"),), (("D", "O", "N", "'", "T"),))
    assert written.per_million.tolist() == [20.0, 1.0, 50.0]


def test_homophones_written_otherwise_are_rivals():
    assert len(LEXICON.forms) == 3
    assert len(spelled(LEXICON, "abr").forms) == 2


def test_letters_that_write_no_word():
    with pytest.raises(BadInput, match="no word of the lexicon can be written with x z"):
        spelled(LEXICON, "zx")
