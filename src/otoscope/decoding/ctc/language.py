"""Language models over CTC symbols, as a table the beam can walk without leaving its kernel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from otoscope.core import BadInput
from otoscope.core.arrays import ByValue, frozen_array, set_frozen


@dataclass(frozen=True, eq=False)
class SymbolAutomaton(ByValue):
    """A deterministic automaton over symbols: from each context, the score of each next symbol and where it leads.

    Parameters
    ----------
    scores
        `(n_contexts, n_symbols)` natural-log score of a symbol after a context. The column of the CTC blank, which is
        no symbol of the text, holds the score of ending there.
    successors
        `(n_contexts, n_symbols)` context reached by a symbol.
    start
        Context before the first symbol.
    """

    scores: NDArray[np.float64]
    successors: NDArray[np.int64]
    start: int = 0

    def __post_init__(self) -> None:
        scores = frozen_array(np.asarray(self.scores, dtype=np.float64, order="C"), n_dims=2, name="scores")
        successors = frozen_array(self.successors, n_dims=2, name="successors", dtype=np.int64)
        if scores.shape != successors.shape:
            raise BadInput(f"scores {scores.shape} and successors {successors.shape} must have one shape")
        if not scores.max() < np.inf:
            raise BadInput("language model scores hold NaN or +inf")
        n_contexts = scores.shape[0]
        if successors.min() < 0 or successors.max() >= n_contexts or not 0 <= self.start < n_contexts:
            raise BadInput(f"start and successors must be contexts 0 … {n_contexts - 1}")
        set_frozen(self, scores=scores, successors=successors)

    @classmethod
    def of_ngram(cls, log_probs: ArrayLike, *, blank: int = 0) -> SymbolAutomaton:
        """Return the automaton of an n-gram table with one axis of `n_symbols` for each word of the n-gram.

        `log_probs[..., c]` is the score of symbol `c` after the symbols of the first axes, oldest first. In a context
        `blank` stands for "before the start", as the predicted symbol for "the end".

        Examples
        --------
        >>> import numpy as np
        >>> SymbolAutomaton.of_ngram(np.zeros((3, 3, 3))).successors[1].tolist()  # context (0, 1) leads to (1, c)
        [3, 4, 5]
        """
        table = np.asarray(log_probs, dtype=np.float64)
        if table.ndim < 1 or len(set(table.shape)) != 1:
            raise BadInput(f"an n-gram table has axes of one length, got shape {table.shape}")
        n_symbols = table.shape[0]
        n_contexts = n_symbols ** (table.ndim - 1)
        contexts = np.arange(n_contexts)[:, np.newaxis]
        successors = (contexts * n_symbols + np.arange(n_symbols)) % n_contexts
        start = blank * ((n_contexts - 1) // (n_symbols - 1)) if n_symbols > 1 else 0
        return cls(table.reshape(n_contexts, n_symbols), successors, start)
