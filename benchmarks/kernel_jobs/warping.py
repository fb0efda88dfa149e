"""Dynamic time warping beside librosa and dtaidistance."""

from __future__ import annotations

import numpy as np

from kernel_jobs.job import Job, Run, close, peers
from otoscope.decoding import dtw


def dtw_job() -> Job:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(1000, 39)), rng.normal(size=(1000, 39))
    there, absent = peers("librosa", "dtaidistance")
    runs: dict[str, Run] = {"otoscope": lambda: dtw.dtw(x, y, pattern="symmetric1").distance}
    if "librosa" in there:
        import librosa

        def by_librosa() -> float:
            totals, _ = librosa.sequence.dtw(x.T, y.T, metric="euclidean")
            return totals[-1, -1]

        runs["librosa"] = by_librosa
    if "dtaidistance" in there:
        from dtaidistance import dtw as dtai
        from dtaidistance import dtw_ndim

        def by_dtaidistance() -> float:
            distance, totals = dtw_ndim.warping_paths_fast(x, y, inner_dist="euclidean")
            dtai.best_path(totals)
            return distance

        runs["dtaidistance"] = by_dtaidistance
    return Job("DTW 1000x1000, 39 dims, with path", runs, {"librosa": close, "dtaidistance": close}, absent)
