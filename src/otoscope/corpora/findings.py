"""What is wrong with a corpus, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class CorpusFault:
    """One thing that is wrong, or doubtful, in a corpus.

    Parameters
    ----------
    severity
        `error`: cannot be used as it is. `warning`: can, but look at it.
    code
        What kind: `format`, `duplicate-id`, `unreadable`, … (see `otoscope.corpora.validation`).
    message
        One line that says what was found, and what to do.
    where
        File and line of the manifest, `manifest.tsv:3`; empty where it concerns the whole corpus.
    utterance
        The utterance's id, where there is one.
    """

    severity: Severity
    code: str
    message: str
    where: str = ""
    utterance: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message


def problem(where: str, message: str, utterance: str = "") -> CorpusFault:
    """Return the finding of a line that cannot be read: an error of code `format`."""
    return CorpusFault("error", "format", message, where, utterance)
