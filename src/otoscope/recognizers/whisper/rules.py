"""What may be written next: rules that take tokens away before one is chosen.

Each rule gets the scores of the next token `(n_rows, n_tokens)` and changes them in place, and the tokens that each row
has written behind what it was given.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from otoscope.recognizers.whisper.tokens import Tokens


class Rule(Protocol):
    """Forbids tokens."""

    def __call__(self, scores: Tensor, written: Sequence[Sequence[int]]) -> None:
        """Set forbidden scores to minus infinity."""
        ...


class Never:
    """Tokens that are never written: symbols that nobody says, special tokens."""

    def __init__(self, tokens: Sequence[int]) -> None:
        self.tokens = torch.tensor(sorted(set(tokens)), dtype=torch.int64)

    def __call__(self, scores: Tensor, written: Sequence[Sequence[int]]) -> None:
        """Forbid them."""
        scores.index_fill_(1, self.tokens, -torch.inf)


class NotFirst(Never):
    """Tokens that no text begins with: a lone space, the end."""

    def __call__(self, scores: Tensor, written: Sequence[Sequence[int]]) -> None:
        """Forbid them where nothing is written yet."""
        if not written[0]:
            super().__call__(scores, written)


class TimesInOrder:
    """Times stand at both ends of each segment and never go back (Radford et al. 2023, section 4.5).

    A time comes first, at most `most_first` steps in. One time is followed by another or the end, two by text. A time
    is never before the last, nor the same unless it opens the next segment. Where all times together are likelier
    than the likeliest text token, only times are left.

    Parameters
    ----------
    tokens
        The checkpoint's tokens.
    most_first
        Latest first time, in steps of 20 ms; `None` for any.
    """

    def __init__(self, tokens: Tokens, most_first: int | None = 50) -> None:
        self.first, self.end, self.unwanted, self.most_first = (
            tokens.first_time,
            tokens.end,
            tokens.no_timestamps,
            most_first,
        )

    def __call__(self, scores: Tensor, written: Sequence[Sequence[int]]) -> None:
        """Forbid what would break the order."""
        scores[:, self.unwanted] = -torch.inf
        for row, before in zip(scores, written, strict=True):
            self._keep_order(row, before)
        times, others = scores[:, self.first :], scores[:, : self.first]
        others[times.logsumexp(1) > others.amax(1)] = -torch.inf

    def _keep_order(self, row: Tensor, before: Sequence[int]) -> None:
        if not before:
            row[: self.first] = -torch.inf
            if self.most_first is not None:
                row[self.first + self.most_first + 1 :] = -torch.inf
            return
        last_is_time = before[-1] >= self.first
        closed = len(before) < 2 or before[-2] >= self.first
        if last_is_time and closed:
            row[self.first :] = -torch.inf
        elif last_is_time:
            row[: self.end] = -torch.inf
        last = next((token for token in reversed(before) if token >= self.first), None)
        if last is not None:
            row[self.first : last + (0 if last_is_time and not closed else 1)] = -torch.inf
