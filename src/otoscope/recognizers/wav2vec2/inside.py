"""Looking inside a wav2vec2-like checkpoint: what to record, what cannot be recorded and why, and gradients."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from otoscope.core import BadInput, NotAble, Recording, Site, Target
from otoscope.nets.substitution import Passes
from otoscope.recognizers.checkpoints.attention import HIDDEN
from otoscope.recognizers.checkpoints.places import leaf_at, recorded
from otoscope.recognizers.wav2vec2.chunking import Chunking, log_posteriors
from otoscope.recognizers.wav2vec2.network import SpeechEncoder
from otoscope.recognizers.wav2vec2.reading import Reader
from otoscope.recognizers.wav2vec2.sites import described
from otoscope.signal.resampling import resampled

PARTS = ("text", "features", "emissions", "steps", "activations", "attentions")
"""What `record` may name besides single sites."""


@dataclass(frozen=True)
class Wanted:
    """What is to be recorded: the sites, and which parts of a Trace."""

    sites: tuple[str, ...]
    parts: frozenset[str]

    @property
    def only_text(self) -> bool:
        """Whether not even times are wanted."""
        return self.parts == {"text"} and not self.sites


def wanted(network: SpeechEncoder, record: Sequence[str] | str) -> Wanted:
    """Return what `record` asks for.

    Raises
    ------
    BadInput
        Something is asked for that there is not.
    """
    names = (record,) if isinstance(record, str) else tuple(record)
    places = network.places
    hidden = {name for name in names if not network.weights and name.endswith((".attention", "attentions"))}
    if unknown := [name for name in names if name not in places and name not in PARTS and name not in hidden]:
        known = ", ".join((*PARTS, *places.by_name))
        raise BadInput(f"this checkpoint cannot record {', '.join(unknown)}; it records {known}")
    activations = [name for name in places.activations if "activations" in names or name in names]
    attentions = [name for name in places.attentions if "attentions" in names or name in names]
    return Wanted((*activations, *attentions), frozenset(names) & set(PARTS))


def missing_parts(network: SpeechEncoder, want: Wanted, n_samples: int, *, chunking: Chunking) -> dict[str, str]:
    """Return which parts of a Trace are not recorded, and why.

    `n_samples` is the length of the recording at the network's rate.
    """
    missing = {"steps": "CTC has no decoder steps"}
    if want.only_text:
        missing["alignment"] = 'only the text was asked for; leave record="text" away'
    if network.head is None:
        why = "this encoder has no head, so it writes no text; probe its activations, or fine-tune it"
        missing |= {"alignment": why, "emissions": why, "steps": why}
    if chunking.is_long(n_samples, network.rate_hz):
        missing["attentions"] = (
            f"the recording is longer than {chunking.chunk_s:g} s, so the network hears it in chunks; cut it, or open "
            "the checkpoint with a larger chunk_s"
        )
    if not network.weights:
        missing["attentions"] = HIDDEN
    if not network.hears(n_samples):
        short = "the recording is too short to give the network a frame"
        missing |= {"features": short, "activations": short, "attentions": short}
    return missing


def sites_that_fire(network: SpeechEncoder) -> dict[str, Site]:
    """Return every site by name, activations with their widths, from a run over a second of silence."""
    with torch.no_grad(), recorded(network.places, tuple(network.places.by_name)) as seen:
        network.outputs([np.zeros(network.rate_hz, np.float32)])
    weights = network.places.attentions
    return {name: described(name, None if name in weights else seen[name].shape[2]) for name in network.places.by_name}


def passes_through(
    network: SpeechEncoder, reader: Reader, recording: Recording, targets: Sequence[Target], chunking: Chunking
) -> Passes:
    """Return how targets are scored, step by step (`otoscope.recognizers.substituting`).

    Raises
    ------
    NotAble
        The recording is so long that it is heard in chunks.
    """
    wave = resampled(recording, network.rate_hz).samples
    if chunking.is_long(wave.size, network.rate_hz):
        raise NotAble(
            f"a recording longer than {chunking.chunk_s:g} s is heard in chunks, where no values can stand at a site; "
            "cut it, or open the checkpoint with a larger chunk_s"
        )
    grid = network.grids(wave.size)["logits"]
    heard = network.inputs([wave])

    def scores(inputs: Mapping[str, Tensor]) -> Tensor:
        return reader.scores(log_posteriors(network.run(inputs)), grid, targets)

    def of_waves(waves: Tensor) -> Tensor:
        if "input_values" not in heard:
            raise NotAble("log-mel frames are no function that torch knows of the waveform; ask at 'features'")
        return scores({"input_values": network.normalized(waves)})

    def of_copies(n: int) -> Tensor:
        return scores({name: each.expand(n, *each.shape[1:]) for name, each in heard.items()})

    return Passes(network.places, of_waves, of_copies, wave.size, wave.size / network.rate_hz)


def gradient_at(
    network: SpeechEncoder, reader: Reader, recording: Recording, target: Target, at: str
) -> NDArray[np.float64]:
    """Return d score / d value at a site; see `Wav2Vec2Recognizer.gradient`."""
    wave = resampled(recording, network.rate_hz).samples
    if at != "waveform" and at not in network.places:
        known = ", ".join(("waveform", *network.places.by_name))
        raise BadInput(f"no site {at!r} in the network; it has {known}")
    inputs = network.inputs([wave])
    with contextlib.ExitStack() as stack:
        if at == "waveform":
            if "input_values" not in inputs:
                raise NotAble("log-mel frames are no function that torch knows of the waveform; ask at 'features'")
            leaves = [torch.from_numpy(wave.copy())[None].requires_grad_(True)]
            inputs = {"input_values": network.normalized(leaves[0])}
        else:
            leaves = stack.enter_context(leaf_at(network.places, at))
        logits = network.run(inputs)
        score = reader.scores(log_posteriors(logits), network.grids(wave.size)["logits"], [target]).sum()
        slope = torch.autograd.grad(score, leaves, allow_unused=True)[0] if leaves else None
    if slope is None:
        raise BadInput(f"the score of {target.label!r} does not depend on {at}")
    return (slope[0, :, None] if at == "waveform" else slope[0]).double().numpy()
