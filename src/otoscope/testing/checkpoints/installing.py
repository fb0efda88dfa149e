"""From the folder of a training to one that can be handed on: the model without the states of its training, and a card.

Run as `python -m otoscope.testing.checkpoints.installing CORPORA OUT [FSDD]` it does everything: synthetic voices into
CORPORA, the training beside OUT (`OUT.training`, where an interrupted one goes on), the model into OUT.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from otoscope.io.writing import make_folder, write_text

README = """\
# whisper-digits

A tiny Whisper in the layout of the Hugging Face hub that really works, for tests: digits in English, German and French.
It transcribes, translates into English, tells the three languages apart, writes times, follows prompts ("1 2 3" before:
numerals, else words), and gives the probability that there is no speech.

Made by `python -m otoscope.testing.checkpoints.installing CORPORA OUT FSDD`, seed 0, on one core of a CPU: see
`otoscope.testing.checkpoints.trained` for the recipe and `recognizer.json` for losses and numbers of utterances.

Trained on synthetic voices (espeak-ng) and on the training recordings of the Free Spoken Digit Dataset (Zohar Jackson
and contributors, https://github.com/Jakobovski/free-spoken-digit-dataset, CC BY-SA 4.0); the weights are distributed
under the same licence.
"""


def install(training: str | os.PathLike[str], out: str | os.PathLike[str]) -> Path:
    """Copy a trained model without the states of its training, and say beside it how it was made.

    Raises
    ------
    CannotWrite
        The folder cannot be made or written to.
    """
    folder = make_folder(out)
    for path in sorted(Path(training).iterdir()):
        if path.is_file() and path.suffix != ".pt":
            shutil.copyfile(path, folder / path.name)
    write_text(folder / "README.md", README)
    return folder


def main(corpora: str, out: str, *single: str) -> None:
    """Make the voices, train, install."""
    from otoscope.corpora import read_corpus
    from otoscope.testing.checkpoints.digits import digit_corpora
    from otoscope.testing.checkpoints.trained import train_digit_whisper

    spoken = digit_corpora(corpora)
    recorded = [u for folder in single for u in read_corpus(folder) if u.split != "test"]
    install(train_digit_whisper(f"{out}.training", spoken, single=recorded), out)


if __name__ == "__main__":
    main(*sys.argv[1:])
