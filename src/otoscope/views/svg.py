"""Small pictures as inline SVG for notebooks: waveform, bars of relevance, matrix of all words. Text is escaped."""

from __future__ import annotations

from html import escape

import numpy as np

from otoscope.core import Panel
from otoscope.views.colour import ACCENT, AGAINST, FOR, UNTRUSTED

WIDTH = 640
FONT = "font-family:system-ui,sans-serif;font-size:11px;fill:currentColor"


def waveform_svg(panel: Panel, *, height: int = 56) -> str:
    """Return a waveform Panel as SVG, at most two points a pixel."""
    low, high = panel.data["minimum"], panel.data["maximum"]
    edges = np.linspace(0, len(low), min(len(low), WIDTH) + 1).astype(int)[:-1]
    low, high = np.minimum.reduceat(low, edges), np.maximum.reduceat(high, edges)
    peak = max(float(np.max(np.abs(low))), float(np.max(np.abs(high))), 1e-6)
    x = (np.arange(len(low)) + 0.5) * WIDTH / len(low)
    there = [f"{a:.1f},{height / 2 * (1 - b / peak):.1f}" for a, b in zip(x, high, strict=True)]
    back = [f"{a:.1f},{height / 2 * (1 - b / peak):.1f}" for a, b in zip(x, low, strict=True)]
    shape = f'<polygon points="{" ".join(there + back[::-1])}" fill="{ACCENT}" stroke="{ACCENT}" stroke-width="0.5"/>'
    return _svg(shape, height, f"Waveform of {panel.data['duration_s']:.2f} seconds")


def relevance_svg(panel: Panel, *, height: int = 90) -> str:
    """Return a relevance Panel as bars about zero; time-frequency cells are summed over frequency."""
    starts, ends, values = _over_time(panel)
    if not len(values):
        return ""
    end_s, top, bottom = float(ends.max()), max(float(values.max()), 1e-9), min(float(values.min()), 0.0)
    scale = (height - 16) / (top - bottom)
    zero = 2 + top * scale
    parts = []
    if panel.data["target"]["interval"] is not None:
        left, right = (WIDTH * t / end_s for t in panel.data["target"]["interval"])
        parts.append(_box(left, 0, right - left, height - 14, ACCENT, 0.13))
    for start, end, value in zip(starts, ends, values, strict=True):
        colour = UNTRUSTED if panel.warning else FOR if value >= 0 else AGAINST
        x, width = WIDTH * start / end_s, WIDTH * (end - start) / end_s
        parts.append(_box(x, zero - max(value, 0) * scale, max(width - 0.5, 0.5), abs(value) * scale, colour))
    parts.append(f'<text x="0" y="{height - 2}" style="{FONT}">0 s</text>')
    parts.append(f'<text x="{WIDTH}" y="{height - 2}" text-anchor="end" style="{FONT}">{end_s:.2f} s</text>')
    return _svg("".join(parts), height, panel.data["reading"])


def matrix_svg(panel: Panel, *, row_height: int = 14, gutter: int = 90) -> str:
    """Return the relevance of all words, one row each, scaled to its own strongest segment."""
    rows, duration_s = panel.data["rows"], panel.data["duration_s"]
    scale = (WIDTH - gutter) / duration_s
    parts = []
    for index, row in enumerate(rows):
        y, peak = index * row_height, max(float(np.max(np.abs(row["relevance"]), initial=0)), 1e-12)
        label = row["target"]["label"]
        short = label if len(label) <= 14 else label[:13] + "…"
        name = f'<text x="{gutter - 6}" y="{y + 11}" text-anchor="end" style="{FONT}">{escape(short)}</text>'
        parts.append(name)
        for start, end, value in zip(row["start_s"], row["end_s"], row["relevance"], strict=True):
            colour = UNTRUSTED if row["warning"] else FOR if value >= 0 else AGAINST
            if abs(value) >= 0.04 * peak:
                box = _box(gutter + start * scale, y, (end - start) * scale, row_height - 1, colour, abs(value) / peak)
                parts.append(box)
        if row["target"]["interval"] is not None:
            start, end = row["target"]["interval"]
            parts.append(
                f'<rect x="{gutter + start * scale:.1f}" y="{y}" width="{(end - start) * scale:.1f}" '
                f'height="{row_height - 1}" fill="none" stroke="currentColor" stroke-opacity="0.6"/>'
            )
    return _svg("".join(parts), row_height * len(rows) + 2, "Relevance of each stretch of time for each word")


def _over_time(panel: Panel) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    data = panel.data
    spans, index = np.unique(np.stack([data["start_s"], data["end_s"]], axis=1), axis=0, return_inverse=True)
    values = np.bincount(index.ravel(), weights=data["relevance"], minlength=len(spans))
    return spans[:, 0], spans[:, 1], values


def _box(x: float, y: float, width: float, height: float, colour: str, opacity: float = 1.0) -> str:
    faint = f' fill-opacity="{opacity:.2f}"' if opacity < 1 else ""
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}"{faint}/>'


def _svg(content: str, height: int, label: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(label)}" '
        f'style="width:100%;max-width:{WIDTH}px;height:auto;display:block">{content}</svg>'
    )
