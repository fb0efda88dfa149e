"""How often is a word said alone the best of all that a listener knows?

Synthetic voices that nothing was trained on, nor chosen by, say words of the mental lexicon, and people say words of
three corpora; every word of the lexicon competes, and what counts is who is ahead when the sound is over (the
final-state rule). Published beside it: DIANA finds about 90 % of almost 5,000 words among 26,000.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from otoscope.core.protocols import Progress
from otoscope.corpora.manifest import Utterance, read_manifest
from otoscope.lexicon.mental_lexicon import MentalLexicon
from otoscope.lexicon.normalization import normalize_words
from otoscope.listener.ears.voices import JUDGED
from otoscope.listener.listening import Settings, WordListener
from otoscope.listener.stimuli.items import Item
from otoscope.listener.stimuli.speaking import Speaker
from otoscope.metrics.agreement import bootstrap_interval
from otoscope.studies.listener_recognition_panels import panels_of_recognition
from otoscope.studies.listener_speech import Drawing, Vocabulary, acoustic_scores, drawn_words, spoken_in_turn
from otoscope.studies.result import StudyResult

MAIN = "evenly, Zipf 2 and more"
SAMPLES: Mapping[Drawing, str] = {"known": MAIN, "frequency": "by frequency", "any": "evenly, all words"}
"""How words are drawn, as the table says it."""
BINS = (0.0, 2.0, 3.0, 4.0, 5.0, 9.0)
"""Edges of bins of Zipf frequency."""
CORPORA = ("misc-smoke", "fsdd", "wuw-corpus-ii")
OTHER_EARS, OTHER_WEIGHT = "otoscope-en", 0.0
"""Another front end, and its λ: the best for validation voices."""


@dataclass(frozen=True)
class Ranked:
    """One word heard: its frequency, by whom, and its ranks by size of lexicon, homophones pooled and spelled apart."""

    word: str
    zipf: float
    voice: str
    pooled: Mapping[int, int]
    spelled: Mapping[int, int]


def run(
    *,
    n_words: int = 600,
    n_others: int = 300,
    n_otoscope: int = 60,
    sizes: Sequence[int] = (1_000, 10_000, 26_000),
    data: str | os.PathLike[str] | None = None,
    lexicon: MentalLexicon | None = None,
    settings: Settings | None = None,
    voices: Sequence[str] = JUDGED,
    seed: int = 0,
    progress: Progress | None = None,
) -> StudyResult:
    """Rank spoken words among all of a lexicon.

    Parameters
    ----------
    n_words
        Words drawn evenly from those of Zipf 2 and more (once in ten million), for the main row.
    n_others
        Words drawn by frequency, and as many drawn evenly from all.
    n_otoscope
        How many of the main row's words are heard through the emissions of `otoscope-en` too; 0: none.
    sizes
        Smaller lexica: so many of the most frequent words, and the words spoken.
    data
        Folder with `misc-smoke`, `fsdd` and `wuw-corpus-ii`, for words that people say; those that are not there are
        left out, and the summary says so.
    lexicon, settings
        Of the listener; English and its defaults, which come from other voices.
    voices
        They speak in turn.
    seed
        Draws words.
    progress
        Called with (words heard, all synthetic ones).

    Returns
    -------
    StudyResult
        A row for each set of words, front end and lexicon: `top_1` with a 95 % interval over words, `top_10`, `top_200`
        and `median_rank`, homophones `pooled` or told apart by spelling; sets within bins of frequency, by accent
        and by voice, too. Voices that are not American say words as espeak-ng reads them, now and then as no dictionary
        does.
    """
    began = time.perf_counter()
    listener = WordListener(lexicon, settings=settings)
    samples, unsaid = _samples(listener.lexicon, (n_words, n_others), voices, seed)
    heard = _heard(listener, samples, sizes, progress)
    rows = _synthetic_rows(heard, len(listener.lexicon))
    if n_otoscope:
        rows += _otoscope_rows(listener, samples[MAIN][:n_otoscope])
    real, missing = _real_rows(listener, data)
    rows += real
    provenance = {
        "voices": list(voices),
        "words": {name: [item.word for item in items] for name, items in samples.items()},
        "not_said": list(unsaid),
        "listener": {
            "n_words": len(listener.lexicon),
            "frequency_weight": listener.settings.frequency_weight,
            "ears": listener.ears.card.name,
            "weights_sha256": listener.ears.sha256,
        },
        "corpora_left_out": missing,
        "seed": seed,
        "versions": {"otoscope": version("otoscope")},
    }
    summary = _summary(rows, len(voices), missing)
    panels = panels_of_recognition(rows)
    return StudyResult("listener-recognition", summary, tuple(rows), panels, provenance, time.perf_counter() - began)


def _samples(
    lexicon: MentalLexicon, numbers: tuple[int, int], voices: Sequence[str], seed: int
) -> tuple[dict[str, tuple[Item, ...]], tuple[str, ...]]:
    rng = np.random.default_rng(seed)
    found: dict[str, tuple[Item, ...]] = {}
    unsaid: tuple[str, ...] = ()
    for drawing, name in SAMPLES.items():
        words = drawn_words(lexicon, numbers[0] if name == MAIN else numbers[1], drawing, rng)
        items, more = spoken_in_turn([Item(word, word) for word in words], voices, lexicon)
        found, unsaid = {**found, name: items}, (*unsaid, *more)
    return found, unsaid


def _heard(
    listener: WordListener, samples: Mapping[str, Sequence[Item]], sizes: Sequence[int], progress: Progress | None
) -> dict[str, list[Ranked]]:
    whole, weight = listener.lexicon, listener.settings.frequency_weight
    n_all, done = sum(map(len, samples.values())), 0
    found: dict[str, list[Ranked]] = {}
    for name, items in samples.items():
        spoken = [item.label for item in items]
        parts = {n: Vocabulary.most_frequent(whole, n, spoken) for n in (*sizes, len(whole)) if n <= len(whole)}
        found[name] = []
        for item in items:
            scores = acoustic_scores(listener, item.sound)
            word, voice = item.label, item.voice or ""
            pooled = {n: part.pooled_rank(scores, word, weight) for n, part in parts.items()}
            spelled = {n: part.word_rank(scores, word, weight) for n, part in parts.items()}
            found[name].append(Ranked(word, whole.zipf(word), voice, pooled, spelled))
            done += 1
            if progress is not None:
                progress(done, n_all)
    return found


def _synthetic_rows(heard: Mapping[str, Sequence[Ranked]], n_whole: int) -> list[dict[str, Any]]:
    rows = []
    for name, ranked in heard.items():
        for n in ranked[0].pooled if ranked else ():
            rows.append(_row("synthetic", name, "listener-en", n, [one.pooled[n] for one in ranked]))
            spelled = [one.spelled[n] for one in ranked]
            rows.append(_row("synthetic", name, "listener-en", n, spelled, pooled=False))
    even = [one for name, ranked in heard.items() if name != SAMPLES["frequency"] for one in ranked]
    for low, high in pairwise(BINS):
        own = [one.pooled[n_whole] for one in even if low <= one.zipf < high]
        if own:
            label = f"Zipf {low:g} to {high:g}" if high < BINS[-1] else f"Zipf {low:g} and more"
            rows.append(_row("synthetic", label, "listener-en", n_whole, own))
    for american, label in ((True, "American voices"), (False, "other voices")):
        own = [one.pooled[n_whole] for one in heard[MAIN] if Speaker(one.voice).is_american == american]
        if own:
            rows.append(_row("synthetic", label, "listener-en", n_whole, own))
    for voice in sorted({one.voice for one in heard[MAIN]}):
        own = [one.pooled[n_whole] for one in heard[MAIN] if one.voice == voice]
        rows.append(_row("synthetic", f"voice {voice}", "listener-en", n_whole, own))
    return rows


def _otoscope_rows(listener: WordListener, items: Sequence[Item]) -> list[dict[str, Any]]:
    """Rank words heard through the emissions of a recogniser, and the same words heard by the listener's ears."""
    from otoscope.recognizers import load

    recognizer = load(OTHER_EARS)
    other = WordListener(listener.lexicon, settings=replace(listener.settings, frequency_weight=OTHER_WEIGHT))
    whole = Vocabulary(listener.lexicon, listener.lexicon)
    ranks: dict[str, list[int]] = {"listener-en": [], OTHER_EARS: []}
    for item in items:
        trace = recognizer.trace(item.sound, record=["emissions"])
        scores = acoustic_scores(other, trace)
        ranks[OTHER_EARS].append(whole.pooled_rank(scores, item.label, OTHER_WEIGHT))
        own = acoustic_scores(listener, item.sound)
        ranks["listener-en"].append(whole.pooled_rank(own, item.label, listener.settings.frequency_weight))
    label = f"{len(items)} of these"
    return [_row("synthetic", label, name, len(listener.lexicon), found) for name, found in ranks.items()]


def _real_rows(
    listener: WordListener, data: str | os.PathLike[str] | None
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return a row for each corpus that is there, and why others are left out."""
    if data is None:
        return [], dict.fromkeys(CORPORA, "no folder was given (data)")
    rows, missing = [], {}
    for name in CORPORA:
        folder = Path(data) / name
        if not (folder / "manifest.tsv").is_file():
            missing[name] = "not in the folder that was given"
            continue
        spoken = [(one, words[0]) for one in read_manifest(folder, split="test") if (words := _alone(one, name))]
        said = tuple(dict.fromkeys(word for _, word in spoken))
        strange = [word for word in said if word not in listener.lexicon]
        lexicon = listener.lexicon.with_words(strange) if strange else listener.lexicon
        hearer = WordListener(lexicon, ears=listener.ears, settings=listener.settings) if strange else listener
        part, weight = Vocabulary(lexicon, lexicon), listener.settings.frequency_weight
        ranks = [part.pooled_rank(acoustic_scores(hearer, one.recording()), word, weight) for one, word in spoken]
        rows.append(_row("people", f"{name}: {len(said)} words", "listener-en", len(lexicon), ranks))
    return rows, missing


def _alone(utterance: Utterance, corpus: str) -> tuple[str, ...]:
    """Return the one word of an utterance said alone, else nothing."""
    if corpus == "misc-smoke" and not utterance.id.startswith("az_"):
        return ()
    words = tuple(normalize_words(utterance.text))
    return words if len(words) == 1 else ()


def _row(
    speech: str, words: str, front_end: str, n_lexicon: int, ranks: Sequence[int], *, pooled: bool = True
) -> dict[str, Any]:
    found = np.array(ranks)
    low, high = bootstrap_interval(found == 1)
    return {
        "speech": speech,
        "words": words,
        "front_end": front_end,
        "lexicon": n_lexicon,
        "pooled": pooled,
        "n": int(found.size),
        "top_1": float((found == 1).mean()),
        "low": low,
        "high": high,
        "top_10": float((found <= 10).mean()),
        "top_200": float((found <= 200).mean()),
        "median_rank": float(np.median(found)),
    }


def _summary(rows: Sequence[Mapping[str, Any]], n_voices: int, missing: Mapping[str, str]) -> str:
    n_whole = max(row["lexicon"] for row in rows if row["words"] == MAIN)
    main, *rest = (
        row for row in rows if row["lexicon"] == n_whole and row["pooled"] and row["words"] in SAMPLES.values()
    )
    said = (
        f"Of {main['n']} words drawn evenly from those of Zipf 2 and more, said by {n_voices} voices never heard "
        f"before, {main['top_1']:.1%} ({main['low']:.1%} to {main['high']:.1%}) are the best of {n_whole} words, "
        f"homophones pooled; {main['top_10']:.1%} are among ten, {main['top_200']:.1%} among 200."
    )
    for row in rest:
        said += f" Drawn {row['words']}: {row['top_1']:.1%}."
    for row in rows:
        if row["speech"] == "people":
            said += f" People, {row['words']}, {row['n']} recordings: {row['top_1']:.1%} ({row['top_10']:.1%} in ten)."
    for name, reason in missing.items():
        said += f" {name} was left out: {reason}."
    return said
