"""Looking inside an end-to-end recogniser: what passes its sites, what it cannot record and why, and gradients."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from otoscope.core import BadInput, Features, Recording, Site, Target
from otoscope.nets.hooks import leaf_at
from otoscope.nets.speech_network import SpeechNetwork
from otoscope.recognizers.endtoend.card import EndToEndCard
from otoscope.recognizers.endtoend.hearing import Encoded, EndToEnd
from otoscope.recognizers.endtoend.sites import activation, attention, described, recorded, site_names
from otoscope.signal.resampling import resampled

PARTS = ("emissions", "steps", "activations", "attentions")


def missing_parts(card: EndToEndCard, network: SpeechNetwork) -> dict[str, str]:
    """Return which parts of a Trace a recogniser cannot record, and why."""
    missing = {}
    if card.family == "ctc":
        missing["steps"] = "a CTC recogniser has no decoder steps"
    if card.family == "attention" and card.decoding.ctc_weight == 0:
        missing["emissions"] = "an attention decoder scores tokens, not frames; see the steps"
    if not site_names(network)[1]:
        missing["attentions"] = "this network has no attention"
    return missing


def wanted_sites(recognizer: EndToEnd, record: Sequence[str]) -> list[str]:
    """Return the sites that `record` asks for, by name or all.

    Raises
    ------
    BadInput
        Something is asked for that there is not.
    """
    activations, attentions = site_names(recognizer.network)
    if unknown := [name for name in record if name not in (*activations, *attentions, *PARTS)]:
        known = ", ".join((*PARTS, *activations, *attentions))
        raise BadInput(f"{recognizer.card.name} cannot record {', '.join(unknown)}; it records {known}")
    found = [name for name in activations if "activations" in record or name in record]
    return found + [name for name in attentions if "attentions" in record or name in record]


def inside(
    recognizer: EndToEnd, recording: Recording, words: Sequence[str], sites: Sequence[str], *, features: bool
) -> dict[str, Any]:
    """Return activations and attentions, and `features` where wanted, while the text heard is scored once more."""
    network, card = recognizer.network, recognizer.card
    with torch.no_grad(), recorded(network, sites) as seen:
        _through(recognizer, recognizer.encoded(recording), words)
    grids = network.grids(resampled(recording, card.shape.front_end.rate_hz).n_samples)
    weights = site_names(network)[1]
    parts: dict[str, Any] = {}
    if features:
        kind = card.shape.features.replace("-", "_")
        parts["features"] = Features(seen["features"][0].numpy(), grids["features"], kind, "ln power re full scale")
    if rows := {name: activation(name, seen[name], grids) for name in sites if name not in weights}:
        parts["activations"] = rows
    if tables := {name: attention(name, seen[name], grids) for name in sites if name in weights}:
        parts["attentions"] = tables
    return parts


def sites_that_fire(recognizer: EndToEnd) -> tuple[Site, ...]:
    """Return the activation sites with their widths, from a run over a second of silence."""
    names, _ = site_names(recognizer.network)
    rate_hz = recognizer.card.shape.front_end.rate_hz
    with torch.no_grad(), recorded(recognizer.network, names) as seen:
        _through(recognizer, recognizer.encoded(Recording(np.zeros(rate_hz, np.float32), rate_hz)), ())
    return tuple(described(name, seen[name].shape[2]) for name in names if name in seen)


def _through(recognizer: EndToEnd, heard: Encoded, words: Sequence[str]) -> None:
    """Let encoded sound pass every output part, the decoder along a text."""
    if recognizer.card.shape.ctc:
        recognizer.network.ctc_log_probs(heard.frames, heard.lengths)
    if recognizer.card.family != "ctc":
        target = Target.utterance(" ".join(words))
        recognizer.reader.scores(heard.frames, heard.lengths, [heard.grid], [target])


def gradient_at(recognizer: EndToEnd, recording: Recording, target: Target, at: str) -> NDArray[np.float64]:
    """Return d score / d value at a site; see `EndToEndRecognizer.gradient`."""
    network = recognizer.network
    samples = resampled(recording, recognizer.card.shape.front_end.rate_hz).samples
    waves = recognizer.waves([samples])
    with contextlib.ExitStack() as stack:
        if at == "waveform":
            leaves = [waves.requires_grad_(True)]
        else:
            if at not in site_names(network)[0]:
                raise BadInput(
                    f"no site {at!r} in the network; it has {', '.join(('waveform', *site_names(network)[0]))}"
                )
            leaves = stack.enter_context(leaf_at(network, at))
        score = recognizer.scores_of(waves, [samples.size], [target]).sum()
        slopes = torch.autograd.grad(score, leaves, allow_unused=True) if leaves else ()
    if all(slope is None for slope in slopes):
        raise BadInput(f"the score of {target.label!r} does not depend on {at}")
    rows = torch.cat([torch.zeros_like(a) if b is None else b for a, b in zip(leaves, slopes, strict=True)], 1)
    return (rows[0, :, None] if at == "waveform" else rows[0]).double().numpy()
