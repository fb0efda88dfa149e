"""The search for the text of a window: one short loop; what to choose is a strategy, what is allowed are rules."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from otoscope.recognizers.whisper.network import Heard, Network, Session
from otoscope.recognizers.whisper.rules import Rule


@dataclass(frozen=True)
class Reading:
    """A text of the search.

    Parameters
    ----------
    tokens
        What was written, without the end.
    log_probs
        Of each token, and of the end where it was reached: nats, among the tokens that the rules allow.
    score
        By which the readings of a window are ranked.
    ended
        Whether the end was reached, or room ran out.
    """

    tokens: tuple[int, ...]
    log_probs: tuple[float, ...]
    score: float
    ended: bool

    @property
    def avg_logprob(self) -> float:
        """Mean log probability of the tokens, the end included, nats."""
        return math.fsum(self.log_probs) / max(1, len(self.log_probs))


@dataclass
class Row:
    """A hypothesis while it grows."""

    tokens: list[int] = field(default_factory=list)
    log_probs: list[float] = field(default_factory=list)
    ended: bool = False

    def with_token(self, token: int, log_prob: float) -> Row:
        """Return it with one more token."""
        return Row([*self.tokens, token], [*self.log_probs, log_prob])


class Strategy(Protocol):
    """Chooses the next token of every row."""

    n_rows: int
    """Rows for each window."""
    rows: list[Row]
    """All rows, window by window."""

    def extend(self, scores: Tensor, beliefs: Tensor, *, last: bool) -> list[int] | None:
        """Choose from the allowed scores `(n_rows, n_tokens)`.

        `beliefs` `(n_rows,)` is the log of the sum of exp of all scores, before any was forbidden. Returns the row that
        each goes on from, or `None` when all is said; `last` says that there is no room for more.
        """
        ...

    def readings(self) -> list[tuple[Reading, ...]]:
        """Return the readings of each window, best first."""
        ...


def search(
    network: Network,
    heard: Heard,
    prefix: Sequence[Sequence[int]],
    strategy: Strategy,
    rules: Sequence[Rule],
    n_most: int,
) -> list[tuple[Reading, ...]]:
    """Return the readings of each window.

    Parameters
    ----------
    heard
        The windows.
    prefix
        What the decoder is given for each window, equally long.
    strategy
        Chooses tokens.
    rules
        Take tokens away, in this order.
    n_most
        Most tokens to write.
    """
    windows = [window for window in range(heard.n) for _ in range(strategy.n_rows)]
    session = Session(network, heard.rows(windows))
    hidden = session.feed(torch.tensor([list(prefix[window]) for window in windows]))
    for n_written in range(1, n_most + 1):
        scores = network.logits(hidden[:, -1]).float()
        beliefs = scores.logsumexp(1)
        written = [row.tokens for row in strategy.rows]
        for rule in rules:
            rule(scores, written)
        order = strategy.extend(scores, beliefs, last=n_written == n_most)
        if order is None:
            break
        session.reorder(order)
        hidden = session.feed(torch.tensor([[row.tokens[-1]] for row in strategy.rows]))
    return strategy.readings()


class Likeliest:
    """Takes the likeliest token each time."""

    def __init__(self, n_windows: int, end: int, *, n_rows: int = 1) -> None:
        self.end, self.n_rows = end, n_rows
        self.rows = [Row() for _ in range(n_windows * n_rows)]

    def choose(self, scores: Tensor) -> Tensor:
        """Return the next token of each row, `(n_rows,)`."""
        return scores.argmax(1)

    def extend(self, scores: Tensor, beliefs: Tensor, *, last: bool) -> list[int] | None:
        """Choose for the rows that have not ended; see `Strategy`."""
        chosen = self.choose(scores)
        log_probs = scores.gather(1, chosen[:, None])[:, 0] - scores.logsumexp(1)
        for row, token, log_prob in zip(self.rows, chosen.tolist(), log_probs.tolist(), strict=True):
            if not row.ended:
                row.log_probs.append(log_prob)
                row.ended = token == self.end
            row.tokens.append(self.end if row.ended else token)
        return None if last or all(row.ended for row in self.rows) else list(range(len(self.rows)))

    def readings(self) -> list[tuple[Reading, ...]]:
        """Return the readings of each window, the likeliest first."""
        found = []
        for first in range(0, len(self.rows), self.n_rows):
            own = [self._reading(row) for row in self.rows[first : first + self.n_rows]]
            unlike = {reading.tokens: reading for reading in reversed(own)}
            found.append(tuple(sorted(unlike.values(), key=lambda each: -each.avg_logprob)))
        return found

    def _reading(self, row: Row) -> Reading:
        n_written = len(row.log_probs) - row.ended
        return Reading(tuple(row.tokens[:n_written]), tuple(row.log_probs), math.fsum(row.log_probs), row.ended)


class Drawn(Likeliest):
    """Draws tokens at random, from probabilities raised to the power of 1 / temperature.

    Each window has its own generator, so what is drawn for it does not depend on which others are heard with it.
    """

    def __init__(self, n_windows: int, end: int, *, n_rows: int, temperature: float, seed: int) -> None:
        super().__init__(n_windows, end, n_rows=n_rows)
        self.temperature = temperature
        self.generators = [torch.Generator().manual_seed(seed) for _ in range(n_windows)]

    def choose(self, scores: Tensor) -> Tensor:
        """Return what is drawn for each row, `(n_rows,)`."""
        shares = torch.softmax(scores / self.temperature, 1).split(self.n_rows)
        drawn = [torch.multinomial(own, 1, generator=g) for own, g in zip(shares, self.generators, strict=True)]
        return torch.cat(drawn)[:, 0]


@dataclass
class _Window:
    running: list[float]
    finished: list[Reading] = field(default_factory=list)
    done: bool = False


class Beam:
    """Keeps the likeliest hypotheses, with the ranking and the end of transformers' beam search.

    A finished hypothesis is ranked by its log probability divided by its number of tokens (with its end) to the power
    `length_penalty`. The search of a window is over when as many as the beam holds are finished and the best that
    still runs, ranked at its present length, is no better than the worst of them.
    """

    def __init__(self, n_windows: int, end: int, *, beam_size: int, length_penalty: float) -> None:
        self.end, self.n_rows, self.length_penalty = end, beam_size, length_penalty
        self.rows = [Row() for _ in range(n_windows * beam_size)]
        self.windows = [_Window([0.0] + [-1e9] * (beam_size - 1)) for _ in range(n_windows)]

    def extend(self, scores: Tensor, beliefs: Tensor, *, last: bool) -> list[int] | None:
        """Keep the best of all rows of a window with one token more; see `Strategy`."""
        n, beam, n_tokens = len(self.windows), self.n_rows, scores.shape[1]
        running = torch.tensor([window.running for window in self.windows]).reshape(-1, 1)
        ranks = (scores - beliefs[:, None] + running).view(n, -1)
        best = ranks.topk(2 * beam, 1)
        log_probs = (scores - scores.logsumexp(1, keepdim=True)).view(n, -1).gather(1, best.indices)
        order: list[int] = []
        rows: list[Row] = []
        for at, window in enumerate(self.windows):
            own = self.rows[at * beam : (at + 1) * beam]
            found = [
                (own[place // n_tokens].with_token(place % n_tokens, log_prob), rank, at * beam + place // n_tokens)
                for place, log_prob, rank in zip(
                    best.indices[at].tolist(), log_probs[at].tolist(), best.values[at].tolist(), strict=True
                )
            ]
            kept = self._kept(window, found, last=last)
            rows += [row for row, _, _ in kept]
            order += [source for _, _, source in kept]
        self.rows = rows
        return None if last or all(window.done for window in self.windows) else order

    def _kept(
        self, window: _Window, found: list[tuple[Row, float, int]], *, last: bool
    ) -> list[tuple[Row, float, int]]:
        """Set finished hypotheses of a window aside and return those that run on."""
        beam = self.n_rows
        length = len(found[0][0].tokens)
        over = [last or row.tokens[-1] == self.end for row, _, _ in found]
        if not window.done:
            new = [
                self._finished(row, rank, length)
                for (row, rank, _), stops in zip(found[:beam], over[:beam], strict=True)
                if stops and rank > -1e8
            ]
            window.finished = sorted([*window.finished, *new], key=lambda each: -each.score)[:beam]
        kept = [each for each, stops in zip(found, over, strict=True) if not stops][:beam] or found[:beam]
        window.running = [rank for _, rank, _ in kept]
        best = window.running[0] / length**self.length_penalty
        if len(window.finished) == beam and best <= window.finished[-1].score:
            window.done = True
        return kept

    def _finished(self, row: Row, rank: float, length: int) -> Reading:
        ended = row.tokens[-1] == self.end
        tokens = tuple(row.tokens[:-1] if ended else row.tokens)
        return Reading(tokens, tuple(row.log_probs), rank / length**self.length_penalty, ended)

    def readings(self) -> list[tuple[Reading, ...]]:
        """Return the finished hypotheses of each window, best first."""
        return [tuple(window.finished) for window in self.windows]
