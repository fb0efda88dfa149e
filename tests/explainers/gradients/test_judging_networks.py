"""What `judge` measures of networks only: deletion with imputed features."""

import numpy as np

from otoscope.core import Segment
from otoscope.explainers import judge


def test_features_are_imputed_where_they_can_be_changed(small_ctc, tone, target):
    eighths = [Segment(0.1 * i, 0.1 * i + 0.1) for i in range(8)]
    (row,) = judge(small_ctc, tone, target, methods=("leave-one-out",), segments=eighths).table
    assert np.isfinite(row["road_gain"])
    assert row["max_sensitivity"] > 0
    assert "imputed" not in row["note"]
