"""N-gram language models: estimated from text, read from ARPA files, pruned, mixed, stored, walked by decoders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otoscope.core.late import resolve

if TYPE_CHECKING:
    from otoscope.lexicon.ngram.arpa import read_arpa, write_arpa
    from otoscope.lexicon.ngram.automaton import BackoffAutomaton
    from otoscope.lexicon.ngram.model import NGramModel, TextScore

_HOMES = {
    "BackoffAutomaton": "automaton",
    "NGramModel": "model",
    "TextScore": "model",
    "read_arpa": "arpa",
    "write_arpa": "arpa",
}
__all__ = ["BackoffAutomaton", "NGramModel", "TextScore", "read_arpa", "write_arpa"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return resolve(f"otoscope.lexicon.ngram.{_HOMES[name]}:{name}")
    raise AttributeError(f"module 'otoscope.lexicon.ngram' has no attribute {name!r}")
