"""Natural-log scores of targets in one recording; a pure function of the recording and the targets.

Two ways, both defined in docs/decisions/0003-pocketsphinx-score.md: by *evidence* (the default: the recogniser's own
acoustic and language model over a small network of words) and by *posterior* (the lattice of a real decoding with a
small vocabulary).
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, NotAble, Target
from otoscope.recognizers.pocketsphinx.acoustic import Acoustics
from otoscope.recognizers.pocketsphinx.competitors import competitors, pronunciations
from otoscope.recognizers.pocketsphinx.decoder import Engine, grid_of
from otoscope.recognizers.pocketsphinx.lattice import FRAMES_PER_SECOND, Segment, text_confidence
from otoscope.recognizers.pocketsphinx.model import acoustic_model
from otoscope.recognizers.pocketsphinx.network import Network
from otoscope.recognizers.pocketsphinx.passage import Passage

SCALE = 20.0
"""Path scores are divided by this before they become posteriors (pocketsphinx's `ascale`)."""
LOWEST = -60.0
"""Score of a word that no path can hold, such as one in a recording too short for it."""
POSTERIOR_FLOOR = 1e-6
_KEPT_NETWORKS = 8

Scorer = Callable[[NDArray[np.int16], Sequence[Target]], list[float]]


@dataclass(frozen=True)
class ScoringPlan:
    """All that a process must know to score: picklable, and enough to make the same scorer anywhere."""

    score_by: str = "evidence"
    n_competitors: int = 30
    folder: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def scorer(self) -> Scorer:
        """Return the scorer of this plan."""
        folder = acoustic_model(self.folder).folder
        if self.score_by == "evidence":
            return EvidenceScorer(folder, self.n_competitors)
        return PosteriorScorer(folder, self.n_competitors, self.options)


def check_target(target: Target) -> None:
    """Refuse what pocketsphinx cannot score, before any work is done.

    Raises
    ------
    NotAble
        A token was asked for.
    BadInput
        A word is not in the pronunciation dictionary.
    """
    if target.kind == "token":
        raise NotAble(f"pocketsphinx scores words and utterances, not tokens such as {target.label!r}")
    texts = (target.label, target.rival or "") if target.kind == "utterance" else ()
    words = () if texts else (target.label, *([target.rival] if target.rival else []))
    for word in (*target.context, *words, *(w for text in texts for w in text.split())):
        pronunciations(word)
    if target.kind == "utterance" and not target.label.split():
        raise BadInput("an utterance target needs at least one word")


def _words_and_position(target: Target) -> tuple[tuple[str, ...], int]:
    if target.kind == "utterance":
        return tuple(target.label.split()), 0
    if target.context and target.position is not None:
        context = list(target.context)
        context[target.position] = target.label
        return tuple(context), target.position
    return (target.label,), 0


class EvidenceScorer:
    """Scores by the best paths through a network of words as heard, their competitors, and anything at all."""

    def __init__(self, folder: Path, n_competitors: int) -> None:
        self._acoustics = Acoustics(acoustic_model(str(folder)))
        self._n_competitors = n_competitors
        self._networks: dict[Any, Network] = {}

    def __call__(self, samples: NDArray[np.int16], targets: Sequence[Target]) -> list[float]:
        """Return one score a target."""
        cepstra = self._acoustics.cepstra(samples)
        passages: dict[Any, Passage] = {}

        def passage(words: tuple[str, ...], rivals: Mapping[int, tuple[str, ...]], open_ended: bool) -> Passage:
            key = (words, tuple(sorted(rivals.items())))
            if (key, open_ended) not in passages:
                network = self._network(key, words, rivals)
                scores = self._acoustics.scores(cepstra, network.senones)
                passages[key, open_ended] = Passage(network, scores, open_ended=open_ended)
            return passages[key, open_ended]

        return [self._score(target, passage, targets) for target in targets]

    def _score(self, target: Target, passage: Callable[..., Passage], targets: Sequence[Target]) -> float:
        words, position = _words_and_position(target)
        if target.kind == "utterance":
            whole = passage(words, {}, False)
            if target.rival:
                return _difference(whole.as_heard, passage(tuple(target.rival.split()), {}, False).as_heard)
            return (
                max(LOWEST, min(0.0, (whole.as_heard - whole.best) / SCALE)) if whole.as_heard > -math.inf else LOWEST
            )
        found = passage(words, _rivals(words, targets), not target.context)
        assert target.interval is not None  # Target itself sees to it
        middle = grid_of(found.n_frames).frame_at((target.interval.start_s + target.interval.end_s) / 2)
        paths, anything = found.at(position, middle)
        if target.rival:
            return _difference(paths[target.label], paths[target.rival])
        every = np.array([*paths.values(), anything]) / SCALE
        return max(LOWEST, paths[target.label] / SCALE - float(np.logaddexp.reduce(every)))

    def _network(self, key: Any, words: tuple[str, ...], rivals: Mapping[int, tuple[str, ...]]) -> Network:
        if key not in self._networks:
            while len(self._networks) >= _KEPT_NETWORKS:
                del self._networks[next(iter(self._networks))]
            self._networks[key] = Network(
                self._acoustics.model.triphones, words, rivals=rivals, n_competitors=self._n_competitors
            )
        return self._networks[key]


def _difference(score: float, other: float) -> float:
    """Scaled difference of two path scores, kept within `LOWEST` either way."""
    if score == other == -math.inf:
        return 0.0
    return float(np.clip((score - other) / SCALE, LOWEST, -LOWEST))


def _rivals(words: tuple[str, ...], targets: Sequence[Target]) -> dict[int, tuple[str, ...]]:
    """The rivals that targets of the same words name, by position."""
    rivals: dict[int, tuple[str, ...]] = {}
    for target in targets:
        if target.kind == "word" and target.rival and _words_and_position(target)[0] == words:
            position = _words_and_position(target)[1]
            rivals[position] = tuple(dict.fromkeys((*rivals.get(position, ()), target.rival)))
    return rivals


class PosteriorScorer:
    """Scores by the lattice of a real decoding whose vocabulary is the targets' words and their competitors."""

    def __init__(self, folder: Path, n_competitors: int, options: Mapping[str, Any]) -> None:
        self._folder, self._n_competitors, self._options = folder, n_competitors, dict(options)
        self._vocabulary: tuple[str, ...] = ()
        self._engine: Engine | None = None

    def __call__(self, samples: NDArray[np.int16], targets: Sequence[Target]) -> list[float]:
        """Return one score a target: ln(posterior + 1e-6)."""
        if any(target.interval is None for target in targets):
            raise NotAble("the posterior scores words only; use score_by='evidence' for utterances")
        links = self._engine_for(targets).decode(samples).links
        scores = []
        for target in targets:
            assert target.interval is not None  # checked above
            start, end = (round(s * FRAMES_PER_SECOND) for s in (target.interval.start_s, target.interval.end_s))
            place = Segment(target.label, start, end, posterior=0.0)
            score = math.log(text_confidence(links, target.label, place) + POSTERIOR_FLOOR)
            if target.rival:
                score -= math.log(text_confidence(links, target.rival, place) + POSTERIOR_FLOOR)
            scores.append(score)
        return scores

    def _engine_for(self, targets: Sequence[Target]) -> Engine:
        heard = dict.fromkeys(w for t in targets for w in (*t.context, t.label, t.rival) if w)
        words = tuple(sorted({c for w in heard for c in (w, *competitors(w, self._n_competitors))}))
        if self._engine is None or words != self._vocabulary:
            with tempfile.TemporaryDirectory(prefix="otoscope-words-") as folder:
                path = Path(folder) / "words.dict"
                path.write_text("".join(_entries(words)), encoding="utf-8")
                self._engine = Engine(self._folder, {"fwdflat": False, **self._options, "dict": str(path)})
                self._engine.prepare()
            self._vocabulary = words
        return self._engine


def _entries(words: Sequence[str]) -> list[str]:
    return [
        f"{word}{f'({i})' if i > 1 else ''} {' '.join(phones)}\n"
        for word in words
        for i, phones in enumerate(pronunciations(word), start=1)
    ]
