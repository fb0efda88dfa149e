"""Words that compete, with matplotlib: a line a word over time, who won when, and what the recogniser wrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from otoscope.core import Panel
from otoscope.views.colour import ACCENT, UNTRUSTED

HEIGHT_IN = 3.6
LANE = 0.1
"""Height of a lane above the lines, in shares of theirs."""


def draw_competition(ax: Axes, panel: Panel) -> None:
    """Draw winners in colour and everybody else in grey, each with its name where it stands highest."""
    data = panel.data
    low, high = data["low"], data["high"]
    colours = _colours(data["series"], bool(panel.warning))
    for series in data["series"]:
        _line(ax, data["times_s"], series, colours.get(series["label"]), floor=low + 0.04 * (high - low))
    lanes = [(name, data[key]) for key, name in (("winners", "listener"), ("said", "recogniser")) if data.get(key)]
    for row, (name, words) in enumerate(lanes):
        _lane(ax, words, name, bottom=high + (0.03 + row * 1.15 * LANE) * (high - low), data=data, colours=colours)
    n_lanes = len(lanes) + (1 if data.get("waveform") else 0)
    top = high + (0.05 + n_lanes * 1.15 * LANE) * (high - low)
    if data.get("waveform"):
        middle = high + (0.03 + (len(lanes) * 1.15 + 0.5) * LANE) * (high - low)
        _waveform(ax, data["waveform"], middle=middle, half=0.5 * LANE * (high - low))
    for word in data.get("winners", ()):
        if word.get("decided_s") is not None:
            colour = colours.get(word["label"], "0.3")
            ax.plot([word["decided_s"]] * 2, [low, top], color=colour, linewidth=0.9, linestyle=(0, (2, 2)))
            ax.plot([word["decided_s"]], [high], marker="v", color=colour, markersize=5, clip_on=False)
    if data.get("offset_s") is not None:
        ax.axvline(data["offset_s"], color="0.6", linestyle=":", linewidth=0.9)
        ax.text(data["offset_s"], low, " offset", fontsize=6, color="0.45", va="bottom")
    ax.set_ylim(low, top)
    ax.set_yticks([tick for tick in ax.get_yticks() if low <= tick <= high + 1e-9])
    ax.set_xlim(0, data["duration_s"])
    ax.set_ylabel(data["y_label"])
    ax.set_xlabel("time (s)")


def _waveform(ax: Axes, envelope: Mapping[str, Any], *, middle: float, half: float) -> None:
    times = (np.arange(len(envelope["minimum"])) + 0.5) * envelope["step_s"]
    loudest = max(float(np.max(np.abs(envelope["minimum"]))), float(np.max(np.abs(envelope["maximum"]))), 1e-9)
    lowest, highest = (middle + half * np.asarray(envelope[key]) / loudest for key in ("minimum", "maximum"))
    ax.fill_between(times, lowest, highest, color="0.35", linewidth=0.3)
    ax.text(-0.005, middle, "sound", transform=ax.get_yaxis_transform(), ha="right", va="center", fontsize=6,
            color="0.35")  # fmt: skip


def _colours(series: Sequence[Mapping[str, Any]], grey: bool) -> dict[str, Any]:
    palette = mpl.colormaps["Dark2"].colors  # type: ignore[attr-defined]
    winners = [each["label"] for each in series if each["won"]]
    return {label: UNTRUSTED if grey else palette[i % len(palette)] for i, label in enumerate(winners)}


def _line(ax: Axes, times: Any, series: Mapping[str, Any], colour: Any, *, floor: float) -> None:
    y = np.asarray(series["y"], dtype=float)
    if not np.isfinite(y).any():
        return
    won = colour is not None
    ax.plot(times, y, color=colour if won else "0.6", linewidth=1.9 if won else 0.8, zorder=3 if won else 2)
    peak = int(np.argmax(np.nan_to_num(y, nan=-np.inf) >= np.nanmax(y) - 0.02 * (np.nanmax(y) - floor)))
    if y[peak] > floor:
        look: dict[str, Any] = {"color": colour if won else "0.4", "fontsize": 8 if won else 6}
        ax.annotate(
            series["label"], (times[peak], y[peak]), xytext=(0, 2), textcoords="offset points", ha="center", zorder=4,
            **look,
        )  # fmt: skip


def _lane(
    ax: Axes, words: Sequence[Mapping[str, Any]], name: str, *, bottom: float, data: Any, colours: dict[str, Any]
) -> None:
    height = LANE * (data["high"] - data["low"])
    for word in words:
        start, end = word["start_s"], word["end_s"]
        colour = colours.get(word["label"], "0.6") if name == "listener" else ACCENT
        ax.add_patch(Rectangle((start, bottom), end - start, height, facecolor=colour, alpha=0.18, edgecolor=colour,
                               linewidth=0.6))  # fmt: skip
        room = (end - start) / max(data["duration_s"], 1e-9) * 95 / max(len(word["label"]), 1)
        if room >= 0.45:
            size = min(8.0, 8.0 * room)
            middle = ((start + end) / 2, bottom + height / 2)
            ax.text(*middle, word["label"], ha="center", va="center", fontsize=size, clip_on=True)
    ax.text(-0.005, bottom + height / 2, name, transform=ax.get_yaxis_transform(), ha="right", va="center", fontsize=6,
            color="0.35")  # fmt: skip
