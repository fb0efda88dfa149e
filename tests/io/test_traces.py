"""A saved Trace opens equal; a stored one of every schema opens; a damaged one is one line."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otoscope.core import (
    Activation,
    Alignment,
    Attention,
    BadFormat,
    CannotWrite,
    Emissions,
    Features,
    FrameGrid,
    Hypothesis,
    Interval,
    Provenance,
    Recording,
    Site,
    StepScores,
    Tier,
    Trace,
)
from otoscope.io.traces import ARRAYS_NAME, JSON_NAME, SCHEMA, load_trace, save_trace

SAMPLES = Path(__file__).parent / "samples"


def full_trace() -> Trace:
    """A Trace with every part in it, of numbers that every machine computes alike. Never change it: see `SAMPLES`."""
    grid = FrameGrid(16000, -200, 160, 400, 4)
    words = Tier("words", (Interval(0.0, 0.01, "so", 0.5), Interval(0.02, 0.03, "it", float("-inf"), "interpolated")))
    phones = Tier("phones", (Interval(0.0, 0.01, "S", origin="synthetic"),))
    site = Site("encoder.3.mlp", "after the second layer", 3)
    values = np.arange(12, dtype=np.float32).reshape(4, 3) / 8
    return Trace(
        Recording(np.arange(640) / 1024, 16000, source="talks/så.wav"),
        (Hypothesis(("so", "it"), ("s", "o", "|"), -1.25), Hypothesis((), log_score=None)),
        Provenance("toy", "0.1", "ab" * 32, {"beam": 8, "type": "x", "nested": {"rates": [1, 2.5, None, True]}}, 7),
        {
            "alignment": Alignment(words, phones, None, np.array([0, 0, 1, 2]), grid, (0.5, 0.25), None, -3.5),
            "features": Features(values, grid, "log_mel", "ln power", np.array([100.0, 200.5, 400.25]), "Hz"),
            "emissions": Emissions(values.astype(np.float64) - 2, grid, ("<b>", "s", "o"), "log_posterior", 0),
            "steps": StepScores(values[:2].astype(np.float16), ("a", "b", "c"), ("a", "c")),
            "activations": {
                "encoder.3.mlp": Activation(site, values.astype(np.int16), grid),
                "pool": Activation(Site("pool"), np.array([[np.nan, np.inf]], np.float32)),
                "empty": Activation(Site("empty"), np.zeros((0, 3), np.uint8)),
            },
            "attentions": {"encoder.3": Attention(site, np.ones((2, 4, 4), np.float32) / 4, grid, None)},
        },
        {"percept": "no listener"},
    )


def _assert_equal(found: Trace, trace: Trace) -> None:
    assert found == trace
    assert found.recording.source == trace.recording.source
    for name, activation in trace.parts.get("activations", {}).items():
        assert found.activations[name].values.dtype == activation.values.dtype
        assert not found.activations[name].values.flags.writeable


def test_how_a_text_is_written_comes_back(tmp_path):
    trace = dataclasses.replace(full_trace(), hypotheses=(Hypothesis(("你", "好"), written="你好"),))
    trace.save(tmp_path / "t.safetensors")
    assert Trace.load(tmp_path / "t.safetensors").text == "你好"


@pytest.mark.parametrize("name", ["talk.trace", "talk.safetensors"])
def test_everything_comes_back(tmp_path, name):
    trace = full_trace()
    trace.save(tmp_path / name)
    assert (tmp_path / name).is_dir() == (name == "talk.trace")
    _assert_equal(Trace.load(tmp_path / name), trace)
    bare = Trace(Recording(np.ones(3), 8000), (Hypothesis(()),), Provenance("toy", "1"))
    bare.save(tmp_path / name)
    _assert_equal(Trace.load(tmp_path / name), bare)


_DTYPES = st.sampled_from(["f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "?"])


@settings(max_examples=25, derandomize=True, deadline=None)
@given(
    st.lists(st.tuples(_DTYPES, st.integers(0, 4), st.integers(0, 4), st.text(max_size=5)), max_size=4),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=8,
    ),
    st.booleans(),
)
def test_any_arrays_and_parameters_come_back(tmp_path_factory, arrays, parameter, single):
    activations = {
        name: Activation(Site(name), np.arange(rows * columns).reshape(rows, columns).astype(dtype))
        for dtype, rows, columns, name in arrays
    }
    trace = Trace(
        Recording(np.ones(3), 8000),
        (Hypothesis(("so",)),),
        Provenance("toy", "1", parameters={"p": parameter}),
        {"activations": activations},
    )
    path = tmp_path_factory.mktemp("t") / ("t.safetensors" if single else "t")
    save_trace(trace, path)
    _assert_equal(load_trace(path), trace)


def test_strided_arrays_and_clashing_names(tmp_path):
    values = np.arange(24, dtype=np.float32).reshape(4, 6)
    names = {"a/values": values.T, "a": values[::2, ::-1], "a'": np.asfortranarray(values)}
    activations = {name: Activation(Site(name), array) for name, array in names.items()}
    trace = full_trace().with_parts(activations=activations)
    save_trace(trace, tmp_path / "t.safetensors")
    _assert_equal(load_trace(tmp_path / "t.safetensors"), trace)


def test_saving_twice_gives_the_same_bytes(tmp_path):
    for name in ("a.safetensors", "b.safetensors"):
        save_trace(full_trace(), tmp_path / name)
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


@pytest.mark.parametrize("name", [f"trace-schema-{n}{suffix}" for n in (1, 2) for suffix in ("", ".safetensors")])
def test_stored_samples_open(name):
    """Promise: a Trace saved by one version opens in the next. If this fails, write a migration, not a new sample."""
    _assert_equal(load_trace(SAMPLES / name), full_trace())


def test_there_is_a_sample_of_every_schema():
    assert {p.name for p in SAMPLES.glob("trace-*")} == {
        f"trace-schema-{n}{suffix}" for n in range(1, SCHEMA + 1) for suffix in ("", ".safetensors")
    }


def test_a_newer_schema_is_refused(tmp_path):
    save_trace(full_trace(), tmp_path / "t")
    text = (tmp_path / "t" / JSON_NAME).read_text()
    for schema in ("3", "null", '"1"', "0"):
        (tmp_path / "t" / JSON_NAME).write_text(text.replace('"schema": 2', f'"schema": {schema}', 1))
        with pytest.raises(BadFormat, match=r"this version reads up to 2: upgrade otoscope"):
            load_trace(tmp_path / "t")


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.data())
def test_any_damage_is_one_line(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("t") / "t.safetensors"
    save_trace(full_trace(), path)
    content = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        content[at] ^= 1 << data.draw(st.integers(0, 7))
    else:
        del content[at:]
    path.write_bytes(content)
    try:
        found = load_trace(path)
    except BadFormat as error:
        refusal = str(error)
    else:  # a changed letter in a word of the JSON is no damage that can be seen
        refusal = str(path)
        assert found.recording == full_trace().recording
    assert "\n" not in refusal
    assert refusal.startswith(str(path))


def test_changed_arrays_are_seen(tmp_path):
    save_trace(full_trace(), tmp_path / "t")
    content = bytearray((tmp_path / "t" / ARRAYS_NAME).read_bytes())
    content[-1] ^= 1
    (tmp_path / "t" / ARRAYS_NAME).write_bytes(content)
    with pytest.raises(BadFormat, match="its arrays are not those that were saved"):
        load_trace(tmp_path / "t")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda v: v.pop("trace"), "no 'trace'"),
        (lambda v: v["trace"].pop("hypotheses"), "hypotheses"),
        (lambda v: v["trace"].update(hypotheses=[]), "at least one hypothesis"),
        (lambda v: v["trace"].update(type="Recording"), "unexpected keyword"),
        (lambda v: v["trace"].update(type="os.system"), "no 'os.system'"),
        (lambda v: v.update(trace={"type": "float", "value": "1"}), "it holds a float"),
        (lambda v: v["trace"]["recording"]["samples"].update(name="elsewhere"), "no 'elsewhere'"),
    ],
)
def test_traces_that_are_none(tmp_path, change, match):
    save_trace(full_trace(), tmp_path / "t")
    value = json.loads((tmp_path / "t" / JSON_NAME).read_text())
    change(value)
    (tmp_path / "t" / JSON_NAME).write_text(json.dumps(value))
    with pytest.raises(BadFormat, match=match):
        load_trace(tmp_path / "t")


def test_files_that_are_no_trace(tmp_path):
    from safetensors.numpy import save_file

    save_file({"w": np.ones(3)}, tmp_path / "weights.safetensors")
    with pytest.raises(BadFormat, match="is it a file of weights"):
        load_trace(tmp_path / "weights.safetensors")
    with pytest.raises(BadFormat, match="no such Trace file"):
        load_trace(tmp_path / "none.safetensors")
    with pytest.raises(BadFormat, match=r"the folder holds no trace\.json"):
        load_trace(tmp_path)
    (tmp_path / "empty.safetensors").touch()
    with pytest.raises(BadFormat, match="damaged, or no safetensors file"):
        load_trace(tmp_path / "empty.safetensors")
    (tmp_path / JSON_NAME).write_text("[" * 100_000)
    save_file({"w": np.ones(3)}, tmp_path / ARRAYS_NAME)
    with pytest.raises(BadFormat, match="its JSON cannot be read"):
        load_trace(tmp_path)


def test_what_cannot_be_saved(tmp_path):
    trace = full_trace()
    wave = Activation(Site("stft"), np.ones((2, 2), complex))
    with pytest.raises(CannotWrite, match=r"activations/stft/values: .* arrays of complex128"):
        save_trace(trace.with_parts(activations={"stft": wave}), tmp_path / "t")
    odd = dataclasses.replace(trace, provenance=Provenance("toy", "1", parameters={"f": print}))
    with pytest.raises(CannotWrite, match=r"provenance/parameters/f: .* builtin_function_or_method"):
        save_trace(odd, tmp_path / "t")
    with pytest.raises(CannotWrite, match="text as keys, got 1"):
        save_trace(
            dataclasses.replace(trace, provenance=Provenance("t", "1", parameters={"f": {1: 2}})), tmp_path / "t"
        )
    (tmp_path / "file").touch()
    with pytest.raises(CannotWrite, match="a file is in the way"):
        save_trace(trace, tmp_path / "file" / "t")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_other_files_in_the_folder_are_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    save_trace(full_trace(), tmp_path)
    save_trace(full_trace(), tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([ARRAYS_NAME, "notes.txt", JSON_NAME])
