"""The decoding graph: a lexical prefix tree over context-dependent states with cross-word context, in flat arrays."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core.arrays import ByValue
from otoscope.core.errors import BadFormat

SILENCE_WORDS = -1
"""Word set of an exit that ends a silence."""


@dataclass(frozen=True, eq=False)
class DecodingGraph(ByValue):
    """What a decoder walks; logs natural. Made by `build_graph`.

    Nodes `0 … n_nodes - 1` take a frame each time they are entered or stayed in; the `n_roots` that follow are the
    places between two words, which take none: one for each last phone and set of first phones that may follow there.

    Parameters
    ----------
    words
        Word of each id.
    column
        `(n_nodes,)` int32, the column of the scores that a frame in this node takes.
    log_loop
        `(n_nodes,)` float32, to stay for one more frame.
    arc_start
        `(n_nodes + n_roots + 1,)` int32: node or root v owns arcs `arc_start[v]:arc_start[v + 1]`.
    arc_next, arc_log
        `(n_arcs,)` int32 and float32: the node entered with the next frame, and the weight (leaving, skipping).
    exit_start
        `(n_nodes + 1,)` int32: node v owns exits `exit_start[v]:exit_start[v + 1]`.
    exit_root, exit_words, exit_log
        `(n_exits,)` int32, int32, float32: root reached, set of words that end here (-1: a silence), weight.
    set_start, set_word, set_log
        Words that sound the same: set k holds `set_word[set_start[k]:set_start[k + 1]]`, with log probabilities of
        these pronunciations.
    root_final
        `(n_roots,)` float32 log weight of ending the utterance there; minus infinity where it cannot.
    start
        The root where an utterance begins, counted from the first root.
    """

    words: tuple[str, ...]
    column: NDArray[np.int32]
    log_loop: NDArray[np.float32]
    arc_start: NDArray[np.int32]
    arc_next: NDArray[np.int32]
    arc_log: NDArray[np.float32]
    exit_start: NDArray[np.int32]
    exit_root: NDArray[np.int32]
    exit_words: NDArray[np.int32]
    exit_log: NDArray[np.float32]
    set_start: NDArray[np.int32]
    set_word: NDArray[np.int32]
    set_log: NDArray[np.float32]
    root_final: NDArray[np.float32]
    start: int

    @property
    def n_nodes(self) -> int:
        """Number of nodes that take a frame."""
        return int(self.column.size)

    @property
    def n_roots(self) -> int:
        """Number of places between words."""
        return int(self.root_final.size)

    @property
    def n_columns(self) -> int:
        """Least number of columns that the scores need."""
        return int(self.column.max()) + 1 if self.column.size else 0

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write as one compressed `.npz` file of plain arrays."""
        arrays: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "words"}
        with open(path, "wb") as file:
            np.savez_compressed(file, words=np.frombuffer("\n".join(self.words).encode(), dtype=np.uint8), **arrays)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> DecodingGraph:
        """Read what `save` wrote.

        Raises
        ------
        BadFormat
            The file lacks a part of a graph.
        """
        with np.load(path, allow_pickle=False) as stored:
            missing = [f.name for f in fields(cls) if f.name not in stored]
            if missing:
                raise BadFormat(f"{os.fspath(path)} is no decoding graph: it lacks {', '.join(missing)}")
            arrays = {f.name: stored[f.name] for f in fields(cls)}
        words = tuple(arrays.pop("words").tobytes().decode().split("\n"))
        start = int(arrays.pop("start"))
        return cls(words=words, start=start, **arrays)
