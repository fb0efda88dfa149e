"""Figures for papers: any result or Panel as a matplotlib figure, and saving it as SVG, PDF or PNG.

matplotlib is loaded when a figure is asked for, never its global `pyplot` state: figures are independent objects.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from otoscope.core import BadInput, Explanation, Panel
from otoscope.io.writing import write_bytes
from otoscope.views.attributions import attribution_panels, matrix_panel
from otoscope.views.panels import panels_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("svg", "pdf", "png")
WORDY = ("text", "facts", "table", "sounds")
"""Kinds that a figure of a whole result leaves to the text around it."""


def figure(obj: Any, *, width_in: float = 7.0) -> Figure:
    """Return a figure of a result or of one Panel; lanes over time share one axis in seconds.

    An Explanation of one target shows its relevance, map and curves; one of more shows all targets in a matrix.

    Parameters
    ----------
    obj
        A Panel, a core noun, or a study's result; see `otoscope.views.panels.panels_of`.
    width_in
        Width in inches; the height follows from what is shown.

    Raises
    ------
    BadInput
        Nothing is known about drawing this object, or there is nothing in it to draw.
    """
    from otoscope.views.drawing import draw

    panels = _panels(obj)
    if not panels:
        raise BadInput(f"this {type(obj).__name__} holds no Panel that can be drawn")
    return draw(panels, width_in=width_in)


def _panels(obj: Any) -> tuple[Panel, ...]:
    if isinstance(obj, Panel):
        return (obj,)
    if not isinstance(obj, Explanation):
        panels = panels_of(obj)
        return tuple(panel for panel in panels if panel.kind not in WORDY) or panels
    sound = tuple(panel for panel in panels_of(obj.trace) if panel.kind not in WORDY)
    if len(obj) > 1:
        return (*sound, matrix_panel(obj))
    maps = [attribution_panels(a) for a in (*obj.attributions, *obj.cells)]
    relevance = tuple(panels[0] for panels in maps)
    curves = tuple(panel for panels in maps[:1] for panel in panels[1:] if panel.kind == "curves")
    return (*sound, *relevance, *curves)


def save_figure(fig: Figure, path: str | os.PathLike[str]) -> None:
    """Write a figure as SVG (text stays text), PDF (TrueType fonts) or PNG (200 dots per inch), the whole file or none.

    Raises
    ------
    BadInput
        The path ends in something else.
    CannotWrite
        The file cannot be written.
    """
    from otoscope.views.drawing import saved

    suffix = Path(path).suffix.lower().lstrip(".")
    if suffix not in FORMATS:
        raise BadInput(f"cannot save a figure as {Path(path).name!r}; end it in .{', .'.join(FORMATS)}")
    buffer = io.BytesIO()
    saved(fig, buffer, suffix)
    write_bytes(path, buffer.getvalue())
