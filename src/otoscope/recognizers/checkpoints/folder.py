"""A model's folder in the layout of the Hugging Face hub: read and checked before any weight or any code is loaded."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

from otoscope.core import BadInput, CorruptWeights
from otoscope.recognizers.checkpoints.hashing import joint_sha256, sha256_of_file
from otoscope.recognizers.checkpoints.record import StoredModel, read_record
from otoscope.recognizers.checkpoints.tensors import tensor_names

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"

ADDITIONS = "adapter_config.json"
"""What the library peft writes beside weights that were added to another model's."""

PICKLES = (".bin", ".pt", ".pth", ".pkl", ".ckpt")
"""Endings of weights in a format that can run code when it is opened."""

OTHERS = (".h5", ".msgpack")
"""Endings of weights of other frameworks."""

DANGER = "such a file can run any code when it is opened"
CONVERT = (
    "convert it where you trust it, with transformers' AutoModel.from_pretrained(...).save_pretrained(FOLDER), "
    "and open that folder"
)

OF_TRAINING = ("optimizer", "rng_state", "scaler", "scheduler", "training_args")
"""How the names of other pickles begin, which hold no weights."""

CONFIGS = (CONFIG, "preprocessor_config.json", "processor_config.json", "tokenizer_config.json")
"""Files in which `auto_map` may ask for remote code."""


@dataclass(frozen=True)
class Checkpoint:
    """A checked folder with a model in the layout of the hub.

    Parameters
    ----------
    folder
        Where it lies.
    name
        `owner/name` if it came from the hub through the store, else the folder's name.
    model_type
        As `config.json` says: `"wav2vec2"`, `"whisper"`, …
    architecture
        The class that `config.json` names first, as `"Wav2Vec2ForCTC"`; empty where it names none.
    config
        All of `config.json`.
    weights
        The safetensors files.
    record
        What the store knows of it; `None` for any other folder.
    """

    folder: Path
    name: str
    model_type: str
    architecture: str
    config: Mapping[str, Any]
    weights: tuple[Path, ...]
    record: StoredModel | None = None

    @property
    def revision(self) -> str | None:
        """The commit on the hub, `None` for a folder that did not come through the store."""
        return None if self.record is None else self.record.commit

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the weights: that of the only file, else that of the lines `digest name` of all.

        Raises
        ------
        CorruptWeights
            A file cannot be read, or is not the one that the store fetched.
        """
        return joint_sha256({path.name: self._checked(path.name) for path in self.weights})

    def check(self) -> None:
        """Compare every file of a model in the store with what was fetched; of other folders nothing is known.

        Raises
        ------
        CorruptWeights
            A file is missing or changed; the message says how to mend it.
        """
        for file in () if self.record is None else self.record.files:
            self._checked(file.name)

    def _checked(self, name: str) -> str:
        """Return the SHA-256 of a file, after a comparison with the record."""
        digest = sha256_of_file(self.folder / name)
        known = {} if self.record is None else {file.name: file.sha256 for file in self.record.files}
        if known.get(name, digest) != digest:
            raise CorruptWeights(
                f"{self.folder / name} is not the file that was fetched (SHA-256 {digest[:12]}…, expected "
                f"{known[name][:12]}…); otoscope models get {self.name} --revision {self.revision} mends it"
            )
        return digest


def read_checkpoint(folder: str | os.PathLike[str]) -> Checkpoint:
    """Read and check a folder in the layout of the hub; no weight is loaded, no code is run.

    Raises
    ------
    CorruptWeights
        A file is missing, damaged or cut short.
    BadInput
        The weights are pickles, quantised or no whole model, or the model needs code of its own.
    """
    path = Path(folder)
    if not path.is_dir():
        raise CorruptWeights(f"there is no folder {path}; name one that holds {CONFIG} and {WEIGHTS}")
    config = read_config(path)
    for name in CONFIGS[1:]:
        if (path / name).is_file():
            refuse_code(read_json(path / name), path / name)
    record = read_record(path)
    named = config.get("architectures") or [""]
    return Checkpoint(
        folder=path,
        name=path.resolve().name if record is None else record.name,
        model_type=config["model_type"],
        architecture=str(named[0]),
        config=MappingProxyType(config),
        weights=_weights(path),
        record=record,
    )


def read_config(folder: Path) -> dict[str, Any]:
    """Return what `config.json` says; raises like `read_checkpoint`."""
    path = folder / CONFIG
    if not path.is_file() and (folder / ADDITIONS).is_file():
        base = read_json(folder / ADDITIONS).get("base_model_name_or_path")
        raise BadInput(
            f"{folder} holds no whole model but what training added to {base} ({ADDITIONS}); merge the two with peft's "
            "merge_and_unload() and save_pretrained(FOLDER), and open that folder"
        )
    if not path.is_file():
        raise CorruptWeights(f"{folder} has no {CONFIG}: it is no model in the layout of the Hugging Face hub")
    config = read_json(path)
    refuse_code(config, path)
    if not isinstance(config.get("model_type"), str):
        raise CorruptWeights(f"{path} does not say its model_type; get it anew, or add it")
    if config.get("quantization_config"):
        raise BadInput(f"{path} is of quantised weights, whose insides cannot be shown; use what they were made of")
    return config


def read_json(path: Path) -> dict[str, Any]:
    """Return the object that a JSON file holds.

    Raises
    ------
    CorruptWeights
        The file cannot be read, is no JSON, or holds something else.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CorruptWeights(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise CorruptWeights(f"{path} is damaged: {error}; get it anew") from None
    if not isinstance(value, dict):
        raise CorruptWeights(f"{path} is damaged: it holds no JSON object; get it anew")
    return value


def refuse_code(said: Mapping[str, Any], path: Path) -> None:
    """Refuse a model whose description asks for code of its own; raises `BadInput`."""
    if said.get("auto_map"):
        raise BadInput(
            f"{path} asks for code that comes with the model (auto_map), which is never run; "
            "use a model that transformers itself knows"
        )


def _weights(folder: Path) -> tuple[Path, ...]:
    """Return the safetensors files of a folder, whole and complete."""
    if (folder / WEIGHTS).is_file():
        tensor_names(folder / WEIGHTS)
        return (folder / WEIGHTS,)
    if (folder / INDEX).is_file():
        return _shards(folder)
    if unread := unread_weights(path.name for path in folder.iterdir()):
        raise BadInput(f"{folder} has no safetensors, {unread}: get a revision that has them, or {CONVERT}")
    raise CorruptWeights(f"{folder} has neither {WEIGHTS} nor {INDEX}: the weights are missing")


def unread_weights(names: Iterable[str]) -> str:
    """Say of file names which hold weights that are not read, and why; empty where there are none.

    Examples
    --------
    >>> unread_weights(["training_args.bin", "pytorch_model.bin", "tf_model.h5"])
    'only pytorch_model.bin; such a file can run any code when it is opened, so only safetensors are read'
    >>> unread_weights(["vocab.json", "tf_model.h5"])
    'only tf_model.h5, of another framework, and only safetensors are read'
    """
    names = sorted(name for name in names if not name.startswith(OF_TRAINING))
    if pickles := [name for name in names if name.endswith(PICKLES)]:
        return f"only {', '.join(pickles)}; {DANGER}, so only safetensors are read"
    if others := [name for name in names if name.endswith(OTHERS)]:
        return f"only {', '.join(others)}, of another framework, and only safetensors are read"
    return ""


def _shards(folder: Path) -> tuple[Path, ...]:
    index = read_json(folder / INDEX)
    names = shard_names(index, folder / INDEX)
    wanted: dict[str, str] = index["weight_map"]
    paths = tuple(folder / name for name in names)
    if missing := [path.name for path in paths if not path.is_file()]:
        raise CorruptWeights(f"{folder} lacks {', '.join(missing)}, which {INDEX} names; get it anew")
    held = {path.name: set(tensor_names(path)) for path in paths}
    for tensor, name in wanted.items():
        if tensor not in held[name]:
            raise CorruptWeights(f"{folder / name} lacks the tensor {tensor}, which {INDEX} says it holds; get it anew")
    return paths


def shard_names(index: Mapping[str, Any], path: Path) -> tuple[str, ...]:
    """Return the files that an index of shards names, in order; raises `CorruptWeights` for a damaged one."""
    named = index.get("weight_map")
    if not (isinstance(named, dict) and named and all(isinstance(name, str) for name in named.values())):
        raise CorruptWeights(f"{path} is damaged: it does not say which file holds which weight; get it anew")
    names = tuple(sorted(set(named.values())))
    for name in names:
        if os.path.basename(name) != name or not name.endswith(".safetensors"):
            raise CorruptWeights(f"{path} names {name!r}, which is no safetensors file of this folder")
    return names
