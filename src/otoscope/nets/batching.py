"""Batches of like length, made when they are asked for: an epoch is never in memory as a whole."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from otoscope.core import BadInput
from otoscope.nets.examples import batches

Batch = TypeVar("Batch")
Indices = NDArray[np.int64]


def bucketed(lengths: Sequence[int], *, most: int, rng: np.random.Generator, pool: int = 512) -> list[Indices]:
    """Put items of like length into batches, other ones in each epoch, in a random order.

    The items are shuffled and cut into pools; each pool is sorted by length and packed. So a batch has little padding,
    and yet its members change from epoch to epoch (Khomenko et al. 2016).

    Parameters
    ----------
    lengths
        Of each item, in samples or frames.
    most
        Largest padded size of a batch; an item that is longer stands alone.
    rng
        Source of the order.
    pool
        Items that are sorted together: more means less padding and less change.

    Examples
    --------
    >>> found = bucketed([3, 9, 4, 8, 5], most=10, rng=np.random.default_rng(0))
    >>> sorted(i for batch in found for i in batch.tolist())
    [0, 1, 2, 3, 4]
    """
    if pool < 1:
        raise BadInput(f"a pool must hold at least 1 item, got {pool}")
    order = rng.permutation(len(lengths))
    found: list[Indices] = []
    for first in range(0, order.size, pool):
        chosen = order[first : first + pool]
        found += [chosen[batch] for batch in batches([lengths[i] for i in chosen], most=most)]
    return [found[i] for i in rng.permutation(len(found))]


@dataclass(frozen=True)
class LazyBatches(Sequence[Batch], Generic[Batch]):
    """A row of batches, each made when it is asked for from its items and a generator of its own.

    So an epoch needs no more memory than a few batches, and batch `i` is the same whether or not those before it were
    made: a run that was killed goes on at any batch.

    Parameters
    ----------
    groups
        Items of each batch.
    make
        Makes a batch of items, all randomness from the generator it is given. Called in several threads at once.
    seed
        Together with a batch's place, of its generator.
    n_workers
        Threads that make batches ahead while the network learns; 0 makes each when it is asked for.
    """

    groups: Sequence[Indices]
    make: Callable[[Indices, np.random.Generator], Batch]
    seed: int
    n_workers: int = 1

    def __len__(self) -> int:
        return len(self.groups)

    def __getitem__(self, index: int) -> Batch:  # type: ignore[override]
        return self.make(self.groups[index], np.random.default_rng((self.seed, index % len(self))))

    def __iter__(self) -> Iterator[Batch]:
        return self.iterate(range(len(self)))

    def iterate(self, indices: Sequence[int]) -> Iterator[Batch]:
        """Yield the batches at `indices`, those that follow being made meanwhile."""
        if self.n_workers < 1:
            yield from (self[index] for index in indices)
            return
        n_threads = torch.get_num_threads()
        with ThreadPoolExecutor(self.n_workers, initializer=torch.set_num_threads, initargs=(n_threads,)) as threads:
            waiting: deque[Future[Batch]] = deque()
            try:
                for index in indices:
                    waiting.append(threads.submit(self.__getitem__, index))
                    if len(waiting) > self.n_workers:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()
