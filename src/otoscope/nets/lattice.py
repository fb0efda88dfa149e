"""log P(a word at its place | sound) from CTC symbol probabilities, in torch: differentiable and batched.

Let `W` be the frames of a window, `π` a frame-wise labelling of `W`, `B(π)` what it spells (repeats merged, blanks
dropped; Graves et al. 2006), and `u` the text around the word `w`, `left w right`. The score is the exact probability

    log Σ_{π : B(π) = l w r,  l a tail of left,  r a head of right}  Π_{t ∈ W} p_t(π_t)

that the window reads `w`, whole, between whatever part of its neighbours the window happens to hold. Frames outside
the window are free (their sum is 1), so it says nothing of other words. With no neighbours and all frames as the window
it is log P(text | sound), minus the CTC loss. Each path is counted once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from otoscope.core import BadInput, DoesNotFit

_IMPOSSIBLE = -1e30  # finite, so that gradients through it are 0 and not NaN


@dataclass(frozen=True)
class Reading:
    """What a window must read.

    Parameters
    ----------
    labels
        Symbol indices of `left + word + right`, without blanks.
    n_left, n_right
        How many labels at both ends belong to the neighbours and may be missing, from the outside in.
    """

    labels: tuple[int, ...]
    n_left: int = 0
    n_right: int = 0

    def __post_init__(self) -> None:
        if min(self.n_left, self.n_right) < 0 or self.n_left + self.n_right > len(self.labels):
            raise BadInput(f"{self.n_left} + {self.n_right} labels of neighbours among {len(self.labels)}")

    @property
    def n_frames_needed(self) -> int:
        """The least number of frames that can spell the word alone: one a label, a blank between two alike."""
        core = self.labels[self.n_left : len(self.labels) - self.n_right]
        return len(core) + sum(a == b for a, b in pairwise(core))


def log_prob_of_reading(log_probs: Tensor, reading: Reading, *, blank: int = 0) -> Tensor:
    """Return log P(the window reads this), `(n,)`, float64.

    Parameters
    ----------
    log_probs
        `(n, n_frames, n_symbols)` natural-log symbol probabilities of the window, for `n` recordings of one length.
    reading
        The word and its neighbours.

    Raises
    ------
    DoesNotFit
        The word needs more frames than the window has.
    """
    n_frames = log_probs.shape[1]
    if reading.n_frames_needed > n_frames:
        raise DoesNotFit(f"the word needs at least {reading.n_frames_needed} frames, its place has {n_frames}")
    if n_frames == 0:
        return log_probs.new_zeros(log_probs.shape[0], dtype=torch.float64)
    symbols, skips = _graph(reading, blank)
    emitted = log_probs.to(torch.float64)[:, :, symbols]
    return torch.logsumexp(torch.stack([_summed(emitted, skips, *part) for part in _parts(reading)]), dim=0)


def _summed(emitted: Tensor, skips: Tensor, starts: list[int], ends: list[int]) -> Tensor:
    """Sum over all paths from the states `starts` to the states `ends`: the forward recursion, `(n,)`."""
    n, n_frames, n_states = emitted.shape
    wall = emitted.new_full((n, 2), _IMPOSSIBLE)
    entered = torch.zeros(n_states, dtype=torch.bool)
    entered[starts] = True
    alpha = torch.where(entered, emitted[:, 0], _IMPOSSIBLE)
    for t in range(1, n_frames):
        padded = torch.cat([wall, alpha], dim=1)
        skipped = torch.where(skips, padded[:, :n_states], _IMPOSSIBLE)
        alpha = torch.logaddexp(torch.logaddexp(alpha, padded[:, 1:-1]), skipped) + emitted[:, t]
    return torch.logsumexp(alpha[:, ends], dim=1)


def _graph(reading: Reading, blank: int) -> tuple[Tensor, Tensor]:
    """Symbol of each state and whether it may be entered past the blank before it; 2k is the blank before label k."""
    n_states = 2 * len(reading.labels) + 1
    symbols = [blank] * n_states
    symbols[1::2] = reading.labels
    skips = [s % 2 == 1 and s > 1 and symbols[s] != symbols[s - 2] for s in range(n_states)]
    return torch.tensor(symbols), torch.tensor(skips)


def _parts(reading: Reading) -> list[tuple[list[int], list[int]]]:
    """Start and end states, in as few passes as count every text once.

    A text `labels[i:j]` can stand at two places when neighbours repeat the word ("two two two"): only the first counts,
    so starts that lack some ends need a pass of their own.
    """
    labels, n = reading.labels, len(reading.labels)
    seen: set[tuple[int, ...]] = set()
    parts: dict[tuple[int, ...], list[int]] = {}
    for i in range(reading.n_left + 1):
        texts = {j: labels[i:j] for j in range(n - reading.n_right, n + 1)}
        ends = tuple(j for j, text in texts.items() if text not in seen)
        seen.update(texts.values())
        if ends:
            parts.setdefault(ends, []).append(i)
    states = [([s for i in starts for s in (2 * i, 2 * i + 1)], ends) for ends, starts in parts.items()]
    return [
        ([s for s in starts if s <= 2 * n], [s for j in ends for s in (2 * j - 1, 2 * j) if s >= 0])
        for starts, ends in states
    ]


def spelled(words: Sequence[str], symbols: Sequence[str], separator: str | None) -> tuple[int, ...]:
    """Return the symbol indices of words spelled letter by letter, `separator` between two of them.

    Raises
    ------
    BadInput
        A letter has no symbol.
    """
    index = {symbol: i for i, symbol in enumerate(symbols)}
    joined = (separator or "").join(words)
    strange = sorted(set(joined) - set(index))
    if strange:
        raise BadInput(
            f"{' '.join(words)!r} has {', '.join(map(repr, strange))}, which this recogniser cannot write; "
            f"it writes {''.join(s for s in symbols if len(s) == 1).strip()!r} and spaces"
        )
    return tuple(index[letter] for letter in joined)
