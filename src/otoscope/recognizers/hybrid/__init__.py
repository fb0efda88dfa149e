"""Networks that score the states of phones (Bourlard & Morgan 1994), decoded with a lexicon and an n-gram model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otoscope.core.late import resolve

if TYPE_CHECKING:
    from otoscope.recognizers.hybrid.otoscope_en import train_otoscope_en
    from otoscope.recognizers.hybrid.recognizer import HybridRecognizer
    from otoscope.recognizers.hybrid.training import train_lstm, train_mlp, train_tdnn

_HOMES = {
    "HybridRecognizer": "recognizer",
    "train_lstm": "training",
    "train_mlp": "training",
    "train_otoscope_en": "otoscope_en",
    "train_tdnn": "training",
}
__all__ = ["HybridRecognizer", "train_lstm", "train_mlp", "train_otoscope_en", "train_tdnn"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return resolve(f"otoscope.recognizers.hybrid.{_HOMES[name]}:{name}")
    raise AttributeError(f"module 'otoscope.recognizers.hybrid' has no attribute {name!r}")
