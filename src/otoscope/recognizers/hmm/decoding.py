"""From frames to words: search, and where there is a model of adapted frames, a second search on those."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.decoding.gaussians import Occupancy
from otoscope.decoding.lattice import Lattice
from otoscope.decoding.tree import TranscriptGraphs, TreeDecoder, best_path, build_graph
from otoscope.decoding.tree.forced import ForcedPath, forced
from otoscope.lexicon.ngram.automaton import BackoffAutomaton
from otoscope.recognizers.hmm.adaptation import apply, fmllr
from otoscope.recognizers.hmm.card import HmmCard
from otoscope.recognizers.hmm.language import Lexicon
from otoscope.recognizers.hmm.model import HmmModel
from otoscope.recognizers.hmm.topology import SILENCE


@dataclass(frozen=True)
class Heard:
    """What a search found: the lattice, and the model and frames of the pass that found it."""

    lattice: Lattice
    model: HmmModel
    frames: NDArray[np.float32]
    scores: NDArray[np.float32]


def tree_decoder(model: HmmModel, lexicon: Lexicon, lm: BackoffAutomaton, card: HmmCard) -> TreeDecoder:
    """Return the decoder of all words that both the lexicon and the language model know."""
    spoken = set(lm.words)
    words = {word: variants for word, variants in lexicon.items() if word in spoken}
    return TreeDecoder(
        build_graph(words, model),
        lm,
        beam=card.beam,
        max_active=card.max_active,
        lm_scale=card.lm_scale,
        word_penalty=card.word_penalty,
        acoustic_scale=card.acoustic_scale,
        lattice_beam=card.lattice_beam,
    )


def adapted_frames(
    model: HmmModel, adapted: HmmModel, frames: NDArray[np.float32], path: ForcedPath
) -> NDArray[np.float32]:
    """Return the frames mapped by the fMLLR that a path calls for, under the model of adapted frames.

    Silence has no part in it; with too little speech the frames stay as they are.
    """
    columns = np.full(len(frames), -1, np.int64)
    phones = path.phones
    names = [SILENCE, *(phone.phone for phone in phones), SILENCE]
    numbers = path.graph.state[path.states]
    for k, phone in enumerate(phones):
        if phone.phone != SILENCE:
            own = np.array(adapted.tying.columns(names[k], phone.phone, names[k + 2]))
            span = slice(phone.start_frame, phone.end_frame)
            columns[span] = own[numbers[span]]
    rows, _ = fmllr(adapted.mixtures, frames, Occupancy.of_path(columns, adapted.mixtures.n_states))
    return apply(rows, frames)


def known_path(model: HmmModel, frames: NDArray[np.float32], words: Sequence[str], lexicon: Lexicon) -> ForcedPath:
    """Return the best path of known words through frames `(n_frames, n_dims)`; only states in it are scored.

    Raises
    ------
    DoesNotFit
        There are too few frames for the words.
    """
    graph = TranscriptGraphs(lexicon, model)(words)
    needed = np.unique(graph.column)
    scores = np.full((len(frames), len(model.tying.names)), -np.inf, np.float32)
    scores[:, needed] = model.mixtures.log_likelihoods(frames, needed)
    return best_path(scores, graph)


Pass = tuple[TreeDecoder, HmmModel]


def hear(frames: NDArray[np.float32], first: Pass, second: Pass | None, *, lexicon: Lexicon) -> Heard:
    """Return what is heard in frames `(n_frames, n_dims)`, in one pass or in two.

    Where the first pass hears no word, or only a piece of one, there is no second.
    """
    decoder, model = first
    scores = model.scores(frames)
    lattice = decoder.lattice(scores)
    words = [word.word for word in lattice.best().words]
    if second is None or not words or not lattice.complete:
        return Heard(lattice, model, frames, scores)
    path = forced(scores, words, lexicon, model)
    decoder, adapted = second
    mapped = adapted_frames(model, adapted, frames, path)
    scores = adapted.scores(mapped)
    return Heard(decoder.lattice(scores), adapted, mapped, scores)
