"""What wrong texts cannot be made of."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import BadInput
from otoscope.recognizers.wrong_texts import changed_texts


@pytest.mark.parametrize("pool", [("one", "two"), ()])
def test_a_text_of_no_words_is_refused_in_words(pool: tuple[str, ...]) -> None:
    with pytest.raises(BadInput, match=r"a text of no words .* leave out utterances without words"):
        changed_texts((), pool, [("one",)], np.random.default_rng(0))
