"""Runs of a recogniser with something else at its sites: what every analysis of mechanisms is made of.

A run scores a target once, while edits are open: they write down what reaches each site, and put given values in its
place. What passes a site in several goes (a decoder that scores a word and its rival) counts as one row of rows.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, FrameGrid, NotAble, Recognizer, Recording, Target
from otoscope.core.protocols import Differentiable, Intervenable, Substituting

Rows = NDArray[Any]

ABILITIES = {
    Intervenable: "be changed inside (`sites` and `edited`)",
    Substituting: "score with other values at a site (`score_at`)",
    Differentiable: "give gradients (`gradient`)",
}
VALUES_AT_ONCE = 4_000_000
"""Numbers that stand ready for one batch of `score_at`: 16 MB of float32."""

RECORDED_AT_ONCE = 16_000_000
"""Numbers that are recorded at several sites at once: 64 MB of float32."""

MOST_HELD = 256_000_000
"""Numbers that a graph of nodes may hold: 1 GB of float32."""

HEADLESS = re.compile(r"\.(self_)?attention$")
"""What comes after the name of a block in the name of its attention."""

OF_TOKENS = ("decoder", "prediction", "joiner")
"""First parts of the names of sites where tokens pass."""

ROWS_A_SECOND, UNITS = 100, 1024
"""Guesses for a site, before anything has passed it."""


def need(recognizer: Recognizer, *abilities: Any) -> None:
    """Raise `NotAble` unless a recogniser has all abilities."""
    for ability in abilities:
        if not isinstance(recognizer, ability):
            raise NotAble(f"{recognizer.name} cannot {ABILITIES[ability]}, which this analysis is made of")


def sounds(utterances: Iterable[Any]) -> tuple[Recording, ...]:
    """Return the recordings of utterances, which are recordings themselves or have `recording()`."""
    return tuple(each if isinstance(each, Recording) else each.recording() for each in utterances)


@dataclass(frozen=True, eq=False)
class Given:
    """Values `(n_rows, n_units)` to stand at a site; with `columns` `(n_units,)` only in those units."""

    values: Rows
    columns: NDArray[np.bool_] | None = None

    def put(self, before: Rows, first: int) -> Rows:
        """Return `before`, which are rows from `first` on, with the values in their place."""
        rows = self.values[first : first + len(before)]
        if rows.shape != before.shape:
            raise BadInput(f"{self.values.shape} values stand for rows {first} to {first + len(before)}; take another")
        return rows if self.columns is None else np.where(self.columns, rows, before)


@dataclass(eq=False)
class _Site:
    given: Given | None
    kept: bool
    seen: list[Rows] = field(default_factory=list)
    n_rows: int = 0

    def __call__(self, before: Rows) -> Rows:
        first, self.n_rows = self.n_rows, self.n_rows + len(before)
        if self.kept:
            self.seen.append(np.array(before))
        return before if self.given is None else self.given.put(before, first)


@dataclass(frozen=True, eq=False)
class Run:
    """Score of the target, and what reached each site, before anything was put in its place: `(n_rows, n_units)`."""

    score: float
    seen: Mapping[str, Rows]


def run(
    recognizer: Recognizer,
    recording: Recording,
    target: Target,
    *,
    sites: Sequence[str] = (),
    give: Mapping[str, Given] | None = None,
) -> Run:
    """Score a target once with values put at sites, and keep what reached others.

    Raises
    ------
    BadInput
        There is no such site, nothing passes it on the way to this score, or the values have another shape.
    """
    given = give or {}
    places = {site: _Site(given.get(site), site in sites) for site in dict.fromkeys((*sites, *given))}
    with edited(recognizer, places):
        score = float(recognizer.score([recording], [target])[0, 0])
    if missed := [site for site, place in places.items() if not place.n_rows]:
        raise BadInput(f"this score does not pass {', '.join(missed)}")
    return Run(score, {site: _joined(site, places[site].seen) for site in sites})


def passed_by(recognizer: Recognizer, recording: Recording, target: Target, sites: Sequence[str]) -> tuple[str, ...]:
    """Return the sites that something passes on the way to a score, of those given."""
    places = {site: _Site(None, kept=False) for site in sites}
    with edited(recognizer, places):
        recognizer.score([recording], [target])
    return tuple(site for site, place in places.items() if place.n_rows)


def _joined(site: str, pieces: Sequence[Rows]) -> Rows:
    if len({piece.shape[1:] for piece in pieces}) > 1:
        shapes = ", ".join(str(piece.shape) for piece in pieces)
        raise BadInput(f"what passes {site} comes in pieces that do not fit one another: {shapes}")
    return np.concatenate(pieces)


@contextlib.contextmanager
def edited(recognizer: Recognizer, edits: Mapping[str, Any]) -> Iterator[None]:
    """Open edits at a recogniser, if there are any."""
    with recognizer.edited(edits) if edits else contextlib.nullcontext():  # type: ignore[attr-defined]
        yield


def scores_with(
    recognizer: Recognizer, recording: Recording, target: Target, values: Iterable[Rows], *, at: str
) -> NDArray[np.float64]:
    """Return the score with each of `values` `(n_rows, n_units)` at a site, `(n_values,)`.

    In batches through `score_at` where the recogniser has it, else one by one under an edit: with the same result. One
    by one too where tokens pass: a decoder may be asked for more than the target (which language is it?), and then
    more passes there than `score_at` takes. No more than `VALUES_AT_ONCE` numbers are held at a time.
    """
    if not isinstance(recognizer, Substituting) or at.split(".")[0] in OF_TOKENS:
        found = [run(recognizer, recording, target, give={at: Given(rows)}).score for rows in values]
        return np.array(found, dtype=np.float64)
    scores: list[NDArray[np.float64]] = []
    for batch in _batches(values):
        scores.append(recognizer.score_at(recording, [target], np.stack(batch), at=at).scores[:, 0])
    return np.concatenate(scores) if scores else np.empty(0)


def _batches(values: Iterable[Rows]) -> Iterator[list[Rows]]:
    batch: list[Rows] = []
    for rows in values:
        batch.append(rows)
        if (len(batch) + 1) * rows.size > VALUES_AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def groups_of(recognizer: Recognizer, sites: Sequence[str], duration_s: float) -> Iterator[tuple[str, ...]]:
    """Yield sites in groups that can be recorded together within `RECORDED_AT_ONCE`, one site at least."""
    widths = {site.name: site.n_units or UNITS for site in recognizer.sites()}  # type: ignore[attr-defined]
    group: list[str] = []
    held = 0.0
    for site in sites:
        size = widths.get(site, UNITS) * duration_s * ROWS_A_SECOND
        if group and held + size > RECORDED_AT_ONCE:
            yield tuple(group)
            group, held = [], 0.0
        group.append(site)
        held += size
    if group:
        yield tuple(group)


def check_held(recognizer: Recognizer, sites: Sequence[str], duration_s: float) -> None:
    """Raise `BadInput` where what passes all sites at once would take more memory than `MOST_HELD` numbers."""
    widths = {site.name: site.n_units or UNITS for site in recognizer.sites()}  # type: ignore[attr-defined]
    size = sum(widths.get(site, UNITS) for site in sites) * duration_s * ROWS_A_SECOND
    if size > MOST_HELD:
        raise BadInput(
            f"what passes {len(sites)} sites in {duration_s:.0f} s of sound would take about {4e-9 * size:.1f} GB; "
            "take a shorter stretch or fewer nodes"
        )


def grids_of(recognizer: Recognizer, recording: Recording, sites: Sequence[str]) -> dict[str, FrameGrid | None]:
    """Return where the rows of each site lie in time; `None` where they are tokens."""
    grids: dict[str, FrameGrid | None] = {}
    for group in groups_of(recognizer, sites, recording.duration_s):
        activations = recognizer.trace(recording, record=group).activations
        grids |= {site: activations[site].grid for site in group}
    return grids
