"""Dynamic time warping: how two sequences of frames run along each other, and how far apart they are.

`dtw` and `dtw_distance` take features; `warp` and `warp_distance` take a matrix of local costs; `distances` compares
one sequence with many, `best_string` finds a string of templates, `barycenter` averages.
"""

from otoscope.decoding.dtw.averaging import barycenter
from otoscope.decoding.dtw.connected import Placed, TemplateString, best_string
from otoscope.decoding.dtw.costs import Metric, local_costs
from otoscope.decoding.dtw.features import dtw, dtw_distance
from otoscope.decoding.dtw.many import FrameStack, distances
from otoscope.decoding.dtw.patterns import PATTERNS, StepPattern
from otoscope.decoding.dtw.warp import WarpingPath, warp, warp_distance

__all__ = [
    "PATTERNS",
    "FrameStack",
    "Metric",
    "Placed",
    "StepPattern",
    "TemplateString",
    "WarpingPath",
    "barycenter",
    "best_string",
    "distances",
    "dtw",
    "dtw_distance",
    "local_costs",
    "warp",
    "warp_distance",
]
