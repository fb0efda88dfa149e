"""Words that compete, with matplotlib: a line a word over time, who won when, and what the recogniser wrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from otoscope.core import Panel
from otoscope.views.colour import ACCENT, FOR, UNTRUSTED

HEIGHT_IN = 4.2
LANE = 0.11
"""Height of a lane above the lines, in shares of theirs."""
WAVE = 0.26
"""Height of the waveform, likewise."""
GAP = 0.025
"""Between them, likewise."""
COLOURS = ("#0b7a75", "#c2410c", "#4338ca", "#a16207", "#9d174d", "#1d4ed8")
"""Of the words that won, in turn: those that stand near each other differ."""
CHARACTERS_PER_IN = 10.5
"""Of the largest type in a lane."""


def draw_competition(ax: Axes, panel: Panel) -> None:
    """Draw winners in colour and everybody else in grey; above them who wrote what, and the sound with decisions."""
    data = panel.data
    low, high = data["low"], data["high"]
    height, grey = high - low, bool(panel.warning)
    colours = _colours(data, grey)
    _lines(ax, data, colours)
    bottom = high + 3 * GAP * height
    for name, key in (("listener", "winners"), ("recogniser", "said")):
        if data.get(key):
            _lane(ax, data[key], name, (bottom, LANE * height), data["duration_s"], colours)
            bottom += (LANE + GAP) * height
    if data.get("waveform"):
        _waveform(ax, data, (bottom, WAVE * height), colours)
        bottom += (WAVE + GAP) * height
    _decisions(ax, data, (low, high, bottom), colours)
    if data.get("offset_s") is not None:
        ax.axvline(data["offset_s"], color="0.6", linestyle=":", linewidth=0.9)
        ax.text(data["offset_s"], low, " offset", fontsize=7, color="0.45", va="bottom")
    _axes(ax, data, (low, high, bottom + 2 * GAP * height))


def _axes(ax: Axes, data: Mapping[str, Any], heights: tuple[float, float, float]) -> None:
    low, high, top = heights
    ax.set_ylim(low, top)
    ax.set_yticks([tick for tick in ax.get_yticks() if low <= tick <= high + 1e-9])
    ax.spines["left"].set_bounds(low, high)
    ax.set_xlim(0, data["duration_s"])
    ax.set_ylabel(data["y_label"], y=0.5 * (high - low) / (top - low))
    start = data.get("start_s", 0.0)
    if start:
        ax.tick_params(axis="x", bottom=False, labelbottom=False)
        ax.secondary_xaxis("bottom", functions=(lambda x: x + start, lambda x: x - start))
    ax.set_xlabel("time (s)", labelpad=18 if start else None)


def _colours(data: Mapping[str, Any], grey: bool) -> dict[Any, str]:
    """Return a colour for the place of each winner: by where it stands, or by its name where that is not told."""
    found: dict[Any, str] = {}
    for word in (*data.get("winners", ()), *(each for each in data["series"] if each["won"])):
        place = word.get("place", word["label"])
        turn = place if isinstance(place, int) else len(found)
        found.setdefault(place, UNTRUSTED if grey else COLOURS[turn % len(COLOURS)])
    return found


def _lines(ax: Axes, data: Mapping[str, Any], colours: Mapping[Any, str]) -> None:
    low, high = data["low"], data["high"]
    floor = low + 0.04 * (high - low)
    wanted = []
    for series in data["series"]:
        y = np.asarray(series["y"], dtype=float)
        if not np.isfinite(y).any():
            continue
        won = series["won"]
        colour = colours[series.get("place", series["label"])] if won else "0.62"
        ax.plot(data["times_s"], y, color=colour, linewidth=2.1 if won else 0.9, zorder=3 if won else 2,
                solid_capstyle="round")  # fmt: skip
        if won and "place" in series:
            ax.fill_between(data["times_s"], low, y, color=colour, alpha=0.08, linewidth=0, zorder=1)
        peak = int(np.argmax(np.nan_to_num(y, nan=-np.inf) >= np.nanmax(y) - 0.02 * (np.nanmax(y) - floor)))
        # Where lanes name the winners, only their rivals are named at the lines.
        if y[peak] > floor and not (won and "place" in series):
            wanted.append((not won, -y[peak], float(data["times_s"][peak]), series["label"], colour))
    _names(ax, wanted, data)


def _names(ax: Axes, wanted: Sequence[tuple[bool, float, float, str, str]], data: Mapping[str, Any]) -> None:
    """Write names where lines stand highest, winners first; one that would lie on another is left out."""
    width, height = data["duration_s"], data["high"] - data["low"]
    placed: list[tuple[float, float, float]] = []
    for rival, minus, x, label, colour in sorted(wanted):
        half, y = 0.0085 * width * max(len(label), 2), -minus
        if rival and any(abs(x - at) < half + room and abs(y - level) < 0.075 * height for at, level, room in placed):
            continue
        placed.append((x, y, half))
        look: dict[str, Any] = {"color": "0.4" if rival else colour, "fontsize": 7 if rival else 9}
        side = "left" if x < 0.5 * half else "right" if x > width - 0.5 * half else "center"  # not across the edge
        ax.annotate(label, (x, y), xytext=(0, 2), textcoords="offset points", ha=side, zorder=4, **look)


def _lane(
    ax: Axes,
    words: Sequence[Mapping[str, Any]],
    name: str,
    at: tuple[float, float],
    duration_s: float,
    colours: Mapping[Any, str],
) -> None:
    bottom, height = at
    width_in = ax.figure.bbox.width / ax.figure.dpi
    for word in words:
        start, end = word["start_s"], word["end_s"]
        colour = colours[word.get("place", word["label"])] if name == "listener" else ACCENT
        colour = colour if name == "listener" else "0.45"
        same = word.get("same", True)
        ax.add_patch(Rectangle((start, bottom), end - start, height, facecolor=colour, alpha=0.16, linewidth=0))
        if not same:
            ax.add_patch(Rectangle((start, bottom), end - start, height, fill=False, edgecolor=FOR, linewidth=1.1,
                                   zorder=5))  # fmt: skip
        if word.get("cut"):
            continue
        room = (end - start) / duration_s * width_in * CHARACTERS_PER_IN
        # Of words that sound alike the most frequent stands for all where they do not fit in.
        label = word["label"] if room >= 0.8 * len(word["label"]) else word["label"].split("/")[0]
        size = 9.0 * min(1.0, room / max(len(label), 1))
        ax.text((start + end) / 2, bottom + height / 2, label, ha="center", va="center_baseline",
                fontsize=max(size, 5.0), clip_on=True, color=colour if name == "listener" else "0.2",
                fontweight="bold" if name == "listener" and size > 7 else "normal")  # fmt: skip
    _side(ax, name, bottom + height / 2)


def _side(ax: Axes, name: str, y: float) -> None:
    ax.text(-0.008, y, name, transform=ax.get_yaxis_transform(), ha="right", va="center", fontsize=8, color="0.3")


def _waveform(ax: Axes, data: Mapping[str, Any], at: tuple[float, float], colours: Mapping[Any, str]) -> None:
    """Draw the sound, each word of the listener's in its colour."""
    envelope, (bottom, height) = data["waveform"], at
    times = (np.arange(len(envelope["minimum"])) + 0.5) * envelope["step_s"]
    loudest = max(float(np.max(np.abs(envelope[key]), initial=1e-9)) for key in ("minimum", "maximum"))
    middle = bottom + height / 2
    lowest, highest = (middle + 0.5 * height * np.asarray(envelope[key]) / loudest for key in ("minimum", "maximum"))
    ax.fill_between(times, lowest, highest, color="0.72", linewidth=0.3)
    for word in data.get("winners", ()):
        if word.get("place") is not None:
            inside = (times >= word["start_s"]) & (times <= word["end_s"])
            ax.fill_between(times, lowest, highest, where=inside, color=colours[word["place"]], linewidth=0.3)
    _side(ax, "sound", middle)


def _decisions(
    ax: Axes, data: Mapping[str, Any], heights: tuple[float, float, float], colours: Mapping[Any, str]
) -> None:
    """Mark decisions on the sound, or above the lines where there is none."""
    low, high, top = heights
    for word in data.get("winners", ()):
        at = word.get("decided_s")
        if at is None or not 0 <= at <= data["duration_s"]:
            continue
        colour = colours.get(word.get("place", word["label"]), "0.3")
        ax.plot([at, at], [low, top], color=colour, linewidth=0.8, linestyle=(0, (2, 2)), zorder=1.5)
        ax.plot([at], [top if data.get("waveform") else high], marker="v", color=colour, markersize=6, clip_on=False)
