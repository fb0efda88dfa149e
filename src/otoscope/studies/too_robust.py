"""Too robust? What a Whisper says for silence, noise and repeated audio, and which of its words are flagged.

Words that were made up should be flagged (recall), words of real speech should not (false alarms): for each kind of
evidence alone and for the verdict that weighs them all. The verdict's weights come with Otoscope, learnt on training
and validation splits; with `fit_on` they are learnt anew.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from otoscope.core import BadInput, Panel
from otoscope.core.protocols import Progress
from otoscope.corpora import read_corpus
from otoscope.recognizers.whisper.doubt_evidence import Evidence
from otoscope.recognizers.whisper.doubts import RULE, TESTS, Rule
from otoscope.recognizers.whisper.recognizer import WhisperRecognizer
from otoscope.studies.result import StudyResult
from otoscope.studies.robust_sounds import (
    Found,
    Tempting,
    found_in,
    made_noises,
    recorded_noises,
    repeats,
    silences,
    strings,
)

N_STRINGS, N_REPEATS, N_NOISES = 60, 12, 24
NOISE_CORPUS = "esc10-noise"
REAL = "real speech"
MOST_LEARNT = 12
"""Words of one recording that a rule is learnt from at most, so that one endless loop does not outweigh all others."""


@dataclass(frozen=True)
class Heard:
    """One word that was heard: in what kind of sound, whether it was said, and the evidence about it."""

    kind: str
    found: Found
    evidence: Evidence

    @property
    def made_up(self) -> bool:
        """Whether nobody said it: written for silence, noise, or a repetition that was not there."""
        return self.found == "made up" and self.kind != REAL


def run(
    recognizer: str | os.PathLike[str] | WhisperRecognizer,
    corpus: str | os.PathLike[str],
    *,
    noises: str | os.PathLike[str] | None = None,
    split: str = "valid",
    fit_on: str | None = None,
    limit: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> StudyResult:
    """Let a Whisper hear sounds that tempt it, and judge every word.

    Parameters
    ----------
    recognizer
        A folder or name of a Whisper.
    corpus
        Recordings of single words, which are joined to strings: real speech, and what is repeated.
    noises
        A corpus of noises; by default `esc10-noise` beside the corpus, where it has the split (`train` for `valid`).
    split
        Which split is judged.
    fit_on
        Splits, with commas between, to learn the verdict's weights from; by default those that come with Otoscope.
    limit
        Most sounds of each kind.
    seed
        Of strings, noises and repeats.

    Raises
    ------
    BadInput
        The recogniser is no Whisper, or the corpus has no such split.
    """
    began = time.perf_counter()
    whisper = opened(recognizer)
    rule = RULE
    if fit_on is not None:
        from otoscope.recognizers.whisper.doubt_fitting import fit_rule

        learnt = [
            word
            for number, own in enumerate(fit_on.split(","))
            for word in heard_in(whisper, tempting(corpus, noises, own, limit, seed + 1 + number), most=MOST_LEARNT)
        ]
        rule = fit_rule([w.evidence for w in learnt if w.kind == REAL], [w.evidence for w in learnt if w.made_up])
    sounds = list(tempting(corpus, noises, split, limit, seed))
    words = heard_in(whisper, sounds, progress)
    rows = table(words, rule)
    provenance = {
        "recognizer": {
            "name": whisper.name,
            "weights_sha256": whisper.provenance.weights_sha256,
            "parameters": dict(whisper.provenance.parameters),
        },
        "corpus": os.fspath(corpus),
        "split": split,
        "fit_on": fit_on,
        "rule": {"weights": dict(rule.weights), "bias": rule.bias, "threshold": rule.threshold},
        "limit": limit,
        "seed": seed,
        "versions": {"otoscope": version("otoscope")},
    }
    panels = (_recall_panel(rows), _kinds_panel(words, sounds, rule))
    return StudyResult("too-robust", _summary(rows), tuple(rows), panels, provenance, time.perf_counter() - began)


def opened(recognizer: str | os.PathLike[str] | WhisperRecognizer) -> WhisperRecognizer:
    """Return a Whisper that leaves no window out as silent, so that everything it would say is judged.

    Raises
    ------
    BadInput
        It is no Whisper.
    """
    if not isinstance(recognizer, WhisperRecognizer):
        from otoscope.recognizers import load

        found: Any = load(os.fspath(recognizer))
        if not isinstance(found, WhisperRecognizer):
            raise BadInput(f"{os.fspath(recognizer)} is no Whisper; this study asks what Whispers make up")
        recognizer = found
    return recognizer.with_options(most_no_speech=None)


def tempting(
    corpus: str | os.PathLike[str], noises: str | os.PathLike[str] | None, split: str, limit: int | None, seed: int
) -> Iterable[Tempting]:
    """Yield all sounds of a split: silence, noises, repeats, real speech."""
    words = read_corpus(corpus, split=split)
    spoken = list(strings(words, _most(N_STRINGS, limit), seed=seed))
    yield from list(silences())[: _most(99, limit)]
    yield from made_noises(_most(N_NOISES, limit), seed=seed)
    folder = Path(noises) if noises is not None else Path(corpus).absolute().parent / NOISE_CORPUS
    if folder.exists():
        yield from recorded_noises(
            read_corpus(folder, split="test" if split == "test" else "train")[: _most(99, limit)]
        )
    yield from repeats(spoken[: _most(N_REPEATS, limit)], seed=seed)
    yield from spoken


def _most(number: int, limit: int | None) -> int:
    return number if limit is None else min(number, limit)


def heard_in(
    whisper: WhisperRecognizer,
    sounds: Iterable[Tempting],
    progress: Progress | None = None,
    *,
    most: int | None = None,
) -> tuple[Heard, ...]:
    """Return every word (of each sound the first `most`) that is heard in the sounds, with its evidence."""
    from otoscope.recognizers.whisper.judging import evidence_in

    found: list[Heard] = []
    listed = list(sounds)
    for done, sound in enumerate(listed, start=1):
        evidence = evidence_in(whisper.parts, whisper.options, whisper.heads, sound.recording)
        how = found_in([each.word for each in evidence], sound.truth)
        found += [Heard(sound.kind, *each) for each in zip(how, evidence, strict=True)][:most]
        if progress is not None:
            progress(done, len(listed))
    return tuple(found)


def table(words: Sequence[Heard], rule: Rule) -> list[dict[str, Any]]:
    """Return a row for each kind of evidence and one for the verdict.

    `recall`: share of the words made up (silence, noise; in repeats those in whose place nothing was left to say) that
    are flagged; `false_alarms`: share of all words of real speech that are, wrong ones included. `None` where there are
    no words.
    """
    bad = [w.evidence for w in words if w.made_up]
    good = [w.evidence for w in words if w.kind == REAL]
    flags: dict[str, Callable[[Evidence], bool]] = {
        "verdict": lambda e: rule.probability(e) >= rule.threshold,
        **{kind: limit.fails for kind, limit in TESTS.items()},
    }
    return [
        {
            "evidence": kind,
            "recall": _share([flag(e) for e in bad]),
            "false_alarms": _share([flag(e) for e in good]),
            "threshold": rule.threshold if number == 0 else [*TESTS.values()][number - 1].threshold,
            "n_made_up": len(bad),
            "n_real": len(good),
        }
        for number, (kind, flag) in enumerate(flags.items())
    ]


def _share(flags: Sequence[bool]) -> float | None:
    return float(np.mean(flags)) if flags else None


def _recall_panel(rows: Sequence[dict[str, Any]]) -> Panel:
    data = {
        "labels": [f"{row['evidence']}, {name}" for row in rows for name in ("recall", "false alarms")],
        "values": [row[key] or 0.0 for row in rows for key in ("recall", "false_alarms")],
        "y_label": "share of words",
    }
    return Panel("bars", "Words flagged, by evidence", data, "Recall: words nobody said; false alarms: real speech.")


def _kinds_panel(words: Sequence[Heard], sounds: Sequence[Tempting], rule: Rule) -> Panel:
    rows = []
    for kind in dict.fromkeys(sound.kind for sound in sounds):
        own = [w for w in words if w.kind == kind]
        flagged = [w for w in own if rule.probability(w.evidence) >= rule.threshold]
        n_sounds = sum(sound.kind == kind for sound in sounds)
        n_bad, n_caught = (sum(w.made_up for w in some) for some in (own, flagged))
        rows.append([kind, n_sounds, len(own), n_bad, n_caught, len(flagged) - n_caught])
    columns = ["sound", "recordings", "words heard", "made up", "made up, flagged", "others, flagged"]
    caption = "In repeats a word counts as made up where nothing was left that it could stand for."
    return Panel("table", "What was heard in what", {"columns": columns, "rows": rows}, caption)


def _summary(rows: Sequence[dict[str, Any]]) -> str:
    verdict = rows[0]
    if verdict["recall"] is None:
        return (
            f"Nothing was made up; {_percent(verdict['false_alarms'])} of {verdict['n_real']} real words are flagged."
        )
    return (
        f"{_percent(verdict['recall'])} of {verdict['n_made_up']} words that nobody said are flagged, and "
        f"{_percent(verdict['false_alarms'])} of {verdict['n_real']} words of real speech."
    )


def _percent(share: float | None) -> str:
    return "none" if share is None else f"{100 * share:.1f} %"
