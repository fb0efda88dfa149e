"""Which cross-attention heads follow the time: those the checkpoint names, or those a calibration finds.

Fine-tunes and home-made checkpoints name no `alignment_heads`. In come the attention weights of all heads on
utterances whose words are known, with or without their true times; out comes a choice of heads that says how it was
made. Nothing here runs a network: `calibration` does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, Tier
from otoscope.core.arrays import set_frozen
from otoscope.decoding.hmm import viterbi_banded
from otoscope.recognizers.whisper.attention_path import STEP_S

Head = tuple[int, int]
"""Decoder layer and head, counted from 0."""
How = Literal["checkpoint", "calibrated", "calibrated without truth", "last half", "all", "given"]


@dataclass(frozen=True)
class HeadChoice:
    """Heads that times are taken from, and how they were chosen.

    Parameters
    ----------
    heads
        Layer and head of each.
    how
        `checkpoint`: named by its generation_config.json; `calibrated`: least error against known times; `calibrated
        without truth`: sharpest along a monotonic path; `last half`: all heads of the later half of the decoder's
        layers, the default of openai/whisper; `all`; or `given` by the caller.
    lead_s
        Seconds by which their attention runs ahead of the sound.
    error_s
        Median error of word edges on the utterances held out, `None` where no times were known.
    material
        What the calibration heard.
    """

    heads: tuple[Head, ...]
    how: How
    lead_s: float = 0.0
    error_s: float | None = None
    material: str = ""

    def __post_init__(self) -> None:
        set_frozen(self, heads=tuple((int(layer), int(head)) for layer, head in self.heads))
        if not self.heads or len(set(self.heads)) < len(self.heads):
            raise BadInput(f"a choice of heads needs at least one (layer, head), each once, got {self.heads}")
        if self.how not in get_args(How):
            raise BadInput(f"unknown way to choose heads {self.how!r}; one of {', '.join(get_args(How))}")

    def as_json(self) -> dict[str, Any]:
        """Return what a `Provenance` says of it, and what a file keeps."""
        return {
            "heads": [list(head) for head in self.heads],
            "how": self.how,
            "lead_s": self.lead_s,
            "error_s": self.error_s,
            "material": self.material,
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> HeadChoice:
        """Return the choice that `as_json` told of."""
        return cls(**{**told, "heads": tuple(tuple(head) for head in told["heads"])})

    def weights(self, attention: NDArray[Any]) -> NDArray[Any]:
        """Return the weights `(n_heads, n_tokens, n_frames)` of the chosen heads.

        `attention` holds those of all, `(n_layers, n_heads, n_tokens, n_frames)`.
        """
        n_layers, n_heads = attention.shape[:2]
        if outside := [head for head in self.heads if not (0 <= head[0] < n_layers and 0 <= head[1] < n_heads)]:
            raise BadInput(f"no head {outside[0]} in {n_layers} decoder layers of {n_heads} heads each")
        return attention[tuple(np.array(self.heads).T)]


def named_heads(generation: Mapping[str, Any]) -> HeadChoice | None:
    """Return the heads that `generation_config.json` names, `None` where it names none."""
    named = generation.get("alignment_heads")
    return HeadChoice(tuple((int(a), int(b)) for a, b in named), "checkpoint") if named else None


def last_half(n_layers: int, n_heads: int) -> HeadChoice:
    """Return all heads of the later half of the layers, as openai/whisper takes them for a model it does not know."""
    return HeadChoice(tuple((a, b) for a in range(n_layers // 2, n_layers) for b in range(n_heads)), "last half")


def all_heads(n_layers: int, n_heads: int) -> HeadChoice:
    """Return all heads."""
    return HeadChoice(tuple((a, b) for a in range(n_layers) for b in range(n_heads)), "all")


def path_mass(weights: NDArray[Any]) -> float:
    """Return how well one head follows time with no truth at all: the mean log weight on its best monotonic path.

    Parameters
    ----------
    weights
        `(n_tokens, n_frames)` of one head, each row over the frames that hold sound.

    Notes
    -----
    Every token holds one frame or more, in order, and leaves none out; what is averaged over frames is the log of the
    token's weight relative to a flat row, cut off at 1e-3 of it. A head that looks everywhere has 0, one that looks at
    the same place for every token is below, one that follows the time above.
    """
    n_tokens, n_frames = weights.shape
    if n_tokens > n_frames:
        return -np.inf
    share = weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-12)
    emissions = np.log(np.maximum(share * n_frames, 1e-3)).T
    return viterbi_banded(emissions, np.zeros((n_tokens, 2))).log_score / n_frames


@dataclass(frozen=True, eq=False)
class Known:
    """An utterance whose words are known, and what all heads made of it.

    Parameters
    ----------
    attention
        `(n_layers, n_heads, n_tokens, n_frames)`; rows as in `times.word_times`.
    words
        Each word with the rows of its tokens.
    duration_s
        Length of the sound.
    truth
        True places of the words, `None` where they are not known.
    sound
        Log odds of sound, as in `times.word_times`.
    """

    attention: NDArray[Any]
    words: tuple[tuple[str, slice], ...]
    duration_s: float
    truth: Tier | None = None
    sound: NDArray[Any] | None = None

    def __post_init__(self) -> None:
        if np.ndim(self.attention) != 4:
            raise BadInput(f"attention must be (n_layers, n_heads, n_tokens, n_frames), got {np.shape(self.attention)}")
        if self.truth is not None and len(self.truth) != len(self.words):
            raise BadInput(f"{len(self.truth)} true places for {len(self.words)} words")

    @property
    def n_frames(self) -> int:
        """Frames that hold sound."""
        return max(1, min(self.attention.shape[3], int(np.ceil(self.duration_s / STEP_S))))


def ranked_by_path(known: Sequence[Known]) -> tuple[tuple[Head, float], ...]:
    """Return all heads, best first, with their mean `path_mass` over utterances."""
    n_layers, n_heads = known[0].attention.shape[:2]
    found = {
        (layer, head): float(np.mean([path_mass(k.attention[layer, head, :, : k.n_frames]) for k in known]))
        for layer in range(n_layers)
        for head in range(n_heads)
    }
    return tuple(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))
