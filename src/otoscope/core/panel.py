"""Panels: plain data that a renderer can draw. Report, web page and figure share them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from otoscope.core.arrays import ByValue, set_frozen


@dataclass(frozen=True, eq=False)
class Panel(ByValue):
    """One thing to look at.

    Parameters
    ----------
    kind
        What it is, so that a renderer knows how to draw it: `waveform`, `spectrogram`, `tiers`, `relevance`,
        `relevance_map`, `curves`, `table`, `facts`, … (`otoscope.views.panels` lists the data each needs).
    title
        One line above the picture.
    data
        Numbers, strings, arrays and lists of them; times in seconds.
    caption
        What it shows and how to read it, with units.
    warning
        Why it should not be believed; drawn grey when not empty.
    """

    kind: str
    title: str
    data: Mapping[str, Any] = field(default_factory=dict)
    caption: str = ""
    warning: str = ""

    def __post_init__(self) -> None:
        set_frozen(self, data=MappingProxyType(dict(self.data)))
