"""Dynamic time warping: how two sequences of frames run along each other, and how far apart they are.

`dtw` and `dtw_distance` take features; `warp` and `warp_distance` take a matrix of local costs.
"""

from otoscope.decoding.dtw.costs import Metric, local_costs
from otoscope.decoding.dtw.features import dtw, dtw_distance
from otoscope.decoding.dtw.patterns import PATTERNS, StepPattern
from otoscope.decoding.dtw.warp import WarpingPath, warp, warp_distance

__all__ = [
    "PATTERNS",
    "Metric",
    "StepPattern",
    "WarpingPath",
    "dtw",
    "dtw_distance",
    "local_costs",
    "warp",
    "warp_distance",
]
