"""The listener's own ears: a recording in, evidence of phones every 10 ms out; also while it is being spoken."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, CorruptWeights, Provenance, Recording
from otoscope.core.errors import UnknownName
from otoscope.listener.ears.card import EarsCard
from otoscope.listener.ears.hearing import RATE_HZ, Hearing, grid_of
from otoscope.listener.ears.network import Network, NetworkStream
from otoscope.listener.evidence import Evidence
from otoscope.signal.resampling import resampled

Floats = NDArray[np.float32]

DEFAULT = "listener-en"
CARD, WEIGHTS = "ears.json", "weights.safetensors"
PACKED = Path(__file__).parent / "weights"
"""Where the ears that come with the package lie."""
BLOCK_S = 20
"""Seconds heard at a time: what memory a long recording takes."""


@dataclass(frozen=True, eq=False)
class Ears:
    """A front end made for the listener: what phone may be heard at each moment, seen from hardly later.

    Parameters
    ----------
    card
        Phones, priors, durations.
    network
        The weights.

    Notes
    -----
    Scores of a frame depend on the sound until at most 103 ms after its middle (`listener-en`).
    """

    card: EarsCard
    network: Network = field(repr=False)

    def __post_init__(self) -> None:
        if self.network.n_columns != len(self.card.columns):
            raise CorruptWeights(f"weights for {self.network.n_columns} columns, {len(self.card.columns)} on the card")

    @classmethod
    def load(cls, name_or_folder: str | os.PathLike[str] = DEFAULT) -> Ears:
        """Open ears by name (`listener-en`) or from a folder that `save` wrote.

        Raises
        ------
        UnknownName
            There are none of that name, and no such folder.
        CorruptWeights
            The files are damaged.
        """
        packed = PACKED / os.fspath(name_or_folder)
        folder = packed if (packed / CARD).is_file() else Path(name_or_folder)
        if not (folder / CARD).is_file():
            raise UnknownName("ears, nor a folder with", os.fspath(name_or_folder), _packed_names())
        return cls(*_read(folder))

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write to a folder: `ears.json` and float16 weights."""
        from safetensors.numpy import save_file

        place = Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        half = {name: value.astype(np.float16) for name, value in sorted(self.network.weights.items())}
        save_file(half, place / WEIGHTS)
        (place / CARD).write_text(json.dumps(self.card.as_json(), indent=1, ensure_ascii=False) + "\n", "utf-8")

    @cached_property
    def sha256(self) -> str:
        """Hash of the weights."""
        digest = hashlib.sha256()
        for name, value in sorted(self.network.weights.items()):
            digest.update(name.encode() + b"\0" + np.ascontiguousarray(value).tobytes())
        return digest.hexdigest()

    @property
    def provenance(self) -> Provenance:
        """Version, hash of the weights, and the card."""
        card = self.card.as_json()
        seed = card["training"].get("seed")
        for name in ("training", "log_priors", "mean_frames", "phones"):
            card.pop(name)
        return Provenance(self.card.name, version("otoscope"), self.sha256, card, seed)

    def hear(self, recording: Recording) -> Evidence:
        """Return what is heard in a recording of any rate: scaled log-likelihoods of phone states every 10 ms.

        Frame i stands for the time from 10 i to 10 (i + 1) ms.
        """
        samples = resampled(recording, RATE_HZ).samples
        stream = self.stream()
        block = BLOCK_S * RATE_HZ
        parts = [stream.feed(samples[k : k + block]) for k in range(0, samples.size, block)]
        scores = np.concatenate([*parts, stream.finish()])
        return Evidence(scores, grid_of(samples.size), self.card, self.provenance, "phone states")

    def stream(self) -> EarsStream:
        """Return ears open to one recording that comes in chunks at 16 kHz."""
        return EarsStream(self.card, self.network.stream())


class EarsStream:
    """One recording heard while it goes on; however it is cut into chunks, the same scores come out.

    Attributes
    ----------
    card
        The phone models: what the columns of the scores are.
    """

    def __init__(self, card: EarsCard, network: NetworkStream) -> None:
        self.card = card
        self._hearing, self._network, self._open = Hearing(), network, True

    def feed(self, samples: Floats) -> Floats:
        """Return the scores `(n_new, n_columns)` of the frames that these samples at 16 kHz make certain.

        Raises
        ------
        BadInput
            The recording was finished, or samples are not in one row.
        """
        self._check(samples)
        return self._scores(self._hearing.feed(samples), last=False)

    def finish(self) -> Floats:
        """Return the scores of the last frames; nothing can be fed afterwards."""
        self._check(np.zeros(0, np.float32))
        self._open = False
        return self._scores(self._hearing.finish(), last=True)

    def _check(self, samples: Floats) -> None:
        if not self._open:
            raise BadInput("this recording is finished; open a new stream for the next")
        if np.ndim(samples) != 1:
            raise BadInput(f"samples must be one row, got shape {np.shape(samples)}")

    def _scores(self, features: Floats, *, last: bool) -> Floats:
        found = self._network.feed(features, last=last, temperature=self.card.temperature)
        return np.asarray(found - self.card.prior_row(), np.float32)


def _packed_names() -> list[str]:
    return sorted(path.parent.name for path in PACKED.glob(f"*/{CARD}"))


def _read(folder: Path) -> tuple[EarsCard, Network]:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        card = EarsCard(**json.loads((folder / CARD).read_text("utf-8")))
        stored: Mapping[str, Floats] = load_file(folder / WEIGHTS)
    except (OSError, ValueError, TypeError, SafetensorError) as error:
        raise CorruptWeights(f"{folder} holds no ears: {str(error).splitlines()[0]}") from error
    weights = {name: value.astype(np.float32) for name, value in stored.items()}
    return card, Network(weights, card.reach, card.offsets)
