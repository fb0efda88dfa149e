"""One call from a corpus to a recogniser: whole words, monophones, or triphones with LDA, MLLT and speakers' maps.

Stages are kept in `folder/stages`; what was finished is not done again. Nothing is drawn at random, so that the seed
only stands in the card: the same corpus gives the same weights.
"""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from otoscope.core import BadInput, UnknownName
from otoscope.core.protocols import Progress
from otoscope.corpora.manifest import Utterance
from otoscope.corpora.transcripts import certain
from otoscope.lexicon.ngram import load
from otoscope.lexicon.ngram.automaton import BackoffAutomaton
from otoscope.lexicon.ngram.estimation import estimate
from otoscope.lexicon.ngram.model import NGramModel
from otoscope.lexicon.normalization import normalize_words
from otoscope.recognizers.hmm import stages
from otoscope.recognizers.hmm.bandwidth import band_edge_hz
from otoscope.recognizers.hmm.card import HmmCard
from otoscope.recognizers.hmm.examples import Examples, read_examples
from otoscope.recognizers.hmm.features import FrontEnd
from otoscope.recognizers.hmm.files import Parts
from otoscope.recognizers.hmm.fitting import least_fit
from otoscope.recognizers.hmm.flat_start import word_states
from otoscope.recognizers.hmm.language import Lexicon, lexicon_text, phone_lexicon, word_loop, word_units
from otoscope.recognizers.hmm.recognizer import HmmRecognizer
from otoscope.recognizers.hmm.stage_files import kept_stage
from otoscope.recognizers.hmm.stages import Plan, Stage
from otoscope.recognizers.hmm.topology import UntiedStates
from otoscope.recognizers.run_files import KeptFiles, fingerprint

PRESETS: Mapping[str, tuple[str, ...]] = {
    "hmm-word": ("mono",),
    "hmm-mono": ("mono", "retold"),
    "hmm-tri": ("mono", "retold", "tri", "lda", "sat"),
}
"""Preset → its stages. The last but `sat` gives the model; `sat` gives the model of adapted frames besides."""
SMALL_VOCABULARY = 200
"""Up to so many different words in the texts, any word may follow any other unless a language model is given, and each
may have a model of its own."""

EDGE_UTTERANCES = 50
"""Evenly chosen, they tell how far up in frequency the corpus reaches."""


@dataclass(frozen=True)
class Options:
    """What may be chosen besides corpus and preset.

    Parameters
    ----------
    lm
        What may be said, or the file of it (`otoscope.lexicon.ngram.save`); by default a word loop for small
        vocabularies, else a trigram model of the texts.
    lexicon
        Word → pronunciations that go before the CMU dictionary's; those of other words are guessed.
    front_end, plan, card
        How features are made, by default below the edge of the corpus's sound (`bandwidth.band_edge_hz`) where
        `front_end` names no `high_hz`; how long is trained, with fewer Gaussians than planned where a small corpus
        could not fill them; how is decoded.
    stages
        Which stages, by default the preset's; `("mono", "retold", "tri")` stops at triphones without LDA.
    size
        Makes the triphone stages of `plan` larger: so many times its leaves and Gaussians; 1 is for three hours.
    """

    lm: NGramModel | BackoffAutomaton | str | os.PathLike[str] | None = None
    lexicon: Lexicon | None = None
    front_end: FrontEnd = dataclasses.field(default_factory=FrontEnd)
    plan: Plan = dataclasses.field(default_factory=Plan)
    card: HmmCard | None = None
    stages: tuple[str, ...] | None = None
    size: float = 1.0

    @property
    def sized(self) -> Plan:
        """The plan at its size."""
        return self.plan if self.size == 1 else self.plan.times(self.size)


def train_hmm(
    preset: str,
    corpus: Sequence[Utterance],
    valid: Sequence[Utterance],
    folder: Path,
    *,
    seed: int = 0,
    progress: Progress | None = None,
    **options: Any,
) -> HmmRecognizer:
    """Train a recogniser and save it in `folder`; a run that was killed goes on with the stage it was in.

    Parameters
    ----------
    preset
        `hmm-word`, `hmm-mono` or `hmm-tri`.
    corpus, valid
        Utterances to learn from, and others that tell how well a true text fits (the corpus itself if there is none);
        those whose texts leave open what was said (`otoscope.corpora.transcripts.certain`) are left out.
    folder
        Where the stages and the recogniser go.
    seed
        Kept in the card; nothing is drawn at random.
    progress
        Told (rounds done, rounds of all stages).
    options
        Fields of `Options`.

    Raises
    ------
    UnknownName
        No such preset, option or stage.
    BadInput
        The first stage is not `mono`, `size` is not above 0 or leaves nothing of the plan, the file of `lm` is not
        there, the corpus teaches nothing or has too many words for models of words, or the folder holds stages of
        another run.
    CorruptWeights
        The file of `lm` is no language model.
    """
    names, chosen = _stages_of(preset, options)
    given, (corpus, valid) = corpus, (certain(corpus), certain(valid))
    words = sorted({word for utterance in corpus for word in normalize_words(utterance.text)})
    if preset == "hmm-word" and len(words) > SMALL_VOCABULARY:
        raise BadInput(
            f"hmm-word makes a model of each word, of {SMALL_VOCABULARY} at most, and the corpus has {len(words)}; "
            f"for an open vocabulary take hmm-mono or hmm-tri, whose phones make any word"
        )
    lexicon = word_units(words) if preset == "hmm-word" else phone_lexicon(words, chosen.lexicon)
    chosen = dataclasses.replace(chosen, front_end=_within_sound(chosen.front_end, corpus))
    examples = read_examples(corpus, chosen.front_end, lexicon=lexicon)
    plan = chosen.plan.within(len(examples.cepstra))
    if len(names) == 1:
        plan = dataclasses.replace(plan, flat_frames=len(examples.cepstra))
    chosen = dataclasses.replace(chosen, plan=plan)
    tying = _tying(preset, examples, lexicon)
    kept, made_from = KeptFiles(Path(folder)), _made_from(corpus, lexicon, chosen, names)
    told = _Told(progress, sum(getattr(chosen.plan, name).n_rounds for name in names))
    made: dict[str, Stage] = {}
    for name in names:
        make = partial(_made, name, made, examples, (tying, lexicon), chosen, told)
        made[name] = kept_stage(kept, name, made_from[name], make)
        told.finish(getattr(chosen.plan, name).n_rounds)
    lm = language_model(words, corpus, chosen.lm)
    spoken = [word for word in lm.words if not word.startswith("<")]
    said = word_units(words) if preset == "hmm-word" else phone_lexicon(spoken, chosen.lexicon)
    recognizer = _recognizer(preset, made, (said, lm), valid or corpus, chosen.card)
    counts = {"n_utterances": len(corpus), "n_left_out": len(given) - len(corpus)}
    recognizer = recognizer.with_training({"seed": seed, "stages": list(names), **counts})
    recognizer.save(folder)
    return recognizer


train_words = partial(train_hmm, "hmm-word")
"""Train `hmm-word`: a model for each word of a small vocabulary."""
train_monophones = partial(train_hmm, "hmm-mono")
"""Train `hmm-mono`: a model for each phone, whatever its neighbours."""
train_triphones = partial(train_hmm, "hmm-tri")
"""Train `hmm-tri`: tied triphones, LDA and MLLT, and a model of speaker-adapted frames."""


def _stages_of(preset: str, options: Mapping[str, Any]) -> tuple[tuple[str, ...], Options]:
    """Return the stages of a preset, and what was chosen, with the plan at its size and the language model read."""
    if preset not in PRESETS:
        raise UnknownName("preset", preset, PRESETS)
    known = [field.name for field in dataclasses.fields(Options)]
    if odd := [name for name in options if name not in known]:
        raise UnknownName("option", odd[0], known)
    chosen = Options(**options)
    names = chosen.stages or PRESETS[preset]
    if unknown := [name for name in names if name not in _SETTINGS]:
        raise UnknownName("stage", unknown[0], _SETTINGS)
    if names[0] != "mono" or "mono" in names[1:]:
        raise BadInput(f"training begins with the stage 'mono', got {', '.join(names)}")
    if not 0 < chosen.size < math.inf:
        raise BadInput(
            f"size makes the plan so many times larger, 1 for three hours; it must be above 0, got {chosen.size}"
        )
    lm = load(chosen.lm) if isinstance(chosen.lm, (str, os.PathLike)) else chosen.lm
    return names, dataclasses.replace(chosen, plan=chosen.sized, lm=lm)


def _tying(preset: str, examples: Examples, lexicon: Lexicon) -> UntiedStates:
    """Return the states that training begins with: of words for `hmm-word`, else of the lexicon's phones."""
    if preset == "hmm-word":
        return word_states(examples, lexicon)
    return UntiedStates.of_phones(tuple(sorted({p for variants in lexicon.values() for v in variants for p in v})))


def _within_sound(front_end: FrontEnd, corpus: Sequence[Utterance]) -> FrontEnd:
    """Return the front end with its filters below the corpus's own edge; one whose upper edge is given stays."""
    if front_end.high_hz is not None or not corpus:
        return front_end
    heard = (corpus[i] for i in np.unique(np.linspace(0, len(corpus) - 1, EDGE_UTTERANCES).astype(int)))
    recordings = (utterance.recording(rate_hz=front_end.rate_hz) for utterance in heard)
    return dataclasses.replace(front_end, high_hz=band_edge_hz(recordings, front_end.rate_hz))


@dataclass
class _Told:
    """Tells rounds of all stages together."""

    progress: Progress | None
    n_all: int
    n_before: int = 0

    def __call__(self, done: int, total: int) -> None:
        if self.progress is not None:
            self.progress(self.n_before + done, self.n_all)

    def finish(self, n_rounds: int) -> None:
        self.n_before += n_rounds
        self(0, 0)


def _made(
    name: str,
    made: Mapping[str, Stage],
    examples: Examples,
    units: tuple[UntiedStates, Lexicon],
    chosen: Options,
    told: _Told,
) -> Stage:
    if name == "mono":
        return stages.monophones(examples, chosen.front_end, units[0], chosen.plan, progress=told)
    before = list(made.values())[-1]
    if name == "retold":
        return stages.retold(before, examples, units[1], chosen.plan.retold, progress=told)
    further = {"tri": stages.triphones, "lda": stages.discriminant, "sat": stages.speaker_adapted}
    return further[name](before, examples, chosen.plan, progress=told)


def _recognizer(
    preset: str,
    made: Mapping[str, Stage],
    language: tuple[Lexicon, BackoffAutomaton],
    heard: Sequence[Utterance],
    card: HmmCard | None,
) -> HmmRecognizer:
    """Put the parts together and learn from utterances how well a true text fits."""
    models = [stage.model for name, stage in made.items() if name != "sat"]
    adapted = made["sat"].model if "sat" in made else None
    card = dataclasses.replace(card or HmmCard(preset), name=preset)
    parts = Parts(card, models[-1], adapted, *language)
    fit = least_fit(HmmRecognizer(parts), heard)
    return HmmRecognizer(dataclasses.replace(parts, card=dataclasses.replace(card, least_fit=fit)))


def language_model(
    words: Sequence[str],
    texts: Sequence[Utterance],
    given: NGramModel | BackoffAutomaton | str | os.PathLike[str] | None,
) -> BackoffAutomaton:
    """Return the given language model, a word loop for a small vocabulary, or a trigram model of the texts."""
    if isinstance(given, BackoffAutomaton):
        return given
    if isinstance(given, str | os.PathLike):
        return load(given).automaton()
    if given is not None:
        return given.automaton()
    if len(words) <= SMALL_VOCABULARY:
        return word_loop(words)
    return estimate([normalize_words(u.text) for u in texts], order=3, smoothing="witten-bell").automaton()


_SETTINGS: Mapping[str, tuple[str, ...]] = {
    "mono": ("mono", "flat_frames"),
    "retold": ("retold",),
    "tri": ("tri", "tree"),
    "lda": ("lda", "tree", "reach", "n_dims"),
    "sat": ("sat", "tree"),
}
"""Stage → what of the plan it depends on."""


def _made_from(
    corpus: Sequence[Utterance], lexicon: Lexicon, chosen: Options, names: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Return, for each stage, all it depends on: corpus, lexicon, settings, and the stages before it by their hash."""
    before: dict[str, Any] = {
        "utterances": [[u.id, u.text, u.speaker, u.duration_s] for u in corpus],
        "lexicon": lexicon_text(lexicon),
        "front_end": chosen.front_end.as_json(),
    }
    plan, found = dataclasses.asdict(chosen.plan), {}
    for name in names:
        before = {"before": fingerprint(before), "stage": name, "plan": [plan[key] for key in _SETTINGS[name]]}
        found[name] = before
    return found
