"""Template matching (1952 to the 1970s): a word is known by its likeness to stored examples.

`TemplateRecognizer` with a `WarpingMatcher` (dynamic time warping) or an `OccupancyMatcher` (formant plane, as in
Audrey), and the Shoebox's `Calculator`.
"""

from typing import Any

from otoscope.core.late import resolve

__all__ = ["Calculator", "OccupancyMatcher", "TemplateRecognizer", "WarpingMatcher"]

_PUBLIC = {
    "Calculator": "otoscope.recognizers.template.calculator:Calculator",
    "OccupancyMatcher": "otoscope.recognizers.template.formants:OccupancyMatcher",
    "TemplateRecognizer": "otoscope.recognizers.template.recognizer:TemplateRecognizer",
    "WarpingMatcher": "otoscope.recognizers.template.warping:WarpingMatcher",
}


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return resolve(_PUBLIC[name])
    raise AttributeError(f"module 'otoscope.recognizers.template' has no attribute {name!r}")
