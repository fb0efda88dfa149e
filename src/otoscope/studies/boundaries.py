"""Boundaries: how near the times of aligners are to the truth, and whether they notice a wrong transcript.

Synthetic speech, whose phone times are known, goes in; each recogniser that aligns is given the true transcript, then
three wrong ones: one word replaced, two neighbours swapped, another sentence. A time is right or wrong by its distance
from the truth; coverage says which share of boundaries received a time at all. Phones are judged where the voice
speaks American English, whose phones are known by their ARPAbet names. `otoscope-en` was taught espeak-ng's
voices besides people: for it, this is not speech of another kind.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import (
    Aligning,
    Alignment,
    BadInput,
    OtoscopeError,
    Panel,
    Recognizer,
    Recording,
    Tier,
    UnknownName,
)
from otoscope.core.protocols import Progress
from otoscope.decoding.edit_distance import align_sequences
from otoscope.lexicon.normalization import normalize_words
from otoscope.recognizers import align, load
from otoscope.recognizers.evaluation.entrant import Entrant
from otoscope.signal.espeak_phones import ARPABET, arpabet
from otoscope.studies.boundary_speech import Spoken, corpus_speech, synthetic_speech
from otoscope.studies.entrants import Entrants, entrants_of, label_of
from otoscope.studies.result import StudyResult

TOLERANCES_S = (0.010, 0.025, 0.050)
COVERING = 0.95
"""Share of words that the nearest aligner must place, where any does."""
WRONG = ("replaced", "swapped", "another")
_ARPABET = {symbol for symbols in ARPABET.values() for symbol in symbols}

Span = tuple[float, float]


@dataclass
class _Tally:
    """What one recogniser did with all utterances."""

    words: list[NDArray[np.float64]]
    phones: list[NDArray[np.float64]]
    n_words: int = 0
    n_phones: int = 0
    n_refused: int = 0
    reason: str = ""


def run(
    recognizers: Entrants = "otoscope-en",
    *,
    corpus: str | os.PathLike[str] | None = None,
    split: str | None = None,
    texts: str = "sentences",
    n_utterances: int = 40,
    seed: int = 0,
    progress: Progress | None = None,
) -> StudyResult:
    """Align known speech with its transcript and with wrong ones.

    Parameters
    ----------
    recognizers
        Names or folders, with commas between, or a sequence.
    corpus, split
        A synthetic corpus with its tiers, as `otoscope corpus synthesize` makes; by default speech is made here.
    texts
        What is said where no corpus is given: `sentences`, or `digits` for recognisers that know no other words.
    n_utterances
        How many.
    seed
        Of voices, choice and wrong transcripts.
    progress
        Called with (utterances done, all utterances of all recognisers).

    Raises
    ------
    MissingExtra
        No corpus is given, and espeakng-loader is not installed.
    BadInput
        The corpus has no tiers, or `texts` or `n_utterances` is out of range.
    """
    began = time.perf_counter()
    entrants = entrants_of(recognizers)
    if n_utterances < 2:
        raise BadInput(f"n_utterances must be 2 or more, got {n_utterances}")
    speech = (
        synthetic_speech(texts, n_utterances, seed=seed)
        if corpus is None
        else corpus_speech(Path(corpus), n_utterances, split=split, seed=seed)
    )
    rows = []
    for number, entrant in enumerate(entrants):
        recognizer = load(entrant.name, **entrant.parameters) if isinstance(entrant, Entrant) else entrant
        offset = number * len(speech)
        told = None if progress is None else _told(progress, offset, len(entrants) * len(speech))
        rows.append(_row(label_of(entrant), recognizer, speech, seed, told))
    provenance = {
        "corpus": None if corpus is None else os.fspath(corpus),
        "texts": texts,
        "n_utterances": len(speech),
        "n_words": sum(len(one.words) for one in speech),
        "n_phones": sum(len(_known_phones(one.phones)) for one in speech),
        "versions": {"otoscope": version("otoscope")},
        "seed": seed,
    }
    return StudyResult(
        "boundaries", _summary(rows), tuple(rows), _panels(rows), provenance, time.perf_counter() - began
    )


def _told(progress: Progress, offset: int, total: int) -> Callable[[int], None]:
    return lambda done: progress(offset + done, total)


def _row(
    name: str, recognizer: Recognizer, speech: Sequence[Spoken], seed: int, told: Callable[[int], None] | None
) -> dict[str, Any]:
    tally = _Tally([], [])
    flagged = dict.fromkeys(WRONG, 0)
    rng = np.random.default_rng(seed)
    for index, one in enumerate(speech):
        _count(tally, one, recognizer)
        for kind, text in wrong_texts(one, speech, rng).items():
            flagged[kind] += isinstance(_aligned(recognizer, one.recording, text), str)
        if told is not None:
            told(index + 1)
    aligns = isinstance(recognizer, Aligning)
    shares = {f"flagged_{kind}": n / len(speech) if aligns else None for kind, n in flagged.items()}
    return {
        "recognizer": name,
        "aligns": aligns,
        **_errors("word", tally.words, tally.n_words),
        **_errors("phone", tally.phones, tally.n_phones),
        "refused": tally.n_refused / len(speech),
        **shares,
        "why_refused": tally.reason,
    }


def _count(tally: _Tally, one: Spoken, recognizer: Recognizer) -> None:
    """Align one utterance with what was said, and add the distances to the tally."""
    units = _known_phones(one.phones)
    tally.n_words += len(one.words)
    tally.n_phones += len(units)
    found = _aligned(recognizer, one.recording, one.text)
    if isinstance(found, str):
        tally.n_refused += 1
        tally.reason = tally.reason or found
        return
    said = [(normalize_words(word.label), (word.start_s, word.end_s)) for word in one.words]
    heard = Tier("words", found.words.intervals)
    tally.words.append(offsets_s(said, heard, same=lambda label: " ".join(normalize_words(label))))
    if units and found.phones is not None and any(_bare(phone.label) in _ARPABET for phone in found.phones):
        known = Tier("phones", tuple(phone for phone in found.phones if _bare(phone.label) in _ARPABET))
        tally.phones.append(offsets_s(units, known, same=_bare))


def _known_phones(phones: Tier) -> list[tuple[tuple[str, ...], Span]]:
    """Return the ARPAbet symbols and the span of each phone, or nothing if a voice speaks another English."""
    try:
        return [(arpabet(phone.label), (phone.start_s, phone.end_s)) for phone in phones]
    except UnknownName:
        return []


def _bare(label: str) -> str:
    """Return a phone without its stress, in capitals."""
    return label.rstrip("012").upper()


def offsets_s(
    reference: Sequence[tuple[Sequence[str], Span]], found: Tier, *, same: Callable[[str], str]
) -> NDArray[np.float64]:
    """Return `(n, 2)` distances of start and end of those reference intervals that received a time.

    Parameters
    ----------
    reference
        Each interval's labels (some phones are made in one piece, with no boundary between) and its span.
    found
        What the aligner gave.
    same
        Makes a found label comparable with the reference's.

    Notes
    -----
    Labels are aligned at the least cost; a substitution counts as the same place (dictionaries differ in vowels), so
    coverage says where a time is missing, not where a name differs.
    """
    symbols = [(symbol, index) for index, (labels, _) in enumerate(reference) for symbol in labels]
    path = align_sequences([symbol for symbol, _ in symbols], [same(interval.label) for interval in found])
    places: dict[int, list[int]] = {}
    for step in path.operations:
        if step.reference_index is not None and step.hypothesis_index is not None:
            places.setdefault(symbols[step.reference_index][1], []).append(step.hypothesis_index)
    rows = [
        (found[at[0]].start_s - reference[index][1][0], found[at[-1]].end_s - reference[index][1][1])
        for index, at in places.items()
        if len(at) == len(reference[index][0])
    ]
    return np.array(rows, dtype=np.float64).reshape(len(rows), 2)


def _aligned(recognizer: Recognizer, recording: Recording, text: str) -> Alignment | str:
    """Return the alignment, or why it was refused."""
    try:
        return align(recognizer, recording, text)
    except OtoscopeError as error:
        return " ".join(str(error).split())


def wrong_texts(one: Spoken, speech: Sequence[Spoken], rng: np.random.Generator) -> dict[str, str]:
    """Return three transcripts that are not what was said."""
    words = list(normalize_words(one.text))
    others = [other for other in speech if normalize_words(other.text) != tuple(words)]
    if not others:
        raise BadInput("wrong transcripts need two texts at least; all utterances say the same")
    another = others[int(rng.integers(len(others)))]
    pool = sorted({word for other in others for word in normalize_words(other.text)} - set(words))
    replaced = list(words)
    place = int(np.argmax([len(word) for word in words]))
    like = sorted(pool or ["otherwise"], key=lambda word: (abs(len(word) - len(words[place])), word))
    replaced[place] = like[int(rng.integers(min(5, len(like))))]
    swaps = [i for i in range(len(words) - 1) if words[i] != words[i + 1]]
    swapped = list(words)
    if swaps:
        at = swaps[int(rng.integers(len(swaps)))]
        swapped[at], swapped[at + 1] = swapped[at + 1], swapped[at]
    else:
        swapped = words[::-1] if words[::-1] != words else replaced
    texts = (" ".join(replaced), " ".join(swapped), " ".join(normalize_words(another.text)))
    return dict(zip(WRONG, texts, strict=True))


def _errors(unit: str, offsets: Sequence[NDArray[np.float64]], n_reference: int) -> dict[str, Any]:
    """Return median, shares within the tolerances and coverage; `None` where there are no times of this unit."""
    names = [f"{unit}_within_{round(1000 * tolerance)}_ms" for tolerance in TOLERANCES_S]
    none = 0.0 if n_reference else None
    empty = {f"{unit}_median_s": None, **dict.fromkeys(names), f"{unit}_coverage": none}
    if not offsets or not sum(len(rows) for rows in offsets):
        return empty
    every = np.concatenate(list(offsets))
    distances = np.abs(every).ravel()
    shares = {name: float((distances <= t + 1e-6).mean()) for name, t in zip(names, TOLERANCES_S, strict=True)}
    return {f"{unit}_median_s": float(np.median(distances)), **shares, f"{unit}_coverage": len(every) / n_reference}


def _panels(rows: Sequence[dict[str, Any]]) -> tuple[Panel, ...]:
    timed = [row for row in rows if row["word_median_s"] is not None]
    panels = []
    if timed:
        series = [
            {"label": f"{row['recognizer']}, {unit}s", "y": [row[f"{unit}_within_{ms}_ms"] for ms in (10, 25, 50)]}
            for row in timed
            for unit in ("word", "phone")
            if row[f"{unit}_median_s"] is not None
        ]
        data = {"x": [10, 25, 50], "series": series, "x_label": "within (ms)", "y_label": "share of boundaries"}
        panels.append(Panel("lines", "Boundaries within a distance", data, "Of those that received a time."))
    columns = ["recognizer", *(f"flagged_{kind}" for kind in WRONG), "refused"]
    data = {"columns": columns, "rows": [[row[column] for column in columns] for row in rows]}
    caption = "Share of transcripts refused: wrong ones (as many as possible) and the true one (none, at best)."
    return (*panels, Panel("table", "Are wrong transcripts noticed?", data, caption))


def _summary(rows: Sequence[dict[str, Any]]) -> str:
    timed = [row for row in rows if row["word_median_s"] is not None]
    if not timed:
        return "No recogniser aligned anything."
    covering = [row for row in timed if row["word_coverage"] >= COVERING]
    whole = f"Of those that placed {COVERING:.0%} of words or more, " if 0 < len(covering) < len(timed) else ""
    covering = covering or timed
    best = min(covering, key=lambda row: row["phone_median_s"] or row["word_median_s"])
    unit = "phone" if best["phone_median_s"] is not None else "word"
    flagged = [f"{100 * best[f'flagged_{kind}']:.0f} %" for kind in WRONG]
    return (
        f"{whole}{best['recognizer']} is nearest: median error of {unit} boundaries "
        f"{1000 * best[f'{unit}_median_s']:.1f} ms at {100 * best[f'{unit}_coverage']:.1f} % coverage; it flagged "
        f"{flagged[0]} of transcripts with a word replaced, {flagged[1]} with two swapped, {flagged[2]} of those of "
        "another sentence."
    )
