"""ABX discrimination: is X nearer to A, of its own kind, than to B, of another? Distances in, error rates out.

Schatz (2016), chapter 2. Chance is one half; ties count half.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from otoscope.core.errors import BadInput

Indices = NDArray[np.intp]


@dataclass(frozen=True)
class AbxError:
    """ABX errors of a set of tokens.

    Parameters
    ----------
    error
        Mean over pairs of kinds, each the mean over its speakers and both directions; NaN where there is no triplet.
    by_pair
        Error of each pair of kinds, in the order of their names.
    n_triplets
        Triplets (A, B, X) that were asked.
    """

    error: float
    by_pair: dict[tuple[Hashable, Hashable], float]
    n_triplets: int


def abx_error(
    distances: ArrayLike,
    kinds: Sequence[Hashable],
    speakers: Sequence[Hashable],
    *,
    contexts: Sequence[Hashable] | None = None,
    across: bool = False,
) -> AbxError:
    """Return how often X is nearer to B than to A.

    Parameters
    ----------
    distances
        `(n_tokens, n_tokens)`: row X, columns A and B.
    kinds, speakers
        What each token is an example of, and who said it.
    contexts
        When given, A, B and X share their context (the phones around); Schatz' minimal pairs. None: any.
    across
        A and B are always of one speaker: the one who said X, or, `across`, another.

    Raises
    ------
    BadInput
        The shapes do not fit.
    """
    table = np.asarray(distances, dtype=np.float64)
    n = len(kinds)
    if table.shape != (n, n) or len(speakers) != n or (contexts is not None and len(contexts) != n):
        raise BadInput(f"{n} kinds need as many speakers and contexts, and distances {(n, n)}, got {table.shape}")
    found: dict[tuple[Hashable, Hashable], list[float]] = {}
    n_triplets = 0
    for pair, a, b, x in _cells(kinds, speakers, contexts, across):
        errors, asked = _cell(table, a, b, x)
        n_triplets += asked
        if asked:
            found.setdefault(pair, []).append(errors)
    by_pair = {pair: float(np.mean(values)) for pair, values in sorted(found.items(), key=lambda item: str(item[0]))}
    return AbxError(float(np.mean(list(by_pair.values()))) if by_pair else float("nan"), by_pair, n_triplets)


def _cells(
    kinds: Sequence[Hashable], speakers: Sequence[Hashable], contexts: Sequence[Hashable] | None, across: bool
) -> Iterator[tuple[tuple[Hashable, Hashable], Indices, Indices, Indices]]:
    """Yield each pair of kinds with the tokens that may be A, B and X, for each context and speaker or two."""
    around: Sequence[Hashable] = contexts if contexts is not None else [None] * len(kinds)
    members: dict[tuple[Hashable, Hashable, Hashable], list[int]] = {}
    for index, key in enumerate(zip(kinds, around, speakers, strict=True)):
        members.setdefault(key, []).append(index)
    who = list(dict.fromkeys(speakers))
    empty: list[int] = []
    for a, b in itertools.permutations(sorted(set(kinds), key=str), 2):
        pair = (a, b) if str(a) < str(b) else (b, a)
        for context, one in itertools.product(dict.fromkeys(around), who):
            of_a, of_b = (members.get((kind, context, one), empty) for kind in (a, b))
            if not of_a or not of_b:
                continue
            for other in (w for w in who if (w != one) == across):
                of_x = members.get((a, context, other), empty)
                if of_x:
                    yield pair, np.array(of_a), np.array(of_b), np.array(of_x)


def _cell(table: NDArray[np.float64], a: Indices, b: Indices, x: Indices) -> tuple[float, int]:
    """Return the error over all triplets of a cell, and how many there are; a token is never A and X at once."""
    near, far = table[np.ix_(x, a)], table[np.ix_(x, b)]
    same = x[:, None] == a[None, :]
    wrong = (near[:, :, None] > far[:, None, :]) + 0.5 * (near[:, :, None] == far[:, None, :])
    counted = np.broadcast_to(~same[:, :, None], wrong.shape)
    n = int(counted.sum())
    return (float(wrong[counted].mean()) if n else float("nan")), n
