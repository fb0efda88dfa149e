"""How any English word is said: from the dictionary, by spelling it, from its parts, or guessed from its letters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otoscope.core.late import resolve

if TYPE_CHECKING:
    from otoscope.lexicon.g2p.model import GraphoneModel
    from otoscope.lexicon.g2p.speaking import Pronunciation, pronounce, pronunciations

_HOMES = {
    "GraphoneModel": "model",
    "Pronunciation": "speaking",
    "pronounce": "speaking",
    "pronunciations": "speaking",
}
__all__ = ["GraphoneModel", "Pronunciation", "pronounce", "pronunciations"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return resolve(f"otoscope.lexicon.g2p.{_HOMES[name]}:{name}")
    raise AttributeError(f"module 'otoscope.lexicon.g2p' has no attribute {name!r}")
