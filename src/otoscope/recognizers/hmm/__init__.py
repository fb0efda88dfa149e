"""Hidden Markov models with Gaussian mixtures: whole words, phones, state-tied triphones (1970s to 2010)."""

from otoscope.recognizers.hmm.files import Parts
from otoscope.recognizers.hmm.recognizer import HmmRecognizer

__all__ = ["HmmRecognizer", "Parts"]
