"""Is it a word? Words and matched pseudowords, answered and timed by the listener, beside people and DIANA.

Every item is heard twice over: as a word of the lexicon, and as any string of phones; the gap between the two says
whether it is a word, the competition when that can be said. Thresholds come from other voices and other items.
Figures of people are those of the Massive Auditory Lexical Decision database (Tucker et al. 2019; 50 listeners, 5,000
trials), figures of DIANA those that are published for the same task (Nenadić and ten Bosch 2022).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, FrameGrid
from otoscope.core.protocols import Progress
from otoscope.lexicon.mental_lexicon import MentalLexicon
from otoscope.listener.competing import compete, relative_to_best
from otoscope.listener.ears.voices import JUDGED, VALIDATION
from otoscope.listener.lexicality import LexicalRule, fitted_to, gap, lexical_decision, phone_activation
from otoscope.listener.listening import Settings, WordListener
from otoscope.listener.phone_loop import PhoneBigram, free_phones
from otoscope.listener.spans import speech_span
from otoscope.listener.stimuli.items import Item
from otoscope.listener.stimuli.sets.designs import lexical_decision_list
from otoscope.listener.stimuli.speaking import AMERICAN
from otoscope.studies.lexical_decision_measures import Answers, measure_rows
from otoscope.studies.lexical_decision_panels import panels_of_decisions
from otoscope.studies.listener_speech import spoken_in_turn
from otoscope.studies.result import StudyResult

Floats = NDArray[np.float64]
MARGINS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5)
"""How much lower than the threshold, nats a frame, for a "no" before the deadline: what is chosen from."""
CHECKED_FRAMES = range(41)
"""How many frames longer a "no" must hold than a "yes": what is chosen from."""
PEOPLE_LATER_S = 0.115
"""How much later people refuse pseudowords than they accept words; what a "no" must hold comes nearest to it."""


@dataclass(frozen=True, eq=False)
class Trial:
    """One item heard: its gap over time, where it speaks for the listener, when a word was identified, and which."""

    item: Item
    gaps: Floats
    grid: FrameGrid
    span: tuple[float, float]
    identified_s: float | None
    right_word: bool


def american(voices: Sequence[str]) -> tuple[str, ...]:
    """Return the voices that can say pseudowords."""
    return tuple(voice for voice in voices if voice.partition("+")[0] == AMERICAN)


def run(
    *,
    n_words: int = 200,
    n_fitting: int = 100,
    lexicon: MentalLexicon | None = None,
    settings: Settings | None = None,
    voices: Sequence[str] = american(JUDGED),
    fitting_voices: Sequence[str] = american(VALIDATION),
    seed: int = 0,
    progress: Progress | None = None,
) -> StudyResult:
    """Let the listener decide on words and pseudowords.

    Parameters
    ----------
    n_words
        Words judged, spread evenly over frequency, and as many pseudowords, each a word with one phone changed.
    n_fitting
        Further words, and as many pseudowords, by which threshold and margin are set.
    lexicon, settings
        Of the listener; English and its defaults.
    voices, fitting_voices
        American ones; those of each speak in turn.
    seed
        Draws words, places and phones, and resamples.
    progress
        Called with (items heard, all).

    Returns
    -------
    StudyResult
        A row for each measure: `value` with a 95 % interval over items (bootstrap), what people and DIANA have, what is
        `expected` and whether it is `met`. Times are from the onset of the item and hold 0.2 s for answering.

    Notes
    -----
    A "yes" waits for the end of the sound; a "no" may come before, where the word path has for a while been so far
    below the phones that it cannot come back, else at a deadline 0.3 s after the end. For how long is set so that in
    other voices pseudowords are refused as much later as by people: what is found here is that this carries over, not
    the size itself. A "no" as quick as a "yes" comes sooner than it.
    """
    began = time.perf_counter()
    listener = WordListener(lexicon, settings=settings)
    taught, judged = _lists(listener.lexicon, n_words, n_fitting, seed)
    to_learn, unsaid = spoken_in_turn(taught, fitting_voices, listener.lexicon)
    to_judge, more = spoken_in_turn(judged, voices, listener.lexicon)
    first, second = _heard_all(listener, (to_learn, to_judge), progress)
    rule, tried = fitted_rule(first)
    answers = answered(second, rule, listener.settings.execution.mean_s)
    rows = measure_rows(answers, seed)
    provenance = {
        "voices": list(voices),
        "fitting_voices": list(fitting_voices),
        "items": [trial.item.label for trial in second],
        "not_said": [*unsaid, *more],
        "rule": asdict(rule),
        "tried_on_fitting_voices": tried,
        "listener": listener.provenance(listener.ears.provenance).parameters["ears"],
        "n_words": len(listener.lexicon),
        "seed": seed,
        "versions": {"otoscope": version("otoscope")},
    }
    panels = panels_of_decisions(answers, rows)
    return StudyResult(
        "lexical-decision", _summary(rows, answers), tuple(rows), panels, provenance, time.perf_counter() - began
    )


def _lists(
    lexicon: MentalLexicon, n_words: int, n_fitting: int, seed: int
) -> tuple[tuple[Item, ...], tuple[Item, ...]]:
    """Return items to set parameters by and items to judge by, no word nor the word behind a pseudoword in both."""
    if min(n_words, n_fitting) < 2:
        raise BadInput(f"two words or more are needed to judge by and to set parameters by, got {n_words}, {n_fitting}")
    n = n_words + n_fitting
    items = lexical_decision_list(lexicon.as_usually_said(), n, seed=seed, known=lexicon)
    first = np.sort(np.random.default_rng(seed).permutation(n)[:n_fitting])
    rest = np.setdiff1d(np.arange(n), first)
    taught, judged = (tuple(items[k] for k in (*part, *(part + n))) for part in (first, rest))
    return taught, judged


def _heard_all(listener: WordListener, lists: Sequence[Sequence[Item]], progress: Progress | None) -> list[list[Trial]]:
    bigram = PhoneBigram.counted(listener.ears.card.phones, listener.forms.phones)
    n_all, done = sum(len(items) for items in lists), 0
    found: list[list[Trial]] = []
    for items in lists:
        found.append([])
        for item in items:
            found[-1].append(heard(listener, item, bigram))
            done += 1
            if progress is not None:
                progress(done, n_all)
    return found


def heard(listener: WordListener, item: Item, bigram: PhoneBigram) -> Trial:
    """Return what the listener has to decide on: both paths, and its identification of a word."""
    evidence = listener.evidence(item.sound)
    evidence = replace(evidence, scores=relative_to_best(evidence.scores))
    onset_s, offset_s = speech_span(evidence) or item.speech_s or (0.0, item.sound.duration_s)
    competition = listener.compete(evidence, offset_s=offset_s)
    decision = listener.decide(competition, offset_s=offset_s, evidence=evidence)
    alone = compete(evidence, listener.tree(evidence.models), frequency_weight=0.0, n_kept=1, offset_s=offset_s)
    running, final = free_phones(evidence, bigram=bigram)
    phones = phone_activation(running, final, evidence.grid, offset_s=offset_s)
    gaps = gap(alone.activations[:, 0], phones, evidence.grid, onset_s=onset_s, offset_s=offset_s)
    right = False
    if item.word is not None and decision.form is not None:
        right = listener.lexicon.position(item.word) in listener.forms.words[decision.form]
    return Trial(item, gaps, evidence.grid, (onset_s, offset_s), decision.time_s, right)


def fitted_rule(trials: Sequence[Trial]) -> tuple[LexicalRule, list[dict[str, float]]]:
    """Return threshold and slope under which the answers are likeliest, and when to say "no" before the deadline.

    For each margin a "no" holds as long as comes nearest to people's delay; the least margin is taken whose answers are
    as often right as those of any. The second is what each margin gave: frames held longer, nonwords' times less
    words', seconds, and the share answered rightly.
    """
    is_word = np.array([trial.item.word is not None for trial in trials])
    threshold, slope = fitted_to([trial.gaps[-1] for trial in trials], is_word)
    rules, tried = [], []
    for margin in MARGINS:
        own = [LexicalRule(threshold, margin=margin, checked_frames=n, slope=slope) for n in CHECKED_FRAMES]
        made = [answered(trials, rule, 0.0) for rule in own]
        off_s = np.abs([one.later_s() - PEOPLE_LATER_S for one in made])
        nearest = int(np.argmin(np.where(np.isnan(off_s), np.inf, off_s)))
        rules.append(own[nearest])
        tried.append({
            "margin": margin, "checked_frames": float(CHECKED_FRAMES[nearest]), "later_s": made[nearest].later_s(),
            "correct": float(made[nearest].correct.mean()),
        })  # fmt: skip
    best = max(one["correct"] for one in tried)
    return next(rule for rule, one in zip(rules, tried, strict=True) if one["correct"] == best), tried


def answered(trials: Sequence[Trial], rule: LexicalRule, execution_s: float) -> Answers:
    """Return what is answered to each item under a rule, and when."""
    made = [
        lexical_decision(
            one.gaps, one.grid, rule, onset_s=one.span[0], offset_s=one.span[1], identified_s=one.identified_s
        )
        for one in trials
    ]
    speech = np.array([one.item.speech_s or one.span for one in trials])
    decided = np.array([one.time_s for one in made])
    zipfs = [one.item.details.get("zipf", np.nan) for one in trials]
    return Answers(
        is_word=np.array([one.item.word is not None for one in trials]),
        said_word=np.array([one.is_word for one in made]),
        rt_s=decided - speech[:, 0] + execution_s,
        after_s=decided - speech[:, 1],
        duration_s=speech[:, 1] - speech[:, 0],
        n_phones=np.array([len(one.item.phones or ()) for one in trials], dtype=np.float64),
        zipf=np.array(zipfs, dtype=np.float64),
        right_word=np.array([one.right_word for one in trials]),
    )


def _summary(rows: Sequence[dict[str, Any]], answers: Answers) -> str:
    by = {row["measure"]: row for row in rows}

    def said(name: str, places: int = 2, scale: float = 1.0) -> str:
        row = by[name]
        value, low, high = (f"{scale * row[key]:.{places}f}" for key in ("value", "low", "high"))
        return f"{value} ({low} to {high})"

    n_words = int(answers.is_word.sum())
    missed = [row["measure"] for row in rows if row["met"] is False]
    return (
        f"{n_words} words and {answers.is_word.size - n_words} pseudowords are told apart with d' {said('d prime')}; "
        f"people 2.38, DIANA 1.88. Pseudowords take {said('nonwords later', 0, 1000)} ms longer than words (people "
        f"115); a word ten times as frequent {said('slope of frequency', 0, 1000)} ms (people -68); the time after the "
        f"end of a word goes with its duration by r = {said('after offset × duration, words')} (people: negative, "
        f"DIANA: positive). {'Not as expected: ' + ', '.join(missed) if missed else 'All signs are those of people'}."
    )
