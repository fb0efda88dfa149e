"""Every architecture of the family, and how many hooks there are in a network."""

from __future__ import annotations

from typing import Any

KINDS = (
    ("wav2vec2", False),
    ("wav2vec2", True),
    ("hubert", False),
    ("hubert", True),
    ("wavlm", False),
    ("wavlm", True),
    ("unispeech", False),
    ("unispeech-sat", True),
    ("data2vec-audio", False),
    ("wav2vec2-conformer", False),
    ("sew", False),
    ("sew-d", False),
    ("wav2vec2-bert", False),
)
"""Architecture, and whether it normalises before each block."""


def hooks_of(network: Any) -> int:
    """Return how many hooks there are in a network."""
    return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in network.modules())
