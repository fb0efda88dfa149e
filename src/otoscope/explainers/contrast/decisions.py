"""Maps of decisions: what is recognised at each point of a plane of sounds, and by how much it wins."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, DoesNotFit, Finding, Panel, Recognizer, Recording, Target
from otoscope.core.protocols import Progress
from otoscope.explainers.contrast.courses import Course
from otoscope.explainers.contrast.likeness import like, texts_shown
from otoscope.explainers.contrast.planes import Plane, between, changes

NOTHING = "(nothing)"
OTHER = "(other)"
MOST_LABELS = 9
MOST_AT_ONCE = 64
MOST_SPECKLED = 0.2
MOST_SILENT = 0.5
CAPTION = (
    "Colour: what is heard there; strong where it scores far better than the next best of the texts on the map, pale "
    "where it hardly does. Black lines: where something else takes over. Circles: the recordings, on the edge where "
    "the plane does not reach them. {how}"
)
ALIKE = (
    "A text counts as the one shown that has most of its words, if these are half or more, and is drawn half strong. "
)


def decision_regions(
    recognizer: Recognizer,
    recording: Recording,
    *,
    others: Sequence[Recording | str | os.PathLike[str]] = (),
    axes: Sequence[str] | None = None,
    labels: Sequence[str] | None = None,
    n: int = 13,
    course: Course = "dtw",
    seed: int = 0,
    progress: Progress | None = None,
) -> Finding:
    """Draw what is recognised in a plane of sounds around a recording: the Voronoi map of its decisions.

    Parameters
    ----------
    recognizer, recording
        Who listens; where the plane begins.
    others
        With two other recordings (or paths), the plane goes through all three; with one, the first axis goes to it.
    axes
        Two changes: of `otoscope.explainers.response.DIMENSIONS`, or `morph` with one other recording. By default
        `morph` and `snr` with one other, `pitch` and `tempo` with none.
    labels
        A closed set of texts: the best scored of them counts as heard, which takes no decoding. By default, what the
        recogniser says.
    n
        Points along each axis.
    course
        How recordings are brought together: `dtw` or `linear`.
    seed
        Of noise.
    progress
        Told (done, in all).

    Returns
    -------
    Finding
        `decision-regions`: a row for each text shown with its share of the plane, its mean margin in nats, and how
        many different texts count as it (`contrast.likeness`); a Panel `regions`.

    Raises
    ------
    BadInput, UnknownName
        More than two other recordings, axes that do not go with them, or scores that are NaN. A recogniser that hears
        nothing anywhere is a failure of the Finding.
    """
    given = [each if isinstance(each, Recording) else Recording.read(each, rate_hz=recording.rate_hz)
             for each in others]  # fmt: skip
    if len(given) > 2 or (len(given) == 2 and axes is not None):
        raise BadInput(f"a plane goes through one, two or three recordings; {len(given) + 1} with axes do not span one")
    together = [recording, *given]
    known = [recognizer.trace(each).text or NOTHING for each in together]
    if len(given) == 2:
        plane = between(together, known, n=n, course=course)
    else:
        wanted = tuple(axes) if axes is not None else (("morph", "snr") if given else ("pitch", "tempo"))
        other = given[0] if given else None
        plane = changes(recording, wanted, other=other, n=n, course=course, seed=seed, labels=known)
    return map_decisions(recognizer, plane, labels=labels, known=known, progress=progress)


def map_decisions(
    recognizer: Recognizer,
    plane: Plane,
    *,
    labels: Sequence[str] | None = None,
    known: Sequence[str] = (),
    progress: Progress | None = None,
) -> Finding:
    """Return what is recognised where in any plane, such as `vowel_plane`; see `decision_regions`.

    `known` are the texts heard in the recordings that the plane is made of; the map shows them first.

    Raises
    ------
    BadInput
        The plane has no sounds, a closed set no texts, or scores are NaN.
    """
    places = [(row, column) for row in range(plane.y.size) for column in range(plane.x.size)]
    made = [(place, plane.make(float(plane.x[place[1]]), float(plane.y[place[0]]))) for place in places]
    sounds = [(place, sound) for place, sound in made if sound is not None]
    if not sounds:
        raise BadInput(f"the plane {plane.name} has no sounds")
    if labels is None:
        heard = _traced(recognizer, [sound for _, sound in sounds], progress)
        names = texts_shown([text for text in heard if text != NOTHING], [t for t in known if t != NOTHING],
                            most=MOST_LABELS)  # fmt: skip
        scores = _scores(recognizer, [sound for _, sound in sounds], names, None) if len(names) > 1 else None
    else:
        names = list(dict.fromkeys(labels))
        scores = _scores(recognizer, [sound for _, sound in sounds], names, progress)
        heard = [names[int(np.argmax(row))] if np.isfinite(row).any() else NOTHING for row in scores]
    gridded = _gridded(plane, [place for place, _ in sounds], heard, names, scores)
    return _finding(recognizer, plane, gridded, forced=labels is not None)


def _traced(recognizer: Recognizer, sounds: Sequence[Recording], progress: Progress | None) -> list[str]:
    heard = []
    for done, sound in enumerate(sounds, start=1):
        heard.append(recognizer.trace(sound).text or NOTHING)
        if progress is not None:
            progress(done, len(sounds))
    return heard


def _scores(
    recognizer: Recognizer, sounds: Sequence[Recording], names: Sequence[str], progress: Progress | None
) -> NDArray[np.float64]:
    if not names:
        raise BadInput("a closed set of texts needs at least one")
    targets = [Target.utterance(name) for name in names]
    chunks = []
    for start in range(0, len(sounds), MOST_AT_ONCE):
        chunks.append(_fitting_scores(recognizer, sounds[start : start + MOST_AT_ONCE], targets))
        if progress is not None:
            progress(min(start + MOST_AT_ONCE, len(sounds)), len(sounds))
    scores = np.concatenate(chunks)
    if np.isnan(scores).any():
        raise BadInput(f"{recognizer.name} gives scores that are NaN: no text is the best of them")
    return scores


def _fitting_scores(
    recognizer: Recognizer, sounds: Sequence[Recording], targets: Sequence[Target]
) -> NDArray[np.float64]:
    """Return `(n_sounds, n_targets)` scores; a text too long for a sound, as a fast one may be, scores -inf there."""
    try:
        return np.asarray(recognizer.score(list(sounds), targets), dtype=np.float64)
    except DoesNotFit:
        if len(sounds) == len(targets) == 1:
            return np.full((1, 1), -np.inf)
    if len(sounds) > 1:
        return np.concatenate([_fitting_scores(recognizer, [sound], targets) for sound in sounds])
    return np.concatenate([_fitting_scores(recognizer, sounds, [target]) for target in targets], axis=1)


@dataclass(frozen=True, eq=False)
class _Gridded:
    """What is shown at each point: index of the text shown (-1 outside), its margin, the texts, and all that was heard.

    `heard` has for each text shown the different texts that count as it.
    """

    grid: NDArray[np.int64]
    margin: NDArray[np.float64]
    shown: tuple[str, ...]
    heard: tuple[frozenset[str], ...]


def _gridded(
    plane: Plane,
    places: Sequence[tuple[int, int]],
    heard: Sequence[str],
    names: Sequence[str],
    scores: NDArray[np.float64] | None,
) -> _Gridded:
    """Return what the map shows: texts in the order of `names` where they are heard, `(other)` and `(nothing)` last."""
    counted = {text: NOTHING if text == NOTHING else like(text, names) or OTHER for text in set(heard)}
    shown = tuple(name for name in (*names, OTHER, NOTHING) if name in counted.values())
    grid = np.full((plane.y.size, plane.x.size), -1, dtype=np.int64)
    margin = np.full(grid.shape, np.nan)
    for index, (place, text) in enumerate(zip(places, heard, strict=True)):
        grid[place] = shown.index(counted[text])
        if scores is not None and text in names and len(names) > 1:
            own = list(names).index(text)
            gap = scores[index, own] - np.delete(scores[index], own).max()
            margin[place] = gap if np.isfinite(gap) else np.nan
    return _Gridded(grid, margin, shown, tuple(frozenset(t for t in counted if counted[t] == name) for name in shown))


def speckled_share(grid: NDArray[np.int64]) -> float:
    """Return the share of points that differ from all their neighbours above, below, left and right.

    Examples
    --------
    >>> speckled_share(np.array([[0, 0], [0, 1]]))
    0.25
    """
    padded = np.pad(grid, 1, constant_values=-1)
    sides = [padded[1:-1, :-2], padded[1:-1, 2:], padded[:-2, 1:-1], padded[2:, 1:-1]]
    inside = grid >= 0
    if not inside.any():
        return 0.0
    alone = np.all([side != grid for side in sides], axis=0) & np.any([side >= 0 for side in sides], axis=0)
    return float(alone[inside].mean())


def _finding(recognizer: Recognizer, plane: Plane, found: _Gridded, *, forced: bool) -> Finding:
    rows = tuple(_row(index, found, plane) for index in range(len(found.shown)))
    failures = _failures(found.grid, found.shown)
    data = {"labels": list(found.shown), "grid": found.grid, "margin": found.margin, "x": plane.x, "y": plane.y,
            "x_label": plane.x_label, "y_label": plane.y_label, "points": [dict(point) for point in plane.points],
            "hide_axes": plane.hide_axes}  # fmt: skip
    title = "What is heard where" + (" (the best of a closed set)" if forced else "")
    merged = any(len(texts) > 1 for name, texts in zip(found.shown, found.heard, strict=True) if name != OTHER)
    caption = CAPTION.format(how=(ALIKE if merged else "") + plane.how)
    panel = Panel("regions", title, data, caption, "; ".join(failures))
    made = recognizer.provenance
    facts = {"recognizer": made.recognizer, "version": made.version, "weights_sha256": made.weights_sha256,
             "plane": plane.name, "how": plane.how, "n_points": int((found.grid >= 0).sum())}  # fmt: skip
    largest = sorted(rows, key=lambda row: -row["share"])
    told = "; ".join(f"{_told(row)} {row['share']:.0%}" for row in largest[:6])
    summary = f"Of {facts['n_points']} points: {told}."
    return Finding("decision-regions", summary, rows, (panel,), facts, failures)


def _told(row: dict[str, Any]) -> str:
    if row["text"] == OTHER:
        return f"{row['n_texts']} other text{'s' * (row['n_texts'] != 1)}"
    if row["text"] == NOTHING:
        return "nothing"
    return f"“{row['text']}”" + (" or like it" if row["n_texts"] > 1 else "")


def _row(index: int, found: _Gridded, plane: Plane) -> dict[str, Any]:
    here = found.grid == index
    rows, columns = np.nonzero(here)
    known = found.margin[here & np.isfinite(found.margin)]
    return {
        "text": found.shown[index],
        "n_texts": len(found.heard[index]),
        "n_points": int(here.sum()),
        "share": float(here.sum() / max(int((found.grid >= 0).sum()), 1)),
        "mean_margin": float(known.mean()) if known.size else None,
        "x_centre": float(plane.x[columns].mean()),
        "y_centre": float(plane.y[rows].mean()),
    }


def _failures(grid: NDArray[np.int64], shown: Sequence[str]) -> tuple[str, ...]:
    found = []
    speckled = speckled_share(grid)
    if speckled > MOST_SPECKLED:
        found.append(f"{speckled:.0%} of the points differ from all their neighbours: borders are finer than the grid")
    if NOTHING in shown:
        silent = float((grid == list(shown).index(NOTHING)).sum() / (grid >= 0).sum())
        if silent > MOST_SILENT:
            found.append(f"nothing is heard at {silent:.0%} of the points")
    return tuple(found)
