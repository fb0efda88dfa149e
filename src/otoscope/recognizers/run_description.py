"""What a training run is, as its folder says: asked for in the same way it goes on, otherwise it is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from otoscope.core import BadInput, Recognizer
from otoscope.nets.training.provenance import describe_corpus, describe_machine
from otoscope.nets.training.run_folder import RunFolder
from otoscope.recognizers.registry import CARD

if TYPE_CHECKING:
    from otoscope.corpora import Utterance

RUN_FILE = "run.json"
_SAME = ("preset", "seed", "options", "valid_split", "train", "valid")
"""What must be equal for a run to go on."""


class RunDescription:
    """A run in a folder: what was asked for, on which data, with which versions.

    Parameters
    ----------
    folder
        Made by `begin`.
    asked
        Preset, seed, options, validation split.
    corpus
        What is learnt, and what is held out.

    Raises
    ------
    BadInput
        The folder holds another run, or files but no run.
    """

    def __init__(
        self, folder: Path, asked: Mapping[str, Any], corpus: tuple[Sequence[Utterance], Sequence[Utterance]]
    ) -> None:
        self.folder = folder
        data = {"train": describe_corpus(corpus[0]), "valid": describe_corpus(corpus[1])}
        self.now: dict[str, Any] = json.loads(json.dumps({**asked, **data}, default=str))
        self.before = _read(folder / RUN_FILE)
        if self.before is None and folder.is_dir() and any(folder.iterdir()):
            raise BadInput(f"{folder} is not empty and holds no training run; name another folder")
        if self.before is not None:
            differing = [name for name in _SAME if self.before.get(name) != self.now[name]]
            if differing:
                raise BadInput(f"{folder} holds a run with another {', '.join(differing)}; name another folder")

    def begin(self, *, tensorboard: bool = False) -> RunFolder:
        """Write what is known, and return the observer that writes the rest."""
        run = RunFolder(self.folder, tensorboard=tensorboard)
        self._write(run, {"began": _now()})
        run.log(f"{'goes on' if self.before else 'begins'}: {self.now['preset']}, seed {self.now['seed']}")
        return run

    def finish(self, recognizer: Recognizer) -> None:
        """Write that the run is over, and what came out."""
        run = RunFolder(self.folder)
        weights = recognizer.provenance.weights_sha256
        self._write(run, {"finished": _now(), "weights_sha256": weights})
        run.log(f"finished: weights {weights}")

    def _write(self, run: RunFolder, more: Mapping[str, Any]) -> None:
        run.describe({**self.now, **describe_machine(), **more})


def is_finished(folder: Path) -> bool:
    """Whether the run in a folder came to its end."""
    description = _read(folder / RUN_FILE)
    return description is not None and "finished" in description and (folder / CARD).is_file()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _read(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise BadInput(f"{path} cannot be read: {error}; remove the folder, or name another") from error
    if not isinstance(found, dict):
        raise BadInput(f"{path} describes no training run; name another folder")
    return found
