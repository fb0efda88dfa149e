"""The model that ships with the package, made again: `python -m otoscope.lexicon.g2p.recipe [FILE]`.

Trains on nine tenths of the dictionary and judges by the rest, then trains on all of it and writes that.
"""

from __future__ import annotations

import sys

from otoscope.lexicon.g2p.speaking import MODEL_PATH
from otoscope.lexicon.g2p.training import PronunciationErrors, judge, split_by_word, train
from otoscope.lexicon.pronunciations import cmudict

ORDER = 8
N_NGRAMS = 800_000


def measure() -> PronunciationErrors:
    """Return the errors of the recipe on words of the CMU dictionary held back from it."""
    seen, held_back = split_by_word(cmudict())
    return judge(train(seen, order=ORDER, n_ngrams=N_NGRAMS), held_back)


def make(path: str) -> None:
    """Train on the whole dictionary and write the model."""
    train(cmudict(), order=ORDER, n_ngrams=N_NGRAMS).save(path)


if __name__ == "__main__":
    make(sys.argv[1] if len(sys.argv) > 1 else str(MODEL_PATH))
    errors = measure()
    sys.stdout.write(
        f"{errors.n_words} words held back: phone error rate {errors.phone_error_rate:.2%}, "
        f"word error rate {errors.word_error_rate:.2%}\n"
    )
