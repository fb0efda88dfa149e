"""A recogniser by templates whose inside is open: endpoints → distances to stored words → the nearest, or none."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Sequence
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
    Interval,
    Provenance,
    Recording,
    Target,
    Tier,
    Trace,
)
from otoscope.core.protocols import Progress
from otoscope.recognizers.template.card import TemplateCard
from otoscope.recognizers.template.examples import examples_of, made_of
from otoscope.recognizers.template.files import load_templates, save_templates, weights_sha256
from otoscope.recognizers.template.matching import Matcher
from otoscope.recognizers.template.recognition import Segment, frames_of_speech, hypotheses, segment, segments_of

MOST_ODDS = 10.0
"""Where another word, or none, is this many times as probable, a word of a transcript was not said."""


class TemplateRecognizer:
    """Recogniser of the template family: `Recognizer`, `Trainable` and `Aligning`.

    Parameters
    ----------
    card
        Vocabulary, calibration, endpoints.
    matcher
        Templates and distances, see `otoscope.recognizers.template.matching`.

    Notes
    -----
    The score of a word is the natural log of P(word | its frames) among all words of the vocabulary and "none of
    them", by the calibrated distances (`otoscope.recognizers.template.calibration`). Sound of any rate is resampled to
    the front end's own; times are those of the recording given.
    """

    def __init__(self, card: TemplateCard, matcher: Matcher) -> None:
        self.card, self.matcher = card, matcher

    @property
    def name(self) -> str:
        """Name in Traces."""
        return self.card.name

    @property
    def provenance(self) -> Provenance:
        """Version, hash of the templates, and what fixes the comparison."""
        card = self.card.as_json()
        keys = ("vocabulary", "calibration", "endpoints", "connected", "n_best")
        parameters = {**{key: card[key] for key in keys}, "matcher": self.matcher.kind, **self.matcher.settings()}
        seed = self.card.training.get("seed")
        return Provenance(self.name, version("otoscope"), weights_sha256(self.matcher), parameters, seed)

    def trace(self, recording: Recording, *, record: Sequence[str] = ()) -> Trace:
        """Recognise one recording; `record` may name "features" and "emissions".

        Emissions are minus the cost of each frame along each word's best path; a frame outside the words has minus the
        rejection threshold for all of them, which speaks for none.
        """
        unknown = [name for name in record if name not in ("features", "emissions")]
        if unknown:
            raise BadInput(f"{self.name} cannot record {', '.join(unknown)}; it records emissions, features")
        features = self.matcher.features(recording)
        speech = frames_of_speech(recording, features.grid, self.card)
        segments = segments_of(features, speech, self.matcher, self.card)
        found = hypotheses(segments, self.card)
        best = [int(np.argmax(one.log_posteriors)) for one in segments]
        heard = [(one, word) for one, word in zip(segments, best, strict=True) if word < len(self.card.vocabulary)]
        parts: dict[str, Any] = {"alignment": self._alignment(features, heard, recording)}
        if "features" in record:
            parts["features"] = features
        if "emissions" in record:
            parts["emissions"] = self._emissions(features, segments)
        missing = dict.fromkeys(("steps", "activations", "attentions"), "a template recogniser has no network inside")
        return Trace(recording, found, self.provenance, parts, missing)

    def score(
        self, recordings: Sequence[Recording], targets: Sequence[Target], *, progress: Progress | None = None
    ) -> NDArray[np.float64]:
        """Return `(n_recordings, n_targets)` log scores in nats.

        Frames are made once a recording, distances once a place. An utterance's score is the sum over its words, each
        where the best path through the stretches of speech puts it (through all frames where there is no speech).

        Raises
        ------
        BadInput
            A target has a word outside the vocabulary, or lies behind the end of a recording.
        DoesNotFit
            An utterance has more words than the recording has room for.
        """
        for target in targets:
            self._indices(target.label)
            self._indices(target.rival if target.rival is not None else target.label)
        scores = np.empty((len(recordings), len(targets)))
        for i, recording in enumerate(recordings):
            features = self.matcher.features(recording)
            places: dict[tuple[int, int], Segment] = {}
            for k, target in enumerate(targets):
                if target.kind == "utterance":
                    scores[i, k] = self._utterance(recording, features, target)
                    continue
                frames = self._frames(features, target)
                key = (int(frames[0]), int(frames[-1]))
                places.setdefault(key, segment(features, frames, self.matcher, self.card))
                scores[i, k] = self._difference(places[key], target)
            if progress is not None:
                progress(i + 1, len(recordings))
        return scores

    def align(self, recording: Recording, transcript: str) -> Alignment:
        """Return where each word of `transcript` lies.

        Raises
        ------
        DoesNotFit
            Words outside the vocabulary, nobody speaks, the words need more or fewer frames than there are, or a word
            is not what is said where it would lie (another, or none, is `MOST_ODDS` times as probable there).
        """
        unknown = [word for word in transcript.split() if word not in self.card.vocabulary]
        if unknown or not transcript.split():
            what = f"does not know {', '.join(map(repr, unknown))}" if unknown else "was given no words"
            raise DoesNotFit(f"{self.name} {what}; its words: {', '.join(self.card.vocabulary)}")
        features = self.matcher.features(recording)
        speech = frames_of_speech(recording, features.grid, self.card)
        if not speech:
            raise DoesNotFit("nobody speaks in this recording: no stretch is louder than its background")
        placed = self._forced(features, speech, self._indices(transcript))
        for one, word in placed:
            if one.log_posteriors[word] < one.log_posteriors.max() - np.log(MOST_ODDS):
                names = (*self.card.vocabulary, "none of the words")
                start_s, end_s = self._span(features, one, recording)
                raise DoesNotFit(
                    f"{names[word]!r} is not said at {start_s:.2f} to {end_s:.2f} s; nearest is "
                    f"{names[int(np.argmax(one.log_posteriors))]!r}: check that text and recording belong together"
                )
        return self._alignment(features, placed, recording)

    def fit(self, corpus: Iterable[Any], *, progress: Progress | None = None) -> Any:
        """Make the templates anew from utterances of one word each; returns the new calibration."""
        learner = self.matcher.learner
        examples = examples_of(corpus, learner, self.card, progress=progress)
        self.card, self.matcher = made_of(learner, examples, self.card)
        return self.card.calibration

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write templates and card to a folder; `load` and `otoscope.load(folder)` open it."""
        save_templates(self.card, self.matcher, folder)

    @classmethod
    def load(cls, folder: str | os.PathLike[str], *, connected: bool | None = None) -> TemplateRecognizer:
        """Open what `save` wrote; `connected` overrides whether a stretch of speech may hold several words."""
        card, matcher = load_templates(folder)
        return cls(card if connected is None else dataclasses.replace(card, connected=connected), matcher)

    def _indices(self, text: str) -> list[int]:
        unknown = [word for word in text.split() if word not in self.card.vocabulary]
        if unknown or not text.split():
            raise BadInput(f"{self.name} cannot score {text!r}; its words: {', '.join(self.card.vocabulary)}")
        return [self.card.vocabulary.index(word) for word in text.split()]

    def _difference(self, one: Segment, target: Target) -> float:
        (word,) = self._indices(target.label)
        score = float(one.log_posteriors[word])
        return score if target.rival is None else score - float(one.log_posteriors[self._indices(target.rival)[0]])

    def _utterance(self, recording: Recording, features: Features, target: Target) -> float:
        speech = frames_of_speech(recording, features.grid, self.card) or [np.arange(features.grid.n_frames)]
        if speech[0].size == 0:
            raise BadInput(f"the recording of {recording.duration_s:.3f} s is shorter than one frame")

        def total(text: str) -> float:
            return sum(float(one.log_posteriors[w]) for one, w in self._forced(features, speech, self._indices(text)))

        return total(target.label) - (0.0 if target.rival is None else total(target.rival))

    def _forced(
        self, features: Features, speech: Sequence[NDArray[np.int64]], words: Sequence[int]
    ) -> list[tuple[Segment, int]]:
        """Return a segment for each word of a known string: a stretch each where words are apart and as many."""
        if not self.card.connected and len(speech) == len(words):
            pieces = list(speech)
        else:
            frames = np.concatenate(speech)
            pieces = [frames[a:b] for a, b in self.matcher.divided(features.values[frames], words)]
        return [(segment(features, piece, self.matcher, self.card), w) for piece, w in zip(pieces, words, strict=True)]

    def _frames(self, features: Features, target: Target) -> NDArray[np.int64]:
        interval, grid = target.interval, features.grid
        assert interval is not None  # a Target of a word or token always has one
        if grid.n_frames == 0 or interval.start_s >= grid.edges_s()[-1] + grid.window / grid.rate_hz:
            raise BadInput(f"target {target.label!r} at {interval.start_s:g} s lies behind the end of the recording")
        inside = grid.frames_of(interval)
        if inside.start >= inside.stop:
            return np.array([grid.frame_at((interval.start_s + interval.end_s) / 2)])
        return np.arange(inside.start, inside.stop)

    def _span(self, features: Features, one: Segment, recording: Recording) -> tuple[float, float]:
        edges = features.grid.edges_s()
        return max(0.0, float(edges[one.frames[0]])), min(recording.duration_s, float(edges[one.frames[-1] + 1]))

    def _alignment(self, features: Features, heard: Sequence[tuple[Segment, int]], recording: Recording) -> Alignment:
        """Words with their probability; the path is 0 outside words, else 1 + the templates' frame that is met."""
        path = np.zeros(features.grid.n_frames, dtype=np.int64)
        intervals, confidences = [], []
        for one, word in heard:
            score = float(one.log_posteriors[word])
            intervals.append(Interval(*self._span(features, one, recording), self.card.vocabulary[word], score))
            path[one.frames] = 1 + self.matcher.path(features.values[one.frames], word)
            confidences.append(float(np.exp(score)))
        total = float(sum(float(one.log_posteriors[word]) for one, word in heard))
        words = Tier("words", tuple(intervals))
        return Alignment(words, path=path, grid=features.grid, text_confidence=tuple(confidences), log_score=total)

    def _emissions(self, features: Features, segments: Sequence[Segment]) -> Emissions:
        costs = np.full((features.grid.n_frames, len(self.card.vocabulary)), self.card.calibration.threshold)
        for one in segments:
            own = self.matcher.frame_costs(features.values[one.frames])
            finite = np.isfinite(own)
            beyond = np.max(own, where=finite, initial=self.card.calibration.threshold)
            costs[one.frames] = np.where(finite, own, 2 * beyond)
        return Emissions(-costs.astype(np.float32), features.grid, self.card.vocabulary, "neg_distance")
