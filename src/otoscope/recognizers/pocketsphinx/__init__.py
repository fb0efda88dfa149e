"""Pocketsphinx: the embedded default recogniser, with no download."""

from __future__ import annotations

from otoscope.recognizers.pocketsphinx.recognizer import PocketSphinx

__all__ = ["PocketSphinx"]
