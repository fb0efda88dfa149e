"""From a recording to the senone scores of its frames, as pocketsphinx computes them, without a search.

The front end is pocketsphinx's own (its MFCC log); mean normalisation, dynamic features and Gaussians are computed
here, so that a changed recording costs some 0.1 s instead of a decoding. Tests compare the scores with
pocketsphinx's own senone dump.
"""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

import numba
import numpy as np
from numpy.typing import NDArray

from otoscope.recognizers.pocketsphinx.model import SENONE_UNIT, AcousticModel, Senones

N_TOP = 4
"""Gaussians a codebook and stream that count in a frame (pocketsphinx's `topn`)."""
FLOOR = 96 * SENONE_UNIT
"""How far below the frame's best codebook a Gaussian may fall, in nats (pocketsphinx's `MAX_NEG_ASCR`)."""


class FrontEnd:
    """Pocketsphinx's own MFCC: 16 kHz samples in, `(n_frames, 13)` cepstra before mean normalisation out."""

    def __init__(self, folder: Path) -> None:
        from pocketsphinx import Decoder

        self._logs = tempfile.TemporaryDirectory(prefix="otoscope-mfcc-")
        self._decoder = Decoder(
            loglevel="FATAL", hmm=str(folder), lm=None, dict=None, bestpath=False, mfclogdir=self._logs.name
        )
        self._decoder.add_word("silence", "SIL", True)
        self._decoder.add_fsg("silence", self._decoder.create_fsg("silence", 0, 1, [(0, 1, 1.0, "silence")]))
        self._decoder.activate_search("silence")

    def __call__(self, samples: NDArray[np.int16]) -> NDArray[np.float32]:
        """Return the cepstra of a whole recording."""
        self._decoder.reinit_feat()
        self._decoder.start_utt()
        self._decoder.process_raw(samples.tobytes(), full_utt=True)
        self._decoder.end_utt()
        (log,) = Path(self._logs.name).iterdir()
        values = np.fromfile(log, ">f4")[1:].astype(np.float32)
        log.unlink()
        return values.reshape(-1, 13)


def dynamic_features(cepstra: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return `(3, n_frames, 13)`: cepstra less their mean, their differences, and differences of those.

    The mean leaves out frames of negative energy, as pocketsphinx's batch normalisation does; edges repeat the first
    and last frame (`feat.c`, type `1s_c_d_dd`).
    """
    voiced = cepstra[cepstra[:, 0] >= 0]
    mean = voiced.mean(axis=0, dtype=np.float64) if len(voiced) else np.zeros(cepstra.shape[1])
    padded = np.pad(cepstra - mean.astype(np.float32), ((3, 3), (0, 0)), mode="edge")
    n = len(cepstra)

    def shifted(by: int) -> NDArray[np.float32]:
        return padded[3 + by : 3 + by + n]

    delta = shifted(2) - shifted(-2)
    acceleration = (shifted(3) - shifted(-1)) - (shifted(1) - shifted(-3))
    return np.stack([shifted(0), delta, acceleration])


class SenoneScorer:
    """Natural-log scores of chosen senones in every frame, each frame's best stream codeword at 0."""

    def __init__(self, senones: Senones) -> None:
        n_codebooks, n_streams, n_densities, _ = senones.means.shape
        precision = 0.5 / senones.variances.astype(np.float64)
        means = senones.means.astype(np.float64)
        constant = -0.5 * np.log(2 * math.pi * senones.variances.astype(np.float64)).sum(-1)
        constant -= (precision * means**2).sum(-1)
        weights = np.concatenate([-precision, 2 * precision * means, constant[..., None]], axis=-1)
        self._projection = weights.transpose(1, 3, 0, 2).reshape(n_streams, -1, n_codebooks * n_densities)
        self._projection = np.ascontiguousarray(self._projection, dtype=np.float32)
        self._shape = (n_codebooks, n_densities)
        self._senones = senones

    def __call__(self, features: NDArray[np.float32], wanted: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return `(n_frames, n_wanted)` scores, up to a constant of each frame."""
        n_streams, n_frames, _ = features.shape
        codewords = np.empty((n_streams, n_frames, self._shape[0], N_TOP), dtype=np.int16)
        likelihoods = np.empty(codewords.shape, dtype=np.float32)
        for stream in range(n_streams):
            values = features[stream]
            design = np.concatenate([values**2, values, np.ones((n_frames, 1), np.float32)], axis=1)
            densities = (design @ self._projection[stream]).reshape(n_frames, *self._shape)
            _top_codewords(densities, np.float32(FLOOR), codewords[stream], likelihoods[stream])
        order = np.argsort(self._senones.codebook[wanted], kind="stable")
        codebooks = self._senones.codebook[wanted][order]
        first = np.searchsorted(codebooks, np.arange(self._shape[0] + 1))
        weights = np.ascontiguousarray(self._senones.weights[:, :, wanted[order]])
        return _mix(codewords, likelihoods, weights, first, order)


class Acoustics:
    """Front end and Gaussians of one model: from samples to senone scores."""

    def __init__(self, model: AcousticModel) -> None:
        self.model = model
        self.cepstra = FrontEnd(model.folder)
        self._scorer = SenoneScorer(model.gaussians())

    def scores(self, cepstra: NDArray[np.float32], senones: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return `(n_frames, n_senones)` natural-log scores, up to a constant of each frame."""
        return self._scorer(dynamic_features(cepstra), senones)


@numba.njit(cache=True)
def _top_codewords(densities, floor, codewords, likelihoods):  # type: ignore[no-untyped-def]
    """Keep the best `N_TOP` densities of each codebook, as likelihoods relative to the frame's best."""
    n_frames, n_codebooks, n_densities = densities.shape
    n_top = codewords.shape[2]
    for t in range(n_frames):
        best = -np.inf
        for c in range(n_codebooks):
            for k in range(n_top):
                likelihoods[t, c, k] = -np.inf
                codewords[t, c, k] = 0
            for d in range(n_densities):
                value = densities[t, c, d]
                if value > likelihoods[t, c, n_top - 1]:
                    k = n_top - 1
                    while k > 0 and value > likelihoods[t, c, k - 1]:
                        likelihoods[t, c, k] = likelihoods[t, c, k - 1]
                        codewords[t, c, k] = codewords[t, c, k - 1]
                        k -= 1
                    likelihoods[t, c, k] = value
                    codewords[t, c, k] = d
            best = max(best, likelihoods[t, c, 0])
        for c in range(n_codebooks):
            for k in range(n_top):
                likelihoods[t, c, k] = np.exp(max(likelihoods[t, c, k] - best, -floor))


@numba.njit(cache=True)
def _mix(codewords, likelihoods, weights, first, order):  # type: ignore[no-untyped-def]
    """Sum the streams' log mixtures.

    `weights` is `(n_streams, n_densities, n_wanted)`, its columns sorted by codebook: those of codebook `c` run from
    `first[c]` to `first[c + 1]`. `order` says which column of the result each is.
    """
    n_streams, n_frames, n_codebooks, n_top = codewords.shape
    n_wanted = weights.shape[2]
    scores = np.empty((n_frames, n_wanted), dtype=np.float32)
    product = np.empty(n_wanted)
    total = np.empty(n_wanted, dtype=np.float32)
    for t in range(n_frames):
        product[:] = 1.0
        for stream in range(n_streams):
            total[:] = 0.0
            for c in range(n_codebooks):
                for k in range(n_top):
                    row = weights[stream, codewords[stream, t, c, k]]
                    likelihood = likelihoods[stream, t, c, k]
                    for s in range(first[c], first[c + 1]):
                        total[s] += row[s] * likelihood
            for s in range(n_wanted):
                product[s] *= total[s]
        for s in range(n_wanted):
            scores[t, order[s]] = np.log(product[s])
    return scores
