"""One recording through a checkpoint: the texts, and every part of the Trace that is asked for."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from otoscope.core import (
    Activation,
    Alignment,
    Attention,
    Emissions,
    Features,
    FrameGrid,
    Hypothesis,
    Recording,
    Tier,
)
from otoscope.recognizers.wav2vec2.chunking import Chunking, Pass, log_posteriors
from otoscope.recognizers.wav2vec2.grids import grid_of
from otoscope.recognizers.wav2vec2.hearing import grid_of_logits
from otoscope.recognizers.wav2vec2.inside import Wanted
from otoscope.recognizers.wav2vec2.network import SpeechEncoder
from otoscope.recognizers.wav2vec2.reading import Heard, Reader
from otoscope.recognizers.wav2vec2.sites import described
from otoscope.recognizers.wav2vec2.stretches import stretches
from otoscope.signal.resampling import resampled


class Collected:
    """What is kept of the passes of one recording: no more than was asked for."""

    def __init__(self, network: SpeechEncoder, want: Wanted) -> None:
        self.network, self.want = network, want
        self.seen: dict[str, list[Tensor]] = defaultdict(list)
        self.inputs: list[Tensor] = []

    def add(self, each: Pass) -> None:
        """Keep one pass."""
        for name, rows in each.seen.items():
            self.seen[name].append(rows)
        if "features" in self.want.parts:
            self.inputs.append(each.inputs)

    def parts(self, n_samples: int) -> dict[str, Any]:
        """Return features, activations and attentions, as far as they were seen."""
        grids, weights = self.network.grids(n_samples), self.network.places.attentions
        parts: dict[str, Any] = {}
        if self.inputs:
            parts["features"] = _features(torch.cat(self.inputs).numpy(), grids["features"], self.network)
        if rows := {name: torch.cat(found).numpy() for name, found in self.seen.items() if name not in weights}:
            parts["activations"] = {
                name: Activation(described(name, each.shape[1]), each, grid_of(name, grids))
                for name, each in rows.items()
            }
        if tables := {name: found[0].numpy() for name, found in self.seen.items() if name in weights}:
            parts["attentions"] = {
                name: Attention(described(name), each, grid_of(name, grids), grid_of(name, grids))
                for name, each in tables.items()
            }
        return parts


def _features(values: NDArray[np.float32], grid: FrameGrid, network: SpeechEncoder) -> Features:
    if network.input_name != "input_values":
        return Features(values, grid, "log_mel", "standard deviations from the mean of ln power in each band")
    scaled = getattr(network.extractor, "do_normalize", True)
    return Features(values, grid, "waveform", "standard deviations from the mean" if scaled else "full scale")


def traced(
    network: SpeechEncoder, reader: Reader | None, recording: Recording, want: Wanted, chunking: Chunking
) -> tuple[tuple[Hypothesis, ...], dict[str, Any]]:
    """Return the hypotheses and the parts of a Trace; without a reader there is one hypothesis of no words.

    A recording that goes through in chunks is read stretch by stretch, cut between words, and has one hypothesis.
    """
    wave = resampled(recording, network.rate_hz).samples
    long = chunking.is_long(wave.size, network.rate_hz)
    sites = [name for name in want.sites if not long or name not in network.places.attentions]
    collected = Collected(network, want)
    passes = (each for each in chunking.passes(network, wave, sites))
    if reader is None:
        for each in passes:
            collected.add(each)
        return (Hypothesis(()),), collected.parts(wave.size)

    def rows() -> Iterator[NDArray[np.float64]]:
        for each in passes:
            collected.add(each)
            yield log_posteriors(each.output).numpy()

    grid = grid_of_logits(network, wave.size)
    n_frames = round(chunking.chunk_s * network.rate_hz / grid.hop) if long else max(1, grid.n_frames)
    found, parts = _read(stretches(rows(), reader.symbols, n_frames=n_frames), reader, grid, recording, want)
    return found, parts | collected.parts(wave.size)


def _read(
    blocks: Iterator[NDArray[np.float64]], reader: Reader, grid: FrameGrid, recording: Recording, want: Wanted
) -> tuple[tuple[Hypothesis, ...], dict[str, Any]]:
    found: list[tuple[Hypothesis, ...]] = []
    alignments: list[Alignment] = []
    kept: list[NDArray[np.float32]] = []
    first = 0
    for block in blocks:
        own = dataclasses.replace(grid, start=grid.start + first * grid.hop, n_frames=block.shape[0])
        sound = Heard(block, own, recording.duration_s)
        texts = reader.texts(sound)
        found.append(tuple(reader.hypothesis(text) for text in texts))
        if not want.only_text:
            alignments.append(reader.alignment(sound, reader.heard_words(texts[0])))
        if "emissions" in want.parts:
            kept.append(block.astype(np.float32))
        first += block.shape[0]
    parts: dict[str, Any] = {}
    if not want.only_text:
        parts["alignment"] = joined_alignments(alignments, grid)
    if "emissions" in want.parts:
        names = reader.symbols.names
        values = np.concatenate(kept) if kept else np.zeros((0, len(names)), np.float32)
        parts["emissions"] = Emissions(values, grid, names, "log_posterior", blank=reader.symbols.blank)
    return joined_hypotheses(found), parts


def joined_hypotheses(found: Sequence[tuple[Hypothesis, ...]]) -> tuple[Hypothesis, ...]:
    """Return the hypotheses of a recording from those of its stretches: all of one stretch, the best of several."""
    if len(found) == 1:
        return found[0]
    best = [each[0] for each in found]
    words = tuple(word for each in best for word in each.words)
    tokens = tuple(token for each in best for token in each.tokens)
    return (Hypothesis(words, tokens, sum((each.log_score or 0.0) for each in best)),)


def joined_alignments(found: Sequence[Alignment], grid: FrameGrid) -> Alignment:
    """Return the alignment of a recording from those of its stretches."""
    if len(found) == 1:
        return found[0]
    if not found:
        return Alignment(Tier("words"), text_confidence=(), time_confidence=(), log_score=0.0)

    def tier(name: str) -> Tier | None:
        tiers = [getattr(each, name) for each in found]
        return None if tiers[0] is None else Tier(tiers[0].name, tuple(i for each in tiers for i in each))

    def values(name: str) -> tuple[float, ...]:
        return tuple(value for each in found for value in getattr(each, name))

    return Alignment(
        tier("words") or Tier("words"),
        phones=tier("phones"),
        states=tier("states"),
        path=np.concatenate([each.path for each in found if each.path is not None]),
        grid=grid,
        text_confidence=values("text_confidence"),
        time_confidence=values("time_confidence"),
        log_score=sum(each.log_score or 0.0 for each in found),
    )
