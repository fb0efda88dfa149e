"""Audrey's bar: digits of one speaker, known by their likeness to a few stored utterances of that speaker.

Audrey (Davis, Biddulph & Balashek 1952) knew 97 % of its talker's digits. Here each speaker of a corpus of single
digits is a talker: templates come from some repetitions of each digit, spread evenly over that speaker's recordings,
and all others are tested. The slope was chosen on the speakers of the train split; how much of a word's mean is taken
out, how far sound is levelled, the margin at the ends of a word, its neighbours and its scale on the templates alone,
of all speakers: some of each digit, drawn at random many times, as templates for the others.
"""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput
from otoscope.core.protocols import Progress
from otoscope.metrics.error_rate import error_rate
from otoscope.recognizers.template.calibration import Calibration
from otoscope.recognizers.template.card import TemplateCard
from otoscope.recognizers.template.examples import word_frames
from otoscope.recognizers.template.matching import Learner
from otoscope.recognizers.template.recognizer import TemplateRecognizer
from otoscope.recognizers.template.training import (
    AUDREY,
    AUDREY_ENDPOINTS,
    AUDREY_FORMANTS,
    DIGITS,
    from_examples,
)
from otoscope.studies.audrey_panels import panels
from otoscope.studies.audrey_talker import Talker
from otoscope.studies.digits import joined_digits, spoken_digits, wilson_interval
from otoscope.studies.result import StudyResult

N_TEMPLATES = 10
"""Utterances of each digit that templates are made of."""
COUNTS = (1, 2, 5, 10)
N_DRAWS = 2
N_STRINGS = 10
STRING_LENGTH = 5
MAIN = "warping P=0"

VARIANTS: Mapping[str, Learner] = {
    "formants": AUDREY_FORMANTS,
    MAIN: AUDREY,
    "warping P=1/2": dataclasses.replace(AUDREY, pattern="symmetric_p05"),
    "warping P=1": dataclasses.replace(AUDREY, pattern="symmetric_p1"),
    "warping P=2": dataclasses.replace(AUDREY, pattern="symmetric_p2"),
    "3 medoids": dataclasses.replace(AUDREY, method="medoids", n_templates=3, n_nearest=1, scaled=False),
    "3 averages": dataclasses.replace(AUDREY, method="averages", n_templates=3, n_nearest=1, scaled=False),
}
CARD = TemplateCard("audrey", DIGITS, Calibration(1.0, 1.0), AUDREY_ENDPOINTS)


def run(
    corpus: str | os.PathLike[str],
    *,
    seed: int = 0,
    n_templates: int = N_TEMPLATES,
    progress: Progress | None = None,
) -> StudyResult:
    """Test each speaker of a corpus of digits with templates of that speaker alone.

    Parameters
    ----------
    corpus
        Folder with `manifest.tsv`; each text is one digit.
    seed
        Of the draws of templates and the digit strings.
    n_templates
        Utterances of each digit that become templates.
    progress
        Called with (speakers done, all speakers).

    Raises
    ------
    BadInput
        A speaker has no more than `n_templates` utterances of a digit, or fewer than two are asked for.
    """
    began = time.perf_counter()
    talkers = _talkers(corpus, n_templates)
    rows: list[dict[str, Any]] = []
    confusions = np.zeros((len(DIGITS), len(DIGITS) + 1), dtype=np.int64)
    made = []
    for n_done, talker in enumerate(talkers, start=1):
        talker = _heard(talker)
        rows += _variant_rows(talker, n_templates)
        rows += _drawn_rows(talker, n_templates, seed)
        recognizer, row, counts = _recognised(talker, n_templates, seed)
        rows += row
        confusions += counts
        made.append((talker, recognizer))
        if progress is not None:
            progress(n_done, len(talkers))
    provenance = {
        "n_templates": n_templates,
        "learners": {name: dataclasses.asdict(learner) for name, learner in VARIANTS.items()},  # type: ignore[call-overload]
        "weights_sha256": {talker.name: recognizer.provenance.weights_sha256 for talker, recognizer in made},
        "versions": {"otoscope": version("otoscope"), "numpy": np.__version__},
        "seed": seed,
    }
    pictures = panels(rows, confusions, *made[0])
    return StudyResult(
        "audrey", _summary(rows, n_templates), tuple(rows), pictures, provenance, time.perf_counter() - began
    )


def _talkers(corpus: str | os.PathLike[str], n_templates: int) -> list[Talker]:
    if n_templates < 2:
        raise BadInput(f"n_templates must be 2 or more (calibration holds one out), got {n_templates}")
    utterances = [u for split in ("train", "valid", "test") for u in spoken_digits(corpus, split)]
    talkers = []
    for name in dict.fromkeys(u.speaker for u in utterances):
        own = tuple(tuple(u for u in utterances if u.speaker == name and u.text == digit) for digit in DIGITS)
        fewest = min(len(said) for said in own)
        if fewest <= n_templates:
            raise BadInput(
                f"{name} says a digit {fewest} times; {n_templates} templates leave none to test: ask for fewer"
            )
        talkers.append(Talker(name, own[0][0].split, own, {}))
    return talkers


def _heard(talker: Talker) -> Talker:
    """Return the talker with the frames of all utterances by both front ends."""
    frames = {
        kind: tuple(
            tuple(word_frames(u.recording(rate_hz=None), learner, CARD) for u in own) for own in talker.utterances
        )
        for kind, learner in (("formants", AUDREY_FORMANTS), ("warping", AUDREY))
    }
    return dataclasses.replace(talker, frames=frames)


def _frames(talker: Talker, variant: str) -> tuple[tuple[NDArray[Any], ...], ...]:
    return talker.frames["formants" if variant == "formants" else "warping"]


def _right(talker: Talker, variant: str, chosen: Sequence[Sequence[int]]) -> tuple[int, int]:
    """Return how many utterances that are no templates have the nearest word right, and how many there are."""
    frames = _frames(talker, variant)
    matcher = VARIANTS[variant].matcher([[own[i] for i in at] for own, at in zip(frames, chosen, strict=True)])
    tested = [
        int(np.argmin(matcher.distances(own[i]))) == digit
        for digit, (own, at) in enumerate(zip(frames, chosen, strict=True))
        for i in range(len(own))
        if i not in at
    ]
    return sum(tested), len(tested)


def _row(
    talker: Talker, variant: str, n: int, counts: tuple[int, int], *, what: str = "nearest word"
) -> dict[str, Any]:
    low, high = wilson_interval(*counts)
    return {
        "speaker": talker.name,
        "split": talker.split,
        "variant": variant,
        "templates_a_digit": n,
        "what": what,
        "n": counts[1],
        "right": counts[0] / counts[1],
        "right_low": low,
        "right_high": high,
    }


def _variant_rows(talker: Talker, n_templates: int) -> list[dict[str, Any]]:
    plain = dict.fromkeys(VARIANTS, n_templates)
    rows = [_row(talker, variant, n, _right(talker, variant, talker.spread(n))) for variant, n in plain.items()]
    fewer = [n for n in COUNTS if n < n_templates]
    return rows + [_row(talker, MAIN, n, _right(talker, MAIN, talker.spread(n))) for n in fewer]


def _drawn_rows(talker: Talker, n_templates: int, seed: int) -> list[dict[str, Any]]:
    """Templates drawn at random: how much hangs on which utterances are stored. Counts are pooled over the draws."""
    counts = np.zeros(2, dtype=int)
    for draw in range(N_DRAWS):
        chosen = talker.drawn(n_templates, np.random.default_rng((seed, draw)))
        counts += _right(talker, MAIN, chosen)
    right, n = counts.tolist()
    return [_row(talker, MAIN, n_templates, (right, n), what=f"nearest word, {N_DRAWS} random choices of templates")]


def _recognised(
    talker: Talker, n_templates: int, seed: int
) -> tuple[TemplateRecognizer, list[dict[str, Any]], NDArray[np.int64]]:
    """The whole recogniser on recordings: endpoints, rejection, and strings of digits; with counts of confusions."""
    chosen = talker.spread(n_templates)
    examples = [[own[i] for i in at] for own, at in zip(_frames(talker, MAIN), chosen, strict=True)]
    recognizer = from_examples(AUDREY, examples, CARD)
    counts = np.zeros((len(DIGITS), len(DIGITS) + 1), dtype=np.int64)
    rest = [[u for i, u in enumerate(own) if i not in at] for own, at in zip(talker.utterances, chosen, strict=True)]
    for digit, own in enumerate(rest):
        for utterance in own:
            text = recognizer.trace(utterance.recording(rate_hz=None)).text
            counts[digit, DIGITS.index(text) if text in DIGITS else -1] += 1
    right = int(np.trace(counts[:, :-1]))
    rows = [_row(talker, MAIN, n_templates, (right, int(counts.sum())), what="recogniser with rejection")]
    connected = TemplateRecognizer(dataclasses.replace(recognizer.card, connected=True), recognizer.matcher)
    rng = np.random.default_rng(seed)
    pool = [u for own in rest for u in own]
    n_right = n_words = 0
    for _ in range(N_STRINGS):
        said = [pool[i] for i in rng.integers(0, len(pool), STRING_LENGTH)]
        heard = connected.trace(joined_digits([u.recording(rate_hz=None) for u in said], rng)).text
        rate = error_rate(" ".join(u.text for u in said), heard)
        n_right, n_words = n_right + max(0, rate.n_reference - rate.errors), n_words + rate.n_reference
    what = f"words of connected strings of {STRING_LENGTH}, 1 - WER"
    return recognizer, [*rows, _row(talker, MAIN, n_templates, (n_right, n_words), what=what)], counts


def _summary(rows: Sequence[Mapping[str, Any]], n_templates: int) -> str:
    main = [r for r in rows if r["what"] == "recogniser with rejection"]
    each = ", ".join(f"{r['speaker']} {100 * r['right']:.1f} %" for r in main)
    right, n = sum(round(r["right"] * r["n"]) for r in main), sum(r["n"] for r in main)
    low, high = wilson_interval(right, n)
    above = sum(r["right"] >= 0.99 for r in main)
    return (
        f"With {n_templates} templates of each digit, {100 * right / n:.1f} % of their own speaker's digits were right "
        f"(95 % interval {100 * low:.1f} to {100 * high:.1f} %, n = {n}; Audrey: 97 %): {each}. "
        f"{above} of {len(main)} speakers reach 99 %."
    )
