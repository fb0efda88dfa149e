"""The acoustic model that the pocketsphinx wheel carries, read from its own files.

In: the folder of the model. Out: Gaussians, mixture weights and the triphone table as arrays, so that scores of
frames can be computed for many recordings without a search. File formats: SphinxTrain's `s3` parameter files,
`sendump`, and the binary model definition (`bin_mdef.c` in the pocketsphinx sources).
"""

from __future__ import annotations

import hashlib
import math
import struct
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from otoscope.core import CorruptWeights

LOG_BASE = 1.0001
SENONE_SHIFT = 10
SENONE_UNIT = (1 << SENONE_SHIFT) * math.log(LOG_BASE)
"""One step of a stored senone score or mixture weight, in nats."""

WORD_POSITIONS = {"internal": 0, "begin": 1, "end": 2, "single": 3}
_FILES = ("mdef", "means", "variances", "sendump", "transition_matrices", "feat.params", "noisedict")


@dataclass(frozen=True)
class Senones:
    """Parameters of a phonetically tied mixture: one codebook a phone and stream, shared by that phone's states.

    Parameters
    ----------
    means, variances
        `(n_codebooks, n_streams, n_densities, n_coeffs)`.
    weights
        `(n_streams, n_densities, n_senones)` mixture weights, linear.
    codebook
        `(n_senones,)` codebook of each senone.
    """

    means: NDArray[np.float32]
    variances: NDArray[np.float32]
    weights: NDArray[np.float32]
    codebook: NDArray[np.int64]


class Triphones:
    """The model definition: which senones (state distributions) a phone has between two others.

    Parameters
    ----------
    path
        A binary `mdef` file.
    """

    def __init__(self, path: Path) -> None:
        data = path.read_bytes()
        if data[:4] != b"BMDF":
            raise CorruptWeights(f"{path} is not a binary model definition of pocketsphinx; install it again")
        start = at = 12 + struct.unpack_from("<i", data, 8)[0]
        n_ci, n_phones, n_states, n_ci_senones, n_senones, _, n_sequences, _, n_tree, _ = struct.unpack_from(
            "<10i", data, at
        )
        at += 40
        names = data[at:].split(b"\0", n_ci)[:n_ci]
        at += sum(len(name) + 1 for name in names)
        at += -(at - start) % 4 + 8 * n_tree
        entry = np.dtype([("sequence", "<i4"), ("tmat", "<i4"), ("context", "u1", 4)])
        table = np.frombuffer(data, entry, n_phones, at)
        at += n_phones * entry.itemsize + 4
        self.phones = tuple(name.decode() for name in names)
        self.n_ci_senones, self.n_senones = n_ci_senones, n_senones
        self._states = np.frombuffer(data, "<u2", n_sequences * n_states, at).reshape(-1, n_states).astype(np.int64)
        self._index = {name: i for i, name in enumerate(self.phones)}
        self._alone = table["sequence"][:n_ci]
        self._inside = dict(zip(map(bytes, table["context"][n_ci:]), table["sequence"][n_ci:].tolist(), strict=True))

    def codebook_of_senone(self) -> NDArray[np.int64]:
        """Return the phone whose codebook each senone uses, `(n_senones,)`."""
        codebook = np.zeros(self.n_senones, dtype=np.int64)
        for context, sequence in self._inside.items():
            codebook[self._states[sequence]] = context[1]
        for phone, sequence in enumerate(self._alone):
            codebook[self._states[sequence]] = phone
        return codebook

    def alone(self, phone: str) -> NDArray[np.int64]:
        """Return the senones of a phone without context, `(n_states,)`."""
        return self._states[self._alone[self._index[phone]]]

    def senones(
        self, phone: str, left: str = "SIL", right: str = "SIL", position: str = "internal"
    ) -> NDArray[np.int64]:
        """Return the senones of a phone's states, `(n_states,)`.

        Where the model has no such triphone at `position` in the word (`internal`, `begin`, `end`, `single`), the
        same one at another position stands in, and after that the phone without context, as in pocketsphinx.
        """
        context = bytes(self._index[p] for p in (phone, left, right))
        first = WORD_POSITIONS[position]
        for place in (first, *(p for p in range(len(WORD_POSITIONS)) if p != first)):
            sequence = self._inside.get(bytes([place]) + context)
            if sequence is not None:
                return self._states[sequence]
        return self.alone(phone)


def _s3_parameters(path: Path) -> NDArray[np.float32]:
    data = path.read_bytes()
    header, mark = data.find(b"endhdr\n"), len(b"endhdr\n")
    if header < 0 or struct.unpack_from("<I", data, header + mark)[0] != 0x11223344:
        raise CorruptWeights(f"{path} is not a parameter file of SphinxTrain; install pocketsphinx again")
    at = header + mark + 4
    n_codebooks, n_streams, n_densities = struct.unpack_from("<3i", data, at)
    lengths = struct.unpack_from(f"<{n_streams}i", data, at + 12)
    at += 12 + 4 * n_streams + 4
    values = np.frombuffer(data, "<f4", n_codebooks * n_densities * sum(lengths), at)
    return values.reshape(n_codebooks, n_streams, n_densities, lengths[0])


def _mixture_weights(path: Path, n_streams: int, n_densities: int, n_senones: int) -> NDArray[np.float32]:
    data = path.read_bytes()
    n_bytes = n_streams * n_densities * n_senones
    at = 0
    while (length := struct.unpack_from("<i", data, at)[0]) != 0:
        at += 4 + length
    at += 4 + 8
    if len(data) - at < n_bytes:
        raise CorruptWeights(
            f"{path} is too short: {len(data)} bytes for {n_bytes} weights; install pocketsphinx again"
        )
    stored = np.frombuffer(data, np.uint8, n_bytes, at).reshape(n_streams, n_densities, n_senones)
    return np.exp(-SENONE_UNIT * stored.astype(np.float32))


class AcousticModel:
    """The files of one model folder, each read when it is first needed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.triphones = Triphones(folder / "mdef")

    @cache  # noqa: B019 - the model itself is kept for the life of the process
    def gaussians(self) -> Senones:
        """Return Gaussians and mixture weights."""
        means, variances = _s3_parameters(self.folder / "means"), _s3_parameters(self.folder / "variances")
        weights = _mixture_weights(self.folder / "sendump", means.shape[1], means.shape[2], self.triphones.n_senones)
        return Senones(means, np.maximum(variances, 1e-4), weights, self.triphones.codebook_of_senone())

    @cache  # noqa: B019
    def sha256(self) -> str:
        """Return one hash over all files of the model, names included."""
        digest = hashlib.sha256()
        for name in _FILES:
            digest.update(name.encode() + b"\0" + (self.folder / name).read_bytes())
        return digest.hexdigest()


@cache
def acoustic_model(folder: str | None = None) -> AcousticModel:
    """Return the model in a folder (default: the US-English one in the pocketsphinx wheel), read once a process."""
    if folder is None:
        from pocketsphinx import get_model_path

        folder = get_model_path("en-us/en-us")
    return AcousticModel(Path(folder))
