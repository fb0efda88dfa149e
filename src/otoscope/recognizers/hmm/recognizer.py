"""The recogniser of this family: hidden Markov models with Gaussian mixtures, a lexicon and an n-gram model."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import (
    Alignment,
    BadInput,
    DoesNotFit,
    Emissions,
    Features,
    FrameGrid,
    Hypothesis,
    Provenance,
    Recording,
    Target,
    Tier,
    Trace,
)
from otoscope.core.protocols import Progress
from otoscope.decoding.lattice import Decoding
from otoscope.decoding.tree.forced import ForcedPath, forced
from otoscope.recognizers.forced_tiers import alignment_of, with_times_at_changes
from otoscope.recognizers.hmm.decoding import Heard, Pass, adapted_frames, hear, known_path, tree_decoder
from otoscope.recognizers.hmm.files import Parts, load_hmm, save_hmm, weights_sha256
from otoscope.recognizers.hmm.judging import check_said, stretch_fits
from otoscope.recognizers.hmm.language import Lexicon, phone_lexicon
from otoscope.recognizers.hmm.passages import Passages, free_loop_gains
from otoscope.recognizers.hmm.scoring import score_of
from otoscope.recognizers.hmm.topology import SILENCE_STATES

RECORDED = ("features", "emissions")


class HmmRecognizer:
    """Recogniser of the HMM family: `Recognizer` and `Aligning`.

    Parameters
    ----------
    parts
        Card, models, lexicon and language model; see `otoscope.recognizers.hmm.files.Parts`.

    Notes
    -----
    Where there is a model of adapted frames, `trace` listens twice: the first pass tells how this voice maps to the
    model's (fMLLR), the second hears the mapped frames; features and emissions are those of the pass whose words are
    given. `score` uses the first model alone, so that it is a smooth function of the recording. Emissions are
    ln p(frame | tied state). Sound of any rate is resampled to the front end's own; times are those of the recording.
    """

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.card, self.model, self.lexicon = parts.card, parts.model, parts.lexicon

    @property
    def name(self) -> str:
        """Name in Traces."""
        return self.card.name

    @cached_property
    def provenance(self) -> Provenance:
        """Version, hash of the weights, and the card."""
        card = self.card.as_json()
        training = card.pop("training")
        parameters = {**card, "front_end": self.model.front_end.as_json(), "n_words": len(self.lexicon)}
        return Provenance(self.name, version("otoscope"), weights_sha256(self.parts), parameters, training.get("seed"))

    def trace(self, recording: Recording, *, record: Sequence[str] = ()) -> Trace:
        """Recognise one recording; `record` may name "features" and "emissions".

        A recording too short for a silence is heard as nothing, and has neither.
        """
        if unknown := [name for name in record if name not in RECORDED]:
            raise BadInput(f"{self.name} cannot record {', '.join(unknown)}; it records {', '.join(RECORDED)}")
        frames, grid = self.model.frames(recording)
        missing = {
            "steps": "a hidden Markov model has no decoder steps",
            "activations": "a hidden Markov model has no layers",
            "attentions": "a hidden Markov model has no attention",
        }
        if len(frames) < SILENCE_STATES:
            parts: dict[str, Any] = {"alignment": Alignment(Tier("words"))}
            return Trace(recording, (Hypothesis((), (), 0.0),), self.provenance, parts, missing)
        heard = hear(frames, self._first, self._second, lexicon=self.lexicon)
        readings = heard.lattice.n_best(self.card.n_best)
        found = tuple(Hypothesis(_words(reading), log_score=reading.log_score) for reading in readings)
        parts = {"alignment": self._heard_alignment(heard, readings[0], grid, recording)}
        if "features" in record:
            kind = "mfcc" if heard.model.transform.matrix is None else "lda"
            parts["features"] = Features(heard.frames, grid, kind, "ln power")
        if "emissions" in record:
            parts["emissions"] = Emissions(heard.scores, grid, heard.model.tying.names, "log_likelihood")
        return Trace(recording, found, self.provenance, parts, missing)

    def score(
        self, recordings: Sequence[Recording], targets: Sequence[Target], *, progress: Progress | None = None
    ) -> NDArray[np.float64]:
        """Return `(n_recordings, n_targets)` log scores; see `otoscope.recognizers.hmm.scoring.score_of`.

        Raises
        ------
        BadInput
            A target lies behind the end of a recording, or has a word without pronunciation.
        NotAble
            A token was asked for.
        """
        words = {w for t in targets for w in (*t.context, *t.label.split(), *(t.rival or "").split())}
        lexicon = self.pronounced(words, BadInput)
        scores = np.empty((len(recordings), len(targets)))
        for row, recording in enumerate(recordings):
            frames, grid = self.model.frames(recording)
            passages = Passages(self.model, self.model.scores(frames), lexicon)
            scale = self.card.acoustic_scale
            scores[row] = [score_of(target, passages, grid, acoustic_scale=scale) for target in targets]
            if progress is not None:
                progress(row + 1, len(recordings))
        return scores

    def align(self, recording: Recording, transcript: str) -> Alignment:
        """Return where each word, phone and state of `transcript` lies; times are moved to where the sound changes.

        Raises
        ------
        DoesNotFit
            The transcript has words the recogniser cannot pronounce, is too long for the recording, or is not what
            it says: a word, or a silence, fits worse than `card.least_fit` (`judging.check_said`).
        """
        words = tuple(transcript.lower().split())
        lexicon = self.pronounced(words, DoesNotFit)
        frames, grid = self.model.frames(recording)
        if not len(frames):
            raise DoesNotFit(f"{len(words)} words do not fit a recording of {recording.duration_s:g} s")
        scores = self.model.scores(frames)
        path, gains = forced(scores, words, lexicon, self.model), free_loop_gains(self.model, scores)
        check_said(path, gains, grid, least_fit=self.card.least_fit)
        model = self.model
        if self.parts.adapted is not None:
            model = self.parts.adapted
            scores = model.scores(adapted_frames(self.model, model, frames, path))
            path, gains = forced(scores, words, lexicon, model), free_loop_gains(model, scores)
        placed = alignment_of(path, grid, model.tying.names, gains=gains, duration_s=recording.duration_s)
        return with_times_at_changes(placed, recording)

    def fits(self, recording: Recording, texts: Sequence[Sequence[str]]) -> list[float]:
        """Return how well each of some texts fits a recording: the worst of its stretches (`judging.stretch_fits`)."""
        lexicon = self.pronounced({word for text in texts for word in text}, DoesNotFit)
        frames, _ = self.model.frames(recording)
        scores = self.model.scores(frames)
        gains, found = free_loop_gains(self.model, scores), []
        for text in texts:
            try:
                found.append(float(stretch_fits(forced(scores, text, lexicon, self.model), gains)[1].min()))
            except DoesNotFit:
                found.append(-np.inf)
        return found

    def path(self, recording: Recording, transcript: Sequence[str]) -> ForcedPath:
        """Return the frame-by-frame path of known words without judging it: what trains the next model."""
        lexicon = self.pronounced(transcript, DoesNotFit)
        frames, _ = self.model.frames(recording)
        path = known_path(self.model, frames, transcript, lexicon)
        if (adapted := self.parts.adapted) is None:
            return path
        return known_path(adapted, adapted_frames(self.model, adapted, frames, path), transcript, lexicon)

    def with_training(self, values: Mapping[str, Any]) -> HmmRecognizer:
        """Return the same recogniser whose card also says this of how it was made, JSON values only."""
        card = dataclasses.replace(self.card, training={**self.card.training, **values})
        return HmmRecognizer(dataclasses.replace(self.parts, card=card))

    @property
    def weighs_language(self) -> bool:
        """Whether it decides with a language model that `score` leaves out."""
        return self.card.lm_scale > 0

    def with_wider_search(self, factor: float) -> HmmRecognizer:
        """Return a recogniser whose beams, and the number of states they may hold, are `factor` times as wide."""
        wider = {name: factor * getattr(self.card, name) for name in ("beam", "lattice_beam")}
        card = dataclasses.replace(self.card, **wider, max_active=round(factor * self.card.max_active))
        return HmmRecognizer(dataclasses.replace(self.parts, card=card))

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write to a folder that `otoscope.recognizers.load` opens; raises `CannotWrite`."""
        save_hmm(self.parts, folder)

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> HmmRecognizer:
        """Open what `save` wrote; raises `CorruptWeights` or `BadInput`."""
        return cls(load_hmm(folder))

    @cached_property
    def _first(self) -> Pass:
        return tree_decoder(self.model, self.lexicon, self.parts.lm, self.card), self.model

    @cached_property
    def _second(self) -> Pass | None:
        adapted = self.parts.adapted
        return None if adapted is None else (tree_decoder(adapted, self.lexicon, self.parts.lm, self.card), adapted)

    def pronounced(self, words: Sequence[str] | set[str], error: type[BadInput] = BadInput) -> Lexicon:
        """Return pronunciations of words; those of phone models may be guessed, whole words must have been trained."""
        if unknown := sorted({word for word in words if word not in self.lexicon}):
            if not self._phonetic:
                raise error(f"{self.name} has no model of {', '.join(unknown)}; it knows {', '.join(self.lexicon)}")
            return {**{w: self.lexicon[w] for w in words if w in self.lexicon}, **phone_lexicon(unknown)}
        return {word: self.lexicon[word] for word in words}

    @cached_property
    def _phonetic(self) -> bool:
        return {"AA", "B", "IY"} <= set(self.model.phones)

    def _heard_alignment(self, heard: Heard, reading: Decoding, grid: FrameGrid, recording: Recording) -> Alignment:
        path = forced(heard.scores, _words(reading), self.lexicon, heard.model)
        gains = free_loop_gains(heard.model, heard.scores)
        sure = [float(word.posterior or 0.0) for word in reading.words]
        names, duration_s = heard.model.tying.names, recording.duration_s
        return alignment_of(path, grid, names, gains=gains, duration_s=duration_s, text_confidence=sure)


def _words(reading: Decoding) -> tuple[str, ...]:
    return tuple(word.word for word in reading.words)
