"""Small random worlds: a lexicon, phone models, a language model and scores, for the decoder and its oracle."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from tree_oracle import TableModels, chain_score, lm_score, random_lm, random_models, readings

from otoscope.decoding.tree import TreeDecoder, build_graph
from otoscope.lexicon.ngram.automaton import BackoffAutomaton

CONTEXTS = ((False, False), (True, False), (False, True), (True, True))
TOPOLOGIES = ("hmm", "one", "skip", "ctc")
N_COLUMNS = 6
LM_SCALE, WORD_PENALTY, ACOUSTIC_SCALE = 1.7, -0.3, 0.8


@dataclass(frozen=True)
class World:
    lexicon: dict[str, tuple[tuple[str, ...], ...]]
    models: TableModels
    lm: BackoffAutomaton
    scores: np.ndarray
    log_silence: float
    log_variants: dict[str, list[float]]

    def decoder(self, **limits: float) -> TreeDecoder:
        """A decoder that prunes nothing unless told so."""
        graph = build_graph(
            self.lexicon,
            self.models,
            silence_log_prob=self.log_silence,
            pronunciation_log_probs=self.log_variants,
        )
        wide = {"beam": 1e6, "max_active": 10**6, "lattice_beam": 50.0}
        return TreeDecoder(
            graph,
            self.lm,
            lm_scale=LM_SCALE,
            word_penalty=WORD_PENALTY,
            acoustic_scale=ACOUSTIC_SCALE,
            **{**wide, **limits},  # type: ignore[arg-type]
        )

    def exact(self, words: tuple[str, ...], *, join=max) -> float:  # type: ignore[no-untyped-def]
        """Acoustic score of some words over all pronunciations and silences, without the language model."""
        total, scaled = -math.inf, ACOUSTIC_SCALE * self.scores.astype(np.float64)
        for states, weight in readings(words, self.lexicon, self.models, self.log_silence, self.log_variants):
            if sum(s.log_skip == -math.inf for *_, s in states) <= len(scaled):
                total = join(total, weight + chain_score(scaled, [s for *_, s in states], join=join))
        return total

    def exact_with_lm(self, words: tuple[str, ...]) -> float:
        """What a decoder must give these words."""
        return self.exact(words) + LM_SCALE * lm_score(self.lm, words) + WORD_PENALTY * len(words)

    def sequences(self, longest: int) -> Iterable[tuple[str, ...]]:
        """All word sequences up to a length."""
        return itertools.chain.from_iterable(itertools.product(self.lexicon, repeat=n) for n in range(longest + 1))


def random_world(seed: int, *, context: tuple[bool, bool], topology: str, n_frames: int | None = None) -> World:
    rng = np.random.default_rng(seed)
    phones = ("A", "B", "C")
    lexicon = {}
    for word in "uvwx":
        variants = {tuple(rng.choice(phones, size=rng.integers(1, 4)).tolist()) for _ in range(rng.integers(1, 3))}
        lexicon[word] = tuple(sorted(variants))
    lexicon["y"] = lexicon["u"]  # a homophone
    n_frames = int(rng.integers(4, 9)) if n_frames is None else n_frames
    return World(
        lexicon,
        random_models(rng, phones, context=context, topology=topology, n_columns=N_COLUMNS),
        random_lm(rng, list(lexicon), order=int(rng.integers(1, 4))),
        (2 * rng.normal(size=(n_frames, N_COLUMNS))).astype(np.float32),
        math.log(rng.uniform(0.1, 0.9)),
        {word: np.log(rng.uniform(0.2, 1, size=len(v))).tolist() for word, v in lexicon.items()},
    )
