"""Named places in a network where hooks may look and change: every building block carries its own taps.

A tap is a module without weights that passes its first input on. A child called `tap` gives its parent's path as the
name of a site: the tap of `network.encoder[3].mlp` is the site `encoder.3.mlp`. So names follow from how a network is
built, are stable, and no weight changes its name.
"""

from __future__ import annotations

from torch import Tensor, nn

from otoscope.core import BadInput


class Tap(nn.Module):
    """Passes frames on unchanged: a place for a hook, which also sees how many frames of each utterance are real."""

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Return `frames` `(n, n_frames, n_units)`; `lengths` is `(n,)`."""
        return frames


class WeightsTap(nn.Module):
    """Passes attention weights on unchanged; the hook also sees how many queries and keys are real."""

    def forward(self, weights: Tensor, query_lengths: Tensor, key_lengths: Tensor) -> Tensor:
        """Return `weights` `(n, n_heads, n_queries, n_keys)`; both lengths are `(n,)`."""
        return weights


def taps_of(network: nn.Module) -> dict[str, nn.Module]:
    """Return every tap of a network by the name of its site, in the order in which the network was built.

    Examples
    --------
    >>> from otoscope.nets.transformer import EncoderBlock
    >>> sorted(taps_of(EncoderBlock(8, 2, n_hidden=16)))
    ['', 'attention', 'attention.heads', 'mlp', 'mlp.hidden']
    """
    found: dict[str, nn.Module] = {}
    for path, module in network.named_modules():
        if isinstance(module, Tap | WeightsTap) and (path == "tap" or path.endswith(".tap")):
            found[path.removesuffix("tap").removesuffix(".")] = module
    return found


def tap_at(network: nn.Module, site: str) -> nn.Module:
    """Return the tap of a site.

    Raises
    ------
    BadInput
        There is no such site; the message names those there are.
    """
    found = taps_of(network)
    if site not in found:
        raise BadInput(f"no site {site!r} in the network; it has {', '.join(found) or 'none'}")
    return found[site]


class Place(nn.Module):
    """Holds one tap, so that a place inside a block has a name of its own (`attention.heads`)."""

    def __init__(self) -> None:
        super().__init__()
        self.tap = Tap()

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Return `frames` as they are."""
        passed: Tensor = self.tap(frames, lengths)
        return passed
