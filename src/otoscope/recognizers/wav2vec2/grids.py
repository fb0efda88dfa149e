"""Where the rows of every place of a wav2vec2-like network lie in the recording, from its own convolutions."""

from __future__ import annotations

from typing import Any

from otoscope.core import FrameGrid

MEL_HOP, MEL_WINDOW = 160, 400
"""Of the log-mel front end of wav2vec2-bert, samples; it sets two frames side by side."""


def grids_of(network: Any, n_samples: int, rate_hz: int) -> dict[str, FrameGrid]:
    """Return the grid of each place by the beginning of its name: the longest beginning that is there counts.

    Rows that mix all frames (attention and what stands behind it) have the grid of the frames that they stand for. Rows
    of the positional convolution have their own receptive field: with an even kernel its centre is half a frame early.

    Parameters
    ----------
    network
        The transformers model without its head.
    n_samples, rate_hz
        Length and rate of the recording.
    """
    wave = FrameGrid(rate_hz, 0, 1, 1, n_samples)
    if hasattr(network, "feature_extractor"):
        grids, frames = {"features": wave}, wave
        for i, layer in enumerate(network.feature_extractor.conv_layers):
            frames = grids[f"front_end.{i}"] = convolved(frames, layer.conv)
    else:
        mel = FrameGrid.over(n_samples, rate_hz, hop=MEL_HOP, window=MEL_WINDOW)
        pairs = mel.conv(2, stride=2)
        frames = FrameGrid(rate_hz, 0, pairs.hop, pairs.window, (mel.n_frames + 1) // 2)
        grids = {"features": frames}
    grids["projection"] = frames
    grids |= _encoder_grids(network, frames)
    rows = frames
    for i, layer in enumerate(network.adapter.layers if getattr(network, "adapter", None) is not None else ()):
        rows = grids[f"adapter.{i}"] = convolved(rows, layer.conv if hasattr(layer, "conv") else layer.residual_conv)
    return grids | {"logits": rows, "encoded": rows}


def _encoder_grids(network: Any, frames: FrameGrid) -> dict[str, FrameGrid]:
    """Return the grids inside the encoder: a squeezed one (Wu et al. 2022) has several frames in each row."""
    encoder = network.encoder
    positions = frames
    for layer in positional_layers(network):
        positions = convolved(positions, layer.conv, dropped=layer.padding.num_pad_remove)
    rows = frames
    if hasattr(encoder, "pool"):
        size = int(encoder.pool.kernel_size[0])
        rows = frames.conv(size, stride=size)
        n_rows = min(rows.n_frames, positions.n_frames)
        rows = FrameGrid(rows.rate_hz, rows.start, rows.hop, rows.window, n_rows)
    up = FrameGrid(frames.rate_hz, frames.start, frames.hop, frames.window, _upsampled(encoder, rows, frames))
    return {"positions": positions, "embedding": rows, "encoder": rows, "upsampling": up}


def _upsampled(encoder: Any, rows: FrameGrid, frames: FrameGrid) -> int:
    return rows.n_frames * int(encoder.pool.kernel_size[0]) if hasattr(encoder, "pool") else frames.n_frames


def positional_layers(network: Any) -> tuple[Any, ...]:
    """Return the positional convolutions that the network uses, in order; Conformers have one and do not."""
    embedding = getattr(network.encoder, "pos_conv_embed", None)
    if embedding is None or hasattr(network.encoder, "embed_positions"):
        return ()
    return tuple(embedding.layers) if hasattr(embedding, "layers") else (embedding,)


def convolved(frames: FrameGrid, layer: Any, *, dropped: int = 0) -> FrameGrid:
    """Return the grid behind a `torch.nn.Conv1d`, the last `dropped` frames of which are thrown away."""
    grid = frames.conv(
        int(layer.kernel_size[0]),
        stride=int(layer.stride[0]),
        padding=int(layer.padding[0]),
        dilation=int(layer.dilation[0]),
    )
    return FrameGrid(grid.rate_hz, grid.start, grid.hop, grid.window, max(0, grid.n_frames - dropped))


def grid_of(name: str, grids: dict[str, FrameGrid]) -> FrameGrid:
    """Return the grid of a site."""
    parts = name.split(".")
    return next(grids[key] for n in range(len(parts), 0, -1) if (key := ".".join(parts[:n])) in grids)
