"""Pictures and sound for pages about error rates: bars with intervals as inline SVG, recordings as FLAC.

No style attributes are used: a page's policy forbids them.
"""

from __future__ import annotations

import io
from html import escape

from otoscope.core import Panel, Recording
from otoscope.views.colour import ACCENT, UNTRUSTED

WIDTH = 760
ROW = 30
LABELS = 250
"""Pixels for the names at the left."""
RIGHT = 60


def bars_svg(panel: Panel) -> str:
    """Return a `bars` Panel as horizontal bars with their intervals; shares are printed in percent.

    Examples
    --------
    >>> panel = Panel("bars", "Rates", {"labels": ["a"], "values": [0.2], "low": [0.1], "high": [0.3], "y_label": ""})
    >>> "20.0 %" in bars_svg(panel)
    True
    """
    data = panel.data
    top = max([*data["values"], *(data.get("high") or []), 1e-9])
    scale = (WIDTH - LABELS - RIGHT) / top
    colour = UNTRUSTED if panel.warning else ACCENT
    parts = []
    for index, (label, value) in enumerate(zip(data["labels"], data["values"], strict=True)):
        middle = ROW * index + ROW / 2
        end = LABELS + value * scale
        parts.append(_text(LABELS - 10, middle, _short(str(label)), "end"))
        parts.append(
            f'<rect x="{LABELS}" y="{middle - 9}" width="{end - LABELS:.1f}" height="18" rx="2" fill="{colour}"/>'
        )
        reach = end
        if data.get("low") is not None:
            low, high = LABELS + data["low"][index] * scale, LABELS + data["high"][index] * scale
            reach = max(end, high)
            path = f"M{low:.1f} {middle}H{high:.1f}M{low:.1f} {middle - 5}v10M{high:.1f} {middle - 5}v10"
            parts.append(f'<path d="{path}" stroke="currentColor" stroke-width="1.3" fill="none"/>')
        parts.append(_text(reach + 8, middle, f"{100 * value:.1f} %", "start"))
    height = ROW * len(data["labels"])
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(panel.title)}" class="bars">'
        f"{''.join(parts)}</svg>"
    )


def flac_bytes(recording: Recording) -> bytes:
    """Return a recording as a FLAC file of 16 bits: half the size of a WAV, and every browser plays it."""
    import soundfile

    buffer = io.BytesIO()
    soundfile.write(buffer, recording.samples.clip(-1, 1), recording.rate_hz, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()


def _text(x: float, y: float, content: str, anchor: str) -> str:
    return (
        f'<text x="{x:.1f}" y="{y + 4:.1f}" text-anchor="{anchor}" font-size="13" fill="currentColor">'
        f"{escape(content)}</text>"
    )


def _short(label: str) -> str:
    return label if len(label) <= 32 else label[:31] + "…"
