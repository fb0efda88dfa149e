"""How active a word is for ears that now and then miss a phone: one that does not fit costs no more than a mishearing.

The likelihood of a phone is that of a mixture (a likelihood robust to outliers): (1 - ε) p(sound | phone) + ε p(sound |
the phone that fits best). So a word with one wrong phone, a rhyme of what is said, is never further behind than log ε,
while each further wrong phone costs as much again; under the plain recursion (A1) one phone that cannot be there
outweighs all others that are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numba import njit
from numpy.typing import NDArray

from otoscope.core import BadInput
from otoscope.decoding.tree.units import HmmState, PhoneModels
from otoscope.listener.evidence import Evidence
from otoscope.listener.paths import with_silence

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MISHEARD = 0.05
"""ε: how often one phone is taken for another though speech is clear and nothing masks it.

Twenty listeners took 5.4 % of 1332 vowels of Hillenbrand, Getty, Clark and Wheeler (1995) for others, in quiet."""


def activations_misheard(
    evidence: Evidence,
    forms: Sequence[Sequence[str]],
    *,
    rate: float = MISHEARD,
    acoustic_scale: float = 1.0,
    offset_s: float | None = None,
    confusions: Mapping[tuple[str, str], float] | None = None,
) -> Floats:
    """Return `(n_frames, n_forms)` log P(signal up to t | w), without prior, where any phone may be misheard.

    Parameters
    ----------
    evidence
        What was heard; its models must not depend on the phone to come.
    forms
        How each word is said.
    rate
        ε. It is a probability of a phone, whereas scores of neighbouring frames say much the same; so a mishearing
        costs log ε / κ, which is log ε after the scale.
    acoustic_scale
        κ that the activations will be multiplied by.
    offset_s
        From there on only the whole word counts, as in `otoscope.listener.competing.compete`.
    confusions
        How often a phone (first) is taken for another, in place of ε; pairs that are not among them share ε evenly.

    Raises
    ------
    BadInput
        ε is not above 0 and at most 1, κ not above 0, or a form has no phones.
    """
    if not 0 < rate <= 1 or not acoustic_scale > 0:
        raise BadInput(f"a rate above 0 and at most 1 and a κ above 0 are needed, got {rate:g} and {acoustic_scale:g}")
    if any(not phones for phones in forms):
        raise BadInput("a form without phones cannot be heard")
    scores = with_silence(evidence.scores, evidence.models)
    n_whole = evidence.n_frames
    if offset_s is not None:
        n_whole = int(np.searchsorted(evidence.grid.times_s(), offset_s - 1e-9))
    found = np.empty((evidence.n_frames, len(forms)))
    known, even = confusions or {}, rate if confusions is None else rate / (len(evidence.models.phones) - 1)

    def cost(said: str, heard: str) -> float:
        return 0.0 if said == heard else math.log(known.get((said, heard), even)) / acoustic_scale

    for k, phones in enumerate(forms):
        running, final = _heard(scores, *_lattice(evidence.models, tuple(phones), cost))
        found[:, k] = np.where(np.arange(evidence.n_frames) < n_whole, running, final)
    return found


def _lattice(
    models: PhoneModels, phones: tuple[str, ...], missed: Callable[[str, str], float]
) -> tuple[Ints, Ints, Ints, Floats, Floats]:
    """Return what `_heard` goes through: chains of states, which stand beside one another at each place of the word.

    Silence has one chain before the word and one behind; each phone has its own, and behind that one of every phone,
    entered at the cost of a mishearing.

    Returns
    -------
    place, start
        `(n_chains,)` where each stands, `(n_chains + 1,)` where its states begin.
    column, moves
        `(n_states,)` and `(n_states, 3)`; column -1, the last, is silence.
    cost
        `(n_chains,)` of entering each.
    """
    around = (models.silence, *phones, models.silence)
    quiet = (HmmState(-1, 0.0, 0.0),)
    chains: list[tuple[int, float, tuple[HmmState, ...]]] = [(0, 0.0, quiet)]
    for k, phone in enumerate(phones, start=1):
        chains.append((k, 0.0, models.states(around[k - 1], phone, around[k + 1])))
        chains += [
            (k, missed(phone, other), models.states(around[k - 1], other, around[k + 1])) for other in models.phones
        ]
    chains.append((len(phones) + 1, 0.0, quiet))
    states = [state for _, _, chain in chains for state in chain]
    return (
        np.array([place for place, _, _ in chains], np.int64),
        np.cumsum([0, *(len(chain) for _, _, chain in chains)]).astype(np.int64),
        np.array([state.column for state in states], np.int64),
        np.array([[state.log_loop, state.log_leave, state.log_skip] for state in states]),
        np.array([cost for _, cost, _ in chains]),
    )


@njit(cache=True)
def _heard(
    scores: NDArray, place: NDArray, start: NDArray, column: NDArray, moves: NDArray, cost: NDArray
) -> tuple[NDArray, NDArray]:
    """Return `(n_frames,)` the best score of any path into the word, and of those that are through it."""
    n_frames, n_chains, last = scores.shape[0], place.size, place[-1]
    old, new = np.full(column.size, -np.inf), np.empty(column.size)
    running, final = np.empty(n_frames), np.empty(n_frames)
    for t in range(n_frames):
        entry, out = 0.0 if t == 0 else -np.inf, -np.inf
        over = -np.inf
        for k in range(n_chains):
            if k > 0 and place[k] > place[k - 1]:
                entry, out = (0.0 if t == 0 and place[k] == 1 else out), -np.inf
            best = entry + cost[k]
            for s in range(start[k], start[k + 1]):
                stay = old[s] + moves[s, 0]
                new[s] = (best if best > stay else stay) + scores[t, column[s]]
                best += moves[s, 2]
                if old[s] + moves[s, 1] > best:
                    best = old[s] + moves[s, 1]
            out = best if best > out else out
            passed = 0.0
            for s in range(start[k + 1] - 1, start[k] - 1, -1):
                if place[k] < last - 1 or passed == -np.inf:
                    break
                over = max(over, new[s] + passed)
                passed += moves[s, 2]
        old[:] = new
        running[t], final[t] = new.max(), over
    return running, final
