"""Pocketsphinx as a recogniser: traces, scores and alignments (Huggins-Daines et al. 2006, ICASSP).

In: recordings of any rate. Out: Traces with words and phones in time, alternatives, confidences and senone scores;
scores of targets in changed recordings; alignments of known transcripts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from otoscope.core import (
    Alignment,
    BadInput,
    DoesNotFit,
    Emissions,
    Features,
    Hypothesis,
    Provenance,
    Recording,
    Target,
    Trace,
    UnknownName,
)
from otoscope.core.protocols import Progress
from otoscope.lexicon.normalization import normalize_words
from otoscope.lexicon.pronunciations import base_form, cmudict
from otoscope.recognizers.pocketsphinx.acoustic import Acoustics
from otoscope.recognizers.pocketsphinx.decoder import (
    MAX_DURATION_S,
    RATE_HZ,
    Decoded,
    Engine,
    grid_of,
)
from otoscope.recognizers.pocketsphinx.fitting import LEAST_FIT, fit
from otoscope.recognizers.pocketsphinx.forced import align_words
from otoscope.recognizers.pocketsphinx.model import acoustic_model
from otoscope.recognizers.pocketsphinx.network import Network
from otoscope.recognizers.pocketsphinx.pool import WorkerPool, available_processes
from otoscope.recognizers.pocketsphinx.scoring import EvidenceScorer, ScoringPlan, check_target
from otoscope.recognizers.pocketsphinx.tiers import decoding_alignment, forced_alignment
from otoscope.signal.resampling import resampled

NAME = "pocketsphinx"
_PARTS = ("features", "emissions")
_NO_NETWORK = "pocketsphinx is no neural network; a recogniser of the ctc family has it"
_MISSING = {
    "steps": "pocketsphinx decodes frame by frame; only attention and transducer decoders have steps",
    "activations": _NO_NETWORK,
    "attentions": _NO_NETWORK,
}
_FEW = 8
"""So few recordings are scored in this process, unless workers are already running."""


class PocketSphinx:
    """The embedded recogniser: US English, 126,000 words, no download.

    Hidden Markov models of triphones with phonetically tied Gaussian mixtures and a trigram language model.

    Parameters
    ----------
    score_by
        `evidence` or `posterior`: how `score` is defined (docs/decisions/0003-pocketsphinx-score.md).
    n_competitors
        How many similar words each word is weighed against.
    n_best
        How many hypotheses a Trace holds.
    processes
        How many processes `score` uses; `None`: as many as there are processors, eight at most.
    options
        Further settings of pocketsphinx's decoder, such as `{"beam": 1e-60}`.
    """

    name = NAME

    def __init__(
        self,
        *,
        score_by: Literal["evidence", "posterior"] = "evidence",
        n_competitors: int = 30,
        n_best: int = 5,
        processes: int | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        if score_by not in ("evidence", "posterior"):
            raise UnknownName("way of scoring", score_by, ("evidence", "posterior"))
        for what, value in (("n_competitors", n_competitors), ("n_best", n_best), ("processes", processes)):
            if value is not None and value < 1:
                raise BadInput(f"{what} must be 1 or more, got {value}")
        self._model = acoustic_model()
        self._plan = ScoringPlan(score_by, n_competitors, str(self._model.folder), dict(options or {}))
        self._n_best = n_best
        self._engine = Engine(self._model.folder, options)
        self._pool = WorkerPool(processes or available_processes())
        self._scorer: Any = None
        self._own_acoustics: Acoustics | None = None

    def close(self) -> None:
        """End the scoring processes; they start again when needed."""
        self._pool.close()

    @property
    def provenance(self) -> Provenance:
        """Which model, which version, which parameters."""
        parameters = {
            "score_by": self._plan.score_by,
            "n_competitors": self._plan.n_competitors,
            "n_best": self._n_best,
            "options": dict(self._plan.options),
        }
        return Provenance(NAME, version("pocketsphinx"), self._model.sha256(), parameters)

    def trace(self, recording: Recording, *, record: Sequence[str] = ()) -> Trace:
        """Recognise a recording, with the words that `pocketsphinx single` gives.

        The alignment holds words and phones; `text_confidence` is the lattice posterior of the word over half of its
        place or more (also the word's `score`), `time_confidence` the share of that with both boundaries within 50 ms.
        The second to last hypotheses are pocketsphinx's own n-best list; only the first has a score. A recording of
        nothing but digital silence has no words.

        Parameters
        ----------
        recording
            At most 300 s.
        record
            `"features"` (13 MFCC before mean normalisation) and `"emissions"` on request. Emissions are natural-log
            likelihoods of the 126 phone states without context (`"AH.2"`), up to a constant of each frame: compare
            symbols within a frame, not frames.

        Raises
        ------
        BadInput
            The recording is too long.
        UnknownName
            `record` names something that pocketsphinx does not know.
        """
        for part in record:
            if part not in (*_PARTS, *_MISSING, "alignment"):
                raise UnknownName("part or site", part, (*_PARTS, *_MISSING, "alignment"))
        samples = _samples(recording)
        decoded = self._engine.decode(samples, n_best=self._n_best) if samples.any() else Decoded((), (), (), None)
        cepstra = self._acoustics.cepstra(samples)
        hypothesis = Hypothesis(tuple(base_form(s.label) for s in decoded.words), log_score=decoded.log_score)
        parts: dict[str, Any] = {"alignment": decoding_alignment(decoded, recording, self._acoustics, cepstra)}
        parts |= self._recorded(cepstra, record)
        others = tuple(Hypothesis(tuple(base_form(w) for w in words)) for words in decoded.alternatives)
        return Trace(recording, (hypothesis, *others), self.provenance, parts, _MISSING)

    def score(
        self, recordings: Sequence[Recording], targets: Sequence[Target], *, progress: Progress | None = None
    ) -> NDArray[np.float64]:
        """Return natural-log scores `(n_recordings, n_targets)`.

        With `score_by="evidence"`, a word scores ln P(word | sound, place): the best path through the whole recording
        that has the word over the middle of its place, against the same with each of its competitors, or with
        anything at all, there; path scores are scaled by 1/20 as in pocketsphinx's own confidences. Every other word
        of the target's context is as heard, or unheard where the sound no longer supports it. It is never below -60.
        A contrast scores ln P(word) - ln P(rival). An utterance scores how much worse its words are than the best
        path in which any of them may be unheard: 0 or less.

        With `score_by="posterior"`, it is ln(p + 1e-6), where p is the posterior of the word's links that cover half
        of its place or more, in the lattice of a decoding with the targets' words and their competitors.

        Either is a function of the one recording and the targets alone: neither the order of recordings nor the
        number of processes matters.

        Raises
        ------
        BadInput
            A word is not in the dictionary, or a recording is too long.
        NotAble
            A token is to be scored.
        """
        for target in targets:
            check_target(target)
        samples = [_samples(recording) for recording in recordings]
        if not samples or not targets:
            return np.empty((len(samples), len(targets)))
        if self._pool.n_processes > 1 and (len(samples) > _FEW or self._pool.started):
            return self._pool.score(self._plan, samples, targets, progress=progress)
        if self._scorer is None:
            self._scorer = self._plan.scorer()
        scores = []
        for done, each in enumerate(samples, start=1):
            scores.append(self._scorer(each, targets))
            if progress is not None:
                progress(done, len(samples))
        return np.array(scores, dtype=np.float64)

    def align(self, recording: Recording, transcript: str) -> Alignment:
        """Return where each word and phone of a known transcript lies.

        `text_confidence` is the posterior of each word at its place, as `score` defines it by evidence.

        Raises
        ------
        DoesNotFit
            Words are not in the dictionary, no path was found, or the sound speaks against the transcript.
        """
        words = normalize_words(transcript)
        if not words:
            raise DoesNotFit(f"the transcript {transcript!r} holds no words")
        if unknown := cmudict().unknown(words):
            raise DoesNotFit(f"not in the pronunciation dictionary: {', '.join(unknown)}; spell them as known words")
        samples = _samples(recording)
        cepstra = self._acoustics.cepstra(samples)
        network = Network(self._model.triphones, words, rivals={}, n_competitors=0)
        scores = self._acoustics.scores(cepstra, network.senones)
        aligned = align_words(network, scores)
        if aligned is None:
            raise DoesNotFit(f"{recording.duration_s:.2f} s of sound are too short for {len(words)} words")
        if (fits := fit(network, scores)) < LEAST_FIT:
            raise DoesNotFit(
                f"the transcript does not fit the sound: {fits:.1f} nats a frame against free phones, where true "
                f"transcripts have more than {LEAST_FIT}; check that text and recording belong together"
            )
        tiers = forced_alignment(aligned, recording, len(cepstra))
        targets = [Target("word", i.label, i, k, words) for k, i in enumerate(tiers.words.intervals)]
        evidence = EvidenceScorer(self._model.folder, self._plan.n_competitors)
        return replace(tiers, text_confidence=tuple(np.exp(evidence(samples, targets))))

    @property
    def _acoustics(self) -> Acoustics:
        if self._own_acoustics is None:
            self._own_acoustics = Acoustics(self._model)
        return self._own_acoustics

    def _recorded(self, cepstra: NDArray[np.float32], record: Sequence[str]) -> dict[str, Any]:
        grid = grid_of(len(cepstra))
        parts: dict[str, Any] = {}
        if "features" in record:
            indices = np.arange(cepstra.shape[1], dtype=np.float64)
            parts["features"] = Features(cepstra, grid, "mfcc", "ln power", indices, "cepstral index")
        if "emissions" in record:
            phones = self._model.triphones.phones
            states = np.concatenate([self._model.triphones.alone(phone) for phone in phones])
            symbols = tuple(f"{phone}.{i}" for phone in phones for i in (1, 2, 3))
            parts["emissions"] = Emissions(self._acoustics.scores(cepstra, states), grid, symbols, "log_likelihood")
        return parts


def _samples(recording: Recording) -> NDArray[np.int16]:
    """Return the recording at 16 kHz in 16 bits."""
    if recording.duration_s > MAX_DURATION_S:
        raise BadInput(
            f"pocketsphinx hears at most {MAX_DURATION_S:.0f} s at once, got {recording.duration_s:.0f} s; "
            "cut it up with otoscope.recognizers.transcription.transcribe_stream"
        )
    if recording.rate_hz == RATE_HZ or round(recording.duration_s * RATE_HZ) > 0:
        samples = resampled(recording, RATE_HZ).samples
    else:  # less than half a sample at 16 kHz
        samples = np.zeros(1, np.float32)
    return np.clip(np.rint(samples * 32768.0), -32768, 32767).astype(np.int16)
