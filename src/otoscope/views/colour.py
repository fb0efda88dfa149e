"""Colours: a perceptual map for spectrograms, a colour-blind-safe pair for relevance, and images as PNG bytes.

In come levels 0..255; out go RGB triples and files a browser reads. The anchors of `magma` are those of matplotlib's
map of that name (Smith & van der Walt 2015, CC0), kept here so that a page is made without loading matplotlib.
"""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput

MAGMA_ANCHORS = (
    "000004", "0a0822", "1d1147", "36106b", "51127c", "6a1c81", "832681", "9c2e7f", "b73779",
    "cf4070", "e55064", "f4695c", "fb8761", "fea571", "fec287", "fde0a1", "fcfdbf",
)  # fmt: skip
"""Seventeen equally spaced colours of magma, dark to light; interpolation is within 3/255 of the original."""

FOR = "#c8500a"
"""Relevance that speaks for the target: vermilion."""
AGAINST = "#2166ac"
"""Relevance that speaks against the target: blue; the pair is told apart in all common colour blindness."""
UNTRUSTED = "#8a8a8a"
"""Any relevance of a map that failed a sanity check."""
ACCENT = "#0b7a75"
"""The one accent: the chosen word, the playhead, the method's own curve."""


def magma() -> NDArray[np.uint8]:
    """Return the 256 colours of the spectrogram's map, `(256, 3)`, dark to light.

    Examples
    --------
    >>> magma()[[0, 128, 255]].tolist()
    [[0, 0, 4], [183, 55, 121], [252, 253, 191]]
    """
    anchors = np.array([[int(colour[i : i + 2], 16) for i in (0, 2, 4)] for colour in MAGMA_ANCHORS], dtype=float)
    positions = np.linspace(0, 255, len(anchors)).round()
    channels = [np.interp(np.arange(256), positions, anchors[:, c]) for c in range(3)]
    return np.stack(channels, axis=1).round().astype(np.uint8)


def grey_png(levels: NDArray[np.uint8]) -> bytes:
    """Return an 8-bit greyscale PNG of `levels` `(n_rows, n_columns)`, first row on top.

    Source: PNG specification (ISO/IEC 15948), filter type 2 ("up") in every row, which suits spectrograms.

    Raises
    ------
    BadInput
        `levels` is not a non-empty matrix of uint8.
    """
    if levels.ndim != 2 or levels.size == 0 or levels.dtype != np.uint8:
        raise BadInput(f"a PNG needs a non-empty matrix of uint8, got {levels.dtype} {levels.shape}")
    n_rows, n_columns = levels.shape
    above = np.vstack([np.zeros((1, n_columns), np.uint8), levels[:-1]])
    filtered = np.hstack([np.full((n_rows, 1), 2, np.uint8), levels - above])
    header = struct.pack(">IIBBBBB", n_columns, n_rows, 8, 0, 0, 0, 0)
    body = zlib.compress(filtered.tobytes(), 9)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def data_uri(data: bytes, media_type: str) -> str:
    """Return bytes as a `data:` address that a self-contained page can hold.

    Examples
    --------
    >>> data_uri(b"abc", "text/plain")
    'data:text/plain;base64,YWJj'
    """
    return f"data:{media_type};base64,{base64.b64encode(data).decode('ascii')}"
