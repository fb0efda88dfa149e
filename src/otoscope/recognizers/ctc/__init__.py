"""Connectionist temporal classification (Graves et al. 2006): log-mel → convolutions → LSTMs → letters."""

from otoscope.recognizers.ctc.recognizer import DIGITS, CTCRecognizer, digits

__all__ = ["DIGITS", "CTCRecognizer", "digits"]
