"""Networks that score the states of phones (Bourlard & Morgan 1994), decoded with a lexicon and an n-gram model."""

from otoscope.recognizers.hybrid.recognizer import HybridRecognizer

__all__ = ["HybridRecognizer"]
