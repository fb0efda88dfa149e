"""N-gram models in small files: a model in, quantised and packed arrays in a safetensors file out, and back.

Log-probabilities and backoff weights of each order are rounded to the nearest of at most `2 ** bits` values; the trie
is kept exactly, as the number of children of each node and the step from each word to the next. Everything is packed
with LZMA, and a SHA-256 tells damage.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, CorruptWeights
from otoscope.io.writing import write_bytes
from otoscope.lexicon.ngram.model import NGramModel

FORMAT = "otoscope n-gram model"
SCHEMA = 1
LARGEST_BYTES = 1 << 31
"""The largest array that `load` unpacks: a small file cannot fill the memory."""


def save(model: NGramModel, path: str | os.PathLike[str], *, bits: int = 8) -> None:
    """Write a model to a compact file.

    Parameters
    ----------
    bits
        Bits of a quantised value, 4 to 16; 8 change perplexity by less than a part in a thousand.

    Raises
    ------
    BadInput
        `bits` is outside 4 to 16.
    CannotWrite
        The file cannot be written.
    """
    write_bytes(path, serialized(model, bits=bits))


def serialized(model: NGramModel, *, bits: int = 8) -> bytes:
    """Return the bytes of the file that `save` writes: the same model gives the same bytes.

    Raises
    ------
    BadInput
        `bits` is outside 4 to 16.
    """
    from safetensors.numpy import save as pack

    if not 4 <= bits <= 16:
        raise BadInput(f"a quantised value has 4 to 16 bits, got {bits}")
    arrays: dict[str, NDArray[Any]] = {
        "words": np.frombuffer("\n".join(model.words).encode(), np.uint8),
        "n_children": _narrow(np.diff(model.first_child)[: model.level_start[-2]]),
        "word_steps": _narrow(_word_steps(model)),
    }
    for name, values in (("log_probs", model.log_probs), ("backoffs", model.backoffs)):
        for order in range(1, model.order + 1):
            if name == "log_probs" or order < model.order:
                codes, book = _quantized(values[model.level(order)], 2**bits)
                arrays[f"{name}.{order}.codes"], arrays[f"{name}.{order}.book"] = codes, book
    packed = {name: np.frombuffer(_packed(values), np.uint8) for name, values in arrays.items()}
    layout = {name: [values.dtype.str, values.size] for name, values in arrays.items()}
    head = {"format": FORMAT, "schema": SCHEMA, "level_start": model.level_start.tolist(), "layout": layout}
    text = json.dumps({**head, "sha256": _sha256(head, packed)})
    return bytes(pack(packed, metadata={"otoscope": text}))


def load(path: str | os.PathLike[str]) -> NGramModel:
    """Read what `save` wrote.

    Raises
    ------
    BadInput
        There is no such file.
    CorruptWeights
        The file is damaged, or no n-gram model of this format.
    """
    name = os.fspath(path)
    if not os.path.isfile(name):
        raise BadInput(f"there is no n-gram model at {name}")
    try:
        arrays, level_start = _unpacked(name)
        return _model(arrays, level_start)
    except (KeyError, ValueError, IndexError, TypeError, AttributeError, lzma.LZMAError, EOFError, BadInput) as error:
        raise CorruptWeights(f"{name} is damaged or no {FORMAT}: {error}; save it again") from error


def _unpacked(path: str) -> tuple[Mapping[str, NDArray[Any]], NDArray[np.int64]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            head = json.loads((file.metadata() or {}).get("otoscope", "{}"))
            packed = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ValueError(str(error)) from error
    if head.get("format") != FORMAT or head.get("schema") != SCHEMA:
        raise ValueError(f"format {head.get('format')!r}, schema {head.get('schema')!r}, where {SCHEMA} is known")
    if head.pop("sha256") != _sha256(head, packed):
        raise ValueError("its checksum is not that of its content")
    arrays = {name: _array(packed[name].tobytes(), *layout) for name, layout in head["layout"].items()}
    return arrays, np.array(head["level_start"], np.int64)


def _array(data: bytes, dtype: str, size: int) -> NDArray[Any]:
    kind = np.dtype(dtype)
    n_bytes = size * kind.itemsize
    if kind.hasobject or not 0 <= n_bytes <= LARGEST_BYTES:
        raise ValueError(f"an array of {size} {dtype} cannot belong to it")
    unpacker = lzma.LZMADecompressor()
    raw = unpacker.decompress(data, max_length=n_bytes + 1)
    if len(raw) != n_bytes:
        raise ValueError(f"an array has {len(raw)} bytes where {n_bytes} were written")
    return np.frombuffer(raw, kind)


def _model(arrays: Mapping[str, NDArray[Any]], level_start: NDArray[np.int64]) -> NGramModel:
    words = tuple(arrays["words"].tobytes().decode().split("\n"))
    n_children = arrays["n_children"].astype(np.int64)
    n_nodes = int(level_start[-1])
    if n_children.sum() != n_nodes - 1 or n_children.size != level_start[-2]:
        raise ValueError("its n-grams do not add up")
    parent = np.concatenate(([-1], np.repeat(np.arange(n_children.size), n_children))).astype(np.int32)
    parts: dict[str, NDArray[np.float32]] = {name: np.zeros(n_nodes, np.float32) for name in ("log_probs", "backoffs")}
    for name, values in parts.items():
        for order in range(1, level_start.size - 1):
            if f"{name}.{order}.codes" in arrays:
                level = slice(int(level_start[order]), int(level_start[order + 1]))
                values[level] = arrays[f"{name}.{order}.book"][arrays[f"{name}.{order}.codes"]]
    word = _words_from_steps(arrays["word_steps"], parent)
    if word.max() >= len(words) or word[1:].min() < 0:
        raise ValueError("it lists a word that its vocabulary lacks")
    return NGramModel(words, level_start, parent, word, parts["log_probs"], parts["backoffs"])


def _word_steps(model: NGramModel) -> NDArray[np.int64]:
    """Return `(n_nodes - 1,)`: the word of a first child, and else the step from the word of the sibling before."""
    word, parent = model.word[1:].astype(np.int64), model.parent[1:]
    steps = word.copy()
    siblings = parent[1:] == parent[:-1]
    steps[1:][siblings] -= word[:-1][siblings]
    return steps


def _words_from_steps(steps: NDArray[Any], parent: NDArray[np.int32]) -> NDArray[np.int32]:
    total = np.cumsum(steps, dtype=np.int64)
    firsts = np.flatnonzero(np.append(True, parent[2:] != parent[1:-1]))
    before = total[firsts] - steps[firsts]
    counts = np.diff(np.append(firsts, steps.size))
    return np.concatenate(([-1], total - np.repeat(before, counts))).astype(np.int32)


def _narrow(values: NDArray[Any]) -> NDArray[Any]:
    """Return whole numbers in the smallest unsigned type that holds them."""
    return values.astype(np.min_scalar_type(int(values.max(initial=0))))


def _quantized(values: NDArray[np.float32], n_codes: int) -> tuple[NDArray[Any], NDArray[np.float32]]:
    """Return a code for each value, and the book of at most `n_codes` values that codes stand for.

    A value keeps a code to itself where there are few; else the codes are means of bins between equal quantiles and
    equal steps, half and half, which bounds the error of rare values too. 0 and the extremes are kept exactly.
    """
    distinct = np.unique(values)
    if distinct.size > n_codes:
        finite = np.unique(np.concatenate(([distinct[0], distinct[-1]], distinct[distinct == 0])))
        n_bins = n_codes - finite.size
        low, high = np.quantile(values, (0.0005, 0.9995)).tolist()
        quantiles = np.quantile(values, np.linspace(0, 1, n_bins // 2))
        edges = np.unique(np.concatenate((quantiles, np.linspace(low, high, n_bins - n_bins // 2))))
        bins = np.searchsorted(edges, values)
        sums, counts = np.bincount(bins, values.astype(float)), np.bincount(bins)
        distinct = np.unique(np.concatenate((finite, (sums[counts > 0] / counts[counts > 0]).astype(np.float32))))
    middle = (distinct[1:].astype(float) + distinct[:-1]) / 2
    return _narrow(np.searchsorted(middle, values)), distinct.astype(np.float32)


def _packed(values: NDArray[Any]) -> bytes:
    """Return an array packed; `lc` and `pb` suit numbers of the array's width."""
    width = {1: 0, 2: 1, 4: 2, 8: 3}[values.dtype.itemsize]
    chain = [{"id": lzma.FILTER_LZMA2, "preset": 6, "lc": 3 - min(width, 1), "lp": width and 1, "pb": width}]
    return lzma.compress(np.ascontiguousarray(values).tobytes(), filters=chain)


def _sha256(head: Mapping[str, Any], packed: Mapping[str, NDArray[np.uint8]]) -> str:
    digest = hashlib.sha256(json.dumps(head, sort_keys=True).encode())
    for name in sorted(packed):
        digest.update(name.encode() + b"\0" + packed[name].tobytes())
    return digest.hexdigest()
