"""The word lattice of a decoding: which words were thinkable where, and how likely.

In: a lattice file in HTK's format as pocketsphinx writes it. Out: links with posteriors, and sums over them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

FRAMES_PER_SECOND = 100


@dataclass(frozen=True)
class Link:
    """One word between two boundaries (frames `start` up to, not including, `end`); `word` is `None` for a filler."""

    word: str | None
    start: int
    end: int
    log_acoustic: float
    posterior: float


@dataclass(frozen=True)
class Segment:
    """One word or filler of the best path, frames `start` up to, not including, `end`."""

    label: str
    start: int
    end: int
    posterior: float
    phones: tuple[str, ...] = ()


def read_lattice(path: Path) -> tuple[Link, ...]:
    """Read the links of a lattice file."""
    nodes: dict[str, tuple[int, str]] = {}
    links = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith(("I=", "J=")):
            fields = dict(field.split("=", 1) for field in line.split("\t"))
            if "I" in fields:
                nodes[fields["I"]] = (round(float(fields["t"]) * FRAMES_PER_SECOND), fields["W"])
            else:
                start, word = nodes[fields["S"]]
                end, _ = nodes[fields["E"]]
                spoken = None if word.startswith("!") else word
                posterior = float(fields["p"])
                links.append(Link(spoken, start, end, float(fields["a"]), 0.0 if math.isnan(posterior) else posterior))
    return tuple(links)


def text_confidence(links: Sequence[Link], word: str, segment: Segment) -> float:
    """Return the posterior that `word` is spoken where `segment` lies: links of it that cover half of it or more."""
    half = (segment.end - segment.start) / 2
    mass = sum(
        link.posterior
        for link in links
        if link.word == word and min(link.end, segment.end) - max(link.start, segment.start) >= half
    )
    return min(1.0, max(mass, segment.posterior))


def time_confidence(links: Sequence[Link], word: str, segment: Segment, *, tolerance: int = 5) -> float:
    """Return how likely both boundaries lie within `tolerance` frames of the segment's, given that the word is there.

    The same links count as in `text_confidence`; 0 where there are none.
    """
    half = (segment.end - segment.start) / 2
    near = whole = 0.0
    for link in links:
        if link.word == word and min(link.end, segment.end) - max(link.start, segment.start) >= half:
            whole += link.posterior
            if abs(link.start - segment.start) <= tolerance and abs(link.end - segment.end) <= tolerance:
                near += link.posterior
    return min(1.0, near / whole) if whole > 0 else 0.0
