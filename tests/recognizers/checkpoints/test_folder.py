"""Folders in the layout of the hub: what is read, and one clear line for each that is damaged or not to be trusted."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from otoscope.core import BadInput, CorruptWeights
from otoscope.recognizers.checkpoints.folder import INDEX, read_checkpoint
from otoscope.recognizers.checkpoints.tensors import tensor_names

CONFIG = {"model_type": "wav2vec2", "architectures": ["Wav2Vec2ForCTC"], "hidden_size": 4}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with everything in it."""
    path = tmp_path / "letters"
    path.mkdir()
    (path / "config.json").write_text(json.dumps(CONFIG))
    (path / "vocab.json").write_text('{"a": 0}')
    save_file({"head.weight": np.arange(6.0).reshape(2, 3), "head.bias": np.zeros(2)}, path / "model.safetensors")
    return path


@pytest.fixture
def sharded(folder: Path) -> Path:
    """The same weights in two files with an index."""
    (folder / "model.safetensors").unlink()
    first, second = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
    save_file({"head.weight": np.arange(6.0).reshape(2, 3)}, folder / first)
    save_file({"head.bias": np.zeros(2)}, folder / second)
    (folder / INDEX).write_text(json.dumps({"weight_map": {"head.weight": first, "head.bias": second}}))
    return folder


def test_a_whole_folder_is_read(folder: Path) -> None:
    checkpoint = read_checkpoint(folder)
    assert (checkpoint.name, checkpoint.model_type, checkpoint.architecture) == (
        "letters",
        "wav2vec2",
        "Wav2Vec2ForCTC",
    )
    assert checkpoint.config["hidden_size"] == 4
    assert checkpoint.weights == (folder / "model.safetensors",)
    assert checkpoint.revision is None
    assert checkpoint.sha256 == hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    with pytest.raises(TypeError):
        checkpoint.config["hidden_size"] = 5  # type: ignore[index]


def test_the_name_of_the_working_folder_is_its_own(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert read_checkpoint(".").name == "letters"


def test_changed_weights_have_another_hash(folder: Path) -> None:
    before = read_checkpoint(folder).sha256
    save_file({"head.weight": np.ones((2, 3)), "head.bias": np.zeros(2)}, folder / "model.safetensors")
    assert read_checkpoint(folder).sha256 != before


def test_shards_are_read_and_hashed_together(sharded: Path) -> None:
    checkpoint = read_checkpoint(sharded)
    names = [path.name for path in checkpoint.weights]
    assert names == ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    lines = "".join(f"{hashlib.sha256((sharded / name).read_bytes()).hexdigest()} {name}\n" for name in names)
    assert checkpoint.sha256 == hashlib.sha256(lines.encode()).hexdigest()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "has no config.json"),
        ("{", r"config\.json is damaged"),
        ("[1]", "holds no JSON object"),
        (b"\xff\xfe", "is damaged"),
        ('{"architectures": []}', "does not say its model_type"),
        ('{"model_type": 3}', "does not say its model_type"),
    ],
)
def test_a_damaged_config(folder: Path, content: str | bytes | None, why: str) -> None:
    (folder / "config.json").unlink()
    if content is not None:
        (folder / "config.json").write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(CorruptWeights, match=why):
        read_checkpoint(folder)


@pytest.mark.parametrize("name", ["config.json", "preprocessor_config.json", "tokenizer_config.json"])
def test_code_that_comes_with_a_model_is_never_run(folder: Path, name: str) -> None:
    (folder / name).write_text(json.dumps({**CONFIG, "auto_map": {"AutoModel": "modeling_own.Own"}}))
    with pytest.raises(BadInput, match=rf"{name} asks for code that comes with the model \(auto_map\), which is never"):
        read_checkpoint(folder)


def test_quantised_weights_are_refused(folder: Path) -> None:
    (folder / "config.json").write_text(json.dumps({**CONFIG, "quantization_config": {"load_in_8bit": True}}))
    with pytest.raises(BadInput, match="quantised weights"):
        read_checkpoint(folder)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt"])
def test_pickles_are_refused_with_the_reason(folder: Path, name: str) -> None:
    (folder / "model.safetensors").rename(folder / name)
    (folder / "optimizer.pt").write_bytes(b"of training")
    with pytest.raises(BadInput, match=f"has no safetensors, only {name}; such a file can run any code.*save_pretrain"):
        read_checkpoint(folder)


def test_weights_of_another_framework_are_refused(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "tf_model.h5")
    with pytest.raises(BadInput, match=r"only tf_model\.h5, of another framework, and only safetensors are read"):
        read_checkpoint(folder)


def test_a_pickle_beside_safetensors_is_left_alone(folder: Path) -> None:
    (folder / "pytorch_model.bin").write_bytes(b"anything")
    assert [path.name for path in read_checkpoint(folder).weights] == ["model.safetensors"]


def test_no_weights_at_all(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    with pytest.raises(CorruptWeights, match=r"neither model.safetensors nor model.safetensors.index.json"):
        read_checkpoint(folder)


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(CorruptWeights, match="there is no folder"):
        read_checkpoint(tmp_path / "nowhere")


def test_safetensors_cut_anywhere_are_noticed_by_their_length_alone(folder: Path) -> None:
    path = folder / "model.safetensors"
    whole = path.read_bytes()
    assert set(tensor_names(path)) == {"head.weight", "head.bias"}
    for n_bytes in (0, 5, 8, 40, len(whole) - 1):
        path.write_bytes(whole[:n_bytes])
        with pytest.raises(CorruptWeights, match="cut short"):
            read_checkpoint(folder)
    path.write_bytes(whole + b"\0")
    with pytest.raises(CorruptWeights, match="is too long"):
        read_checkpoint(folder)


@pytest.mark.parametrize(
    ("header", "why"),
    [
        (b"no json", "its header is no JSON"),
        (b"[]", "names no tensors"),
        (b'{"a": {"dtype": "F32"}}', "does not say where a lies"),
        (b'{"a": {"data_offsets": [4, 0]}}', "does not say where a lies"),
        (b'{"a": 1}', "does not say where a lies"),
    ],
)
def test_a_damaged_header(folder: Path, header: bytes, why: str) -> None:
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(CorruptWeights, match=why):
        read_checkpoint(folder)


def test_a_missing_shard_is_named(sharded: Path) -> None:
    (sharded / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(CorruptWeights, match=r"lacks model-00002-of-00002.safetensors, which model.safetensors.index"):
        read_checkpoint(sharded)


def test_a_shard_without_its_tensor_is_named(sharded: Path) -> None:
    shutil.copy(sharded / "model-00001-of-00002.safetensors", sharded / "model-00002-of-00002.safetensors")
    with pytest.raises(CorruptWeights, match=r"lacks the tensor head.bias"):
        read_checkpoint(sharded)


@pytest.mark.parametrize(
    ("index", "why"),
    [
        ({}, "does not say which file holds which weight"),
        ({"weight_map": {"a": 1}}, "does not say which file holds which weight"),
        ({"weight_map": {"a": "../elsewhere.safetensors"}}, "no safetensors file of this folder"),
        ({"weight_map": {"a": "pytorch_model.bin"}}, "no safetensors file of this folder"),
    ],
)
def test_a_damaged_index(sharded: Path, index: object, why: str) -> None:
    (sharded / INDEX).write_text(json.dumps(index))
    with pytest.raises(CorruptWeights, match=why):
        read_checkpoint(sharded)
