"""`models get` against a real HTTP server on this machine: what is fetched, how it goes on, and what is refused."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from safetensors.numpy import save_file

from otoscope.core import BadInput, CannotWrite, CorruptWeights, Interrupted, OtoscopeError, UnknownName
from otoscope.recognizers.checkpoints import downloading, models
from otoscope.recognizers.checkpoints.record import RECORD, read_record
from otoscope.recognizers.checkpoints.store import PARTIAL, find
from otoscope.testing.hub import LocalHub, local_hub

NAME = "ann/letters"
WEIGHTS = "model.safetensors"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalHub]:
    """A hub on this machine, with the store in a folder of the test's own."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OTOSCOPE_MODELS", str(tmp_path / "store"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr(downloading, "PAUSES_S", (0.0, 0.0))
    with local_hub() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.address)
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model as its owner would publish it, with much in it that nobody should fetch."""
    path = tmp_path / "published"
    path.mkdir()
    write(path, "config.json", {"model_type": "wav2vec2", "architectures": ["Wav2Vec2ForCTC"]})
    write(path, "preprocessor_config.json", {"sampling_rate": 16000})
    write(path, "vocab.json", {"a": 0})
    values = np.random.default_rng(0).standard_normal(100_000).astype(np.float32)
    save_file({"head.weight": values}, path / WEIGHTS)
    for spare in ("pytorch_model.bin", "flax_model.msgpack", "modeling_own.py", "README.md", "training_args.bin"):
        (path / spare).write_bytes(b"spare")
    return path


def write(folder: Path, name: str, content: object) -> None:
    (folder / name).write_text(json.dumps(content))


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_only_what_is_needed_is_fetched_and_written_down(hub: LocalHub, folder: Path) -> None:
    commit = hub.publish(NAME, folder, licence="apache-2.0")
    told: list[tuple[int, int]] = []
    model = models.get(NAME, progress=lambda done, total: told.append((done, total)))
    wanted = {"config.json", "preprocessor_config.json", "vocab.json", WEIGHTS}
    assert names(model.folder) == wanted | {RECORD}
    assert {file.name for file in model.files} == wanted
    for file in model.files:
        data = (folder / file.name).read_bytes()
        assert (file.size, file.sha256) == (len(data), hashlib.sha256(data).hexdigest())
        assert (model.folder / file.name).read_bytes() == data
    assert (model.name, model.commit, model.model_type, model.licence) == (NAME, commit, "wav2vec2", "apache-2.0")
    assert (model.endpoint, set(model.revisions)) == (hub.address, {"main"})
    size = (folder / WEIGHTS).stat().st_size
    assert told[-1] == (size, size)
    assert sorted(told) == told
    assert read_record(model.folder) == model
    assert models.list() == (model,)
    assert all(commit in path for _, path, _ in hub.requests if "/resolve/" in path)


def test_the_local_hub_is_one_for_the_hubs_own_client_too(hub: LocalHub, folder: Path, tmp_path: Path) -> None:
    from huggingface_hub import hf_hub_download

    commit = hub.publish(NAME, folder)
    for name in ("config.json", WEIGHTS):
        path = hf_hub_download(NAME, name, endpoint=hub.address, cache_dir=tmp_path / "cache")
        assert Path(path).read_bytes() == (folder / name).read_bytes()
        assert Path(path).parent.name == commit


def test_what_is_there_is_not_fetched_again(hub: LocalHub, folder: Path) -> None:
    hub.publish(NAME, folder)
    models.get(NAME)
    hub.requests.clear()
    hub.publish(NAME, folder, revision="v1")
    model = models.get(f"{NAME}@v1")
    assert not [path for _, path, _ in hub.requests if "/resolve/" in path]
    assert set(model.revisions) == {"main", "v1"}
    assert models.list() == (model,)


def test_a_branch_that_moves_keeps_both_commits(hub: LocalHub, folder: Path) -> None:
    first = hub.publish(NAME, folder)
    models.get(NAME)
    write(folder, "vocab.json", {"a": 0, "b": 1})
    second = hub.publish(NAME, folder)
    assert models.get(NAME).commit == second
    assert {model.commit for model in models.list()} == {first, second}
    assert find(f"{NAME}@{first[:8]}").commit == first


def test_a_cut_connection_goes_on_where_it_broke(hub: LocalHub, folder: Path) -> None:
    hub.publish(NAME, folder)
    hub.cut[WEIGHTS] = [150_000, 100_000]
    model = models.get(NAME)
    spans = [span for (_, path, span) in hub.requests if path.startswith("/large/")]
    assert spans == [None, "bytes=150000-", "bytes=250000-"]
    assert models.verify(NAME)[0].intact
    assert (model.folder / WEIGHTS).read_bytes() == (folder / WEIGHTS).read_bytes()


def test_a_cache_that_knows_no_ranges_sends_all_of_it_again(hub: LocalHub, folder: Path) -> None:
    hub.publish(NAME, folder)
    hub.cut[WEIGHTS] = [150_000]
    hub.rangeless = True
    model = models.get(NAME)
    assert [span for _, path, span in hub.requests if path.startswith("/large/")] == [None, "bytes=150000-"]
    assert (model.folder / WEIGHTS).read_bytes() == (folder / WEIGHTS).read_bytes()


def test_when_nothing_more_comes_it_says_so_and_the_next_call_goes_on(hub: LocalHub, folder: Path) -> None:
    hub.publish(NAME, folder)
    hub.cut[WEIGHTS] = [150_000, 0, 0, 0]
    with pytest.raises(OtoscopeError, match=r"cannot reach http.*what was fetched is kept, the same command goes on"):
        models.get(NAME)
    assert models.list() == ()
    hub.requests.clear()
    models.get(NAME)
    assert hub.asked_for(WEIGHTS) == ["bytes=150000-"] * 2  # the address on the hub, and the one it redirects to
    assert hub.asked_for("config.json") == []
    assert models.verify(NAME)[0].intact


def test_a_dead_hub_is_one_line(hub: LocalHub, monkeypatch: pytest.MonkeyPatch) -> None:
    with local_hub() as gone:
        pass
    monkeypatch.setenv("HF_ENDPOINT", gone.address)
    with pytest.raises(OtoscopeError, match=f"cannot reach {gone.address}: .*refused"):
        models.get(NAME)


@pytest.mark.parametrize("name", [WEIGHTS, "vocab.json"])
def test_a_wrong_byte_is_noticed_and_nothing_is_stored(hub: LocalHub, folder: Path, name: str) -> None:
    hub.publish(NAME, folder)
    hub.spoil.add(name)
    kind = "SHA-256" if name == WEIGHTS else "git's SHA-1"
    with pytest.raises(CorruptWeights, match=f"{name} of {NAME} did not arrive as .* states .{kind}"):
        models.get(NAME)
    assert models.list() == ()
    hub.spoil.clear()
    hub.requests.clear()
    models.get(NAME)
    assert None in hub.asked_for(name)


def test_a_damaged_half_is_fetched_anew(hub: LocalHub, folder: Path) -> None:
    hub.publish(NAME, folder)
    hub.cut[WEIGHTS] = [150_000, 0, 0, 0]
    with pytest.raises(OtoscopeError):
        models.get(NAME)
    [part] = Path(os.environ["OTOSCOPE_MODELS"], PARTIAL).rglob("*.part")
    part.write_bytes(b"\0" * 150_000)
    models.get(NAME)
    assert models.verify(NAME)[0].intact


def test_a_damaged_model_is_mended(hub: LocalHub, folder: Path) -> None:
    hub.publish(NAME, folder)
    model = models.get(NAME)
    data = (model.folder / WEIGHTS).read_bytes()
    (model.folder / WEIGHTS).write_bytes(b"\0" + data[1:])
    (model.folder / "vocab.json").unlink()
    problems = models.verify(NAME)[0].problems
    assert [problem.partition(" ")[0] for problem in problems] == ["vocab.json", WEIGHTS]
    mended = models.get(NAME, revision=model.commit)
    assert models.verify(NAME)[0].intact
    assert mended == model
    assert not list(Path(os.environ["OTOSCOPE_MODELS"], PARTIAL).glob("ann--letters/*"))


def test_shards_are_fetched_by_their_index(hub: LocalHub, folder: Path) -> None:
    shard = "model-00001-of-00001.safetensors"
    (folder / WEIGHTS).rename(folder / shard)
    write(folder, f"{WEIGHTS}.index.json", {"weight_map": {"head.weight": shard}})
    hub.publish(NAME, folder)
    model = models.get(NAME)
    assert {shard, f"{WEIGHTS}.index.json"} < names(model.folder)


def test_adapters_are_fetched_on_request_and_stay(hub: LocalHub, folder: Path) -> None:
    for language in ("fra", "deu", "cmn-script_simplified"):
        save_file({"adapter": np.ones(3)}, folder / f"adapter.{language}.safetensors")
        (folder / f"adapter.{language}.bin").write_bytes(b"pickle")
    hub.publish(NAME, folder)
    assert not any(name.startswith("adapter") for name in names(models.get(NAME).folder))
    models.get(NAME, languages=["fra"])
    hub.requests.clear()
    model = models.get(NAME, languages=["cmn-script_simplified"])
    assert {"adapter.fra.safetensors", "adapter.cmn-script_simplified.safetensors"} < names(model.folder)
    assert hub.asked_for("adapter.fra.safetensors") == hub.asked_for(WEIGHTS) == []
    assert {"adapter.fra.safetensors", "adapter.cmn-script_simplified.safetensors"} < {f.name for f in model.files}
    with pytest.raises(UnknownName, match="unknown language of ann/letters 'frb'; did you mean fra"):
        models.get(NAME, languages=["frb"])


def test_no_adapters_to_ask_for(hub: LocalHub, folder: Path) -> None:
    hub.publish(NAME, folder)
    with pytest.raises(BadInput, match="has no adapters of languages"):
        models.get(NAME, languages=["fra"])


def test_pickles_only_is_refused_with_the_remedy(hub: LocalHub, folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    hub.publish(NAME, folder)
    with pytest.raises(BadInput, match=r"only pytorch_model.bin.*any code.*only safetensors.*save_pretrained"):
        models.get(NAME)
    hub.converted[NAME] = 7
    with pytest.raises(BadInput, match="the hub's own converter offers them, at --revision refs/pr/7"):
        models.get(NAME)
    assert not [path for _, path, _ in hub.requests if "/resolve/" in path]


def test_a_pull_request_is_a_revision(hub: LocalHub, folder: Path) -> None:
    hub.publish(NAME, folder, revision="refs/pr/7")
    model = models.get(NAME, revision="refs/pr/7")
    assert find(f"{NAME}@refs/pr/7") == find(NAME) == model


@pytest.mark.parametrize("name", ["config.json", "preprocessor_config.json"])
def test_code_that_comes_with_a_model_is_refused_before_its_weights(hub: LocalHub, folder: Path, name: str) -> None:
    write(folder, name, {"model_type": "wav2vec2", "auto_map": {"AutoModel": "modeling_own.Own"}})
    hub.publish(NAME, folder)
    with pytest.raises(BadInput, match="code that comes with the model"):
        models.get(NAME)
    assert hub.asked_for(WEIGHTS) == hub.asked_for("modeling_own.py") == []
    assert models.list() == ()


def test_a_model_that_nothing_opens_is_refused_before_its_weights(hub: LocalHub, folder: Path) -> None:
    write(folder, "config.json", {"model_type": "llama"})
    hub.publish(NAME, folder)
    with pytest.raises(BadInput, match=r"of type 'llama', which is not known; known: .*wav2vec2.*whisper"):
        models.get(NAME)
    assert hub.asked_for(WEIGHTS) == []


def test_cut_safetensors_that_their_owner_published_are_refused(hub: LocalHub, folder: Path) -> None:
    (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:-5])
    hub.publish(NAME, folder)
    with pytest.raises(CorruptWeights, match="is cut short"):
        models.get(NAME)
    assert models.list() == ()


def test_no_such_model_or_revision(hub: LocalHub, folder: Path) -> None:
    hub.publish(NAME, folder)
    with pytest.raises(BadInput, match="has no model 'bob/letters' for you: check the spelling; if it is private, set"):
        models.get("bob/letters")
    with pytest.raises(BadInput, match="ann/letters has no revision 'v9'"):
        models.get(NAME, revision="v9")
    with pytest.raises(BadInput, match="'letters' is no name of a model on the hub"):
        models.get("letters")
    with pytest.raises(BadInput, match="already names a revision; 'v2' is another one"):
        models.get(f"{NAME}@v1", revision="v2")
    hub.gate.add(NAME)
    with pytest.raises(BadInput, match=r"is gated: accept its terms at .*/ann/letters, then set HF_TOKEN"):
        models.get(NAME)


def test_a_broken_hub(hub: LocalHub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.answer = 503
    with pytest.raises(OtoscopeError, match=r"refused ann/letters \(503\).*try again later"):
        models.get(NAME)
    monkeypatch.setenv("HF_ENDPOINT", "hub.example")
    with pytest.raises(BadInput, match=r"HF_ENDPOINT is 'hub.example', which is no address"):
        models.get(NAME)


def test_offline_is_offline(hub: LocalHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(OtoscopeError, match="HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE is set; unset it"):
        models.get(NAME)
    assert hub.requests == []


def test_too_little_room_is_said_before_the_weights(
    hub: LocalHub, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.publish(NAME, folder)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=10_000))
    with pytest.raises(CannotWrite, match=r"needs 0.00 GB more, and only 0.00 GB are free at .*make room, or put"):
        models.get(NAME)
    assert hub.asked_for(WEIGHTS) == []


def test_a_disk_that_fills_up(hub: LocalHub, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.publish(NAME, folder)
    right = downloading._append

    def full(repository, file, part, told):  # type: ignore[no-untyped-def]
        if file.name == WEIGHTS:
            part.write_bytes((folder / WEIGHTS).read_bytes()[:1000])
            raise OSError(errno.ENOSPC, "No space left on device")
        right(repository, file, part, told)

    monkeypatch.setattr(downloading, "_append", full)
    with pytest.raises(CannotWrite, match=r"no room left for ann/letters; make room.*the same command goes on"):
        models.get(NAME)
    assert models.list() == ()
    monkeypatch.setattr(downloading, "_append", right)
    hub.requests.clear()
    models.get(NAME)
    assert hub.asked_for(WEIGHTS)[-1] == "bytes=1000-"


def test_a_store_that_cannot_be_written(hub: LocalHub, folder: Path, tmp_path: Path) -> None:
    hub.publish(NAME, folder)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CannotWrite, match="a file is in the way"):
        models.get(NAME, store=tmp_path / "file" / "store")


def test_ctrl_c_keeps_what_came(hub: LocalHub, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.publish(NAME, folder)

    def stop(done: int, total: int) -> None:
        if done > 100_000:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted, match="what was fetched of ann/letters is kept; the same command goes on"):
        models.get(NAME, progress=stop)
    assert models.list() == ()
    [part] = Path(os.environ["OTOSCOPE_MODELS"], PARTIAL).rglob("*.part")
    there = part.stat().st_size
    hub.requests.clear()
    models.get(NAME)
    assert hub.asked_for(WEIGHTS)[-1] == f"bytes={there}-"
    assert models.verify(NAME)[0].intact


def test_two_at_once(hub: LocalHub, folder: Path) -> None:
    hub.publish(NAME, folder)
    hub.stall[WEIGHTS] = 100_000
    first = threading.Thread(target=models.get, args=(NAME,))
    first.start()
    while WEIGHTS in hub.stall:
        pass
    with pytest.raises(OtoscopeError, match="another process is fetching ann/letters into"):
        models.get(NAME)
    hub.release.set()
    first.join()
    assert models.verify(NAME)[0].intact


def test_a_hub_that_states_no_hash_is_not_trusted(hub: LocalHub, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.publish(NAME, folder)
    monkeypatch.setattr("otoscope.testing.hub._blob", lambda path: "")
    with pytest.raises(CorruptWeights, match=r"states no hash of config.json in ann/letters, so it cannot be checked"):
        models.get(NAME)


def test_a_token_goes_to_the_hub_and_nowhere_else(hub: LocalHub, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from otoscope.testing.hub import _Handler

    said: list[tuple[str, str | None]] = []
    right = _Handler._answer

    def heard(self: _Handler) -> None:
        said.append((self.path, self.headers["Authorization"]))
        right(self)

    monkeypatch.setattr(_Handler, "_answer", heard)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    hub.publish(NAME, folder)
    models.get(NAME)
    assert {token for path, token in said if not path.startswith("/large/")} == {"Bearer hf_secret"}
    assert {token for path, token in said if path.startswith("/large/")} == {None}


def test_who_asks_is_all_that_is_said(hub: LocalHub, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from otoscope.testing.hub import _Handler

    said: list[str] = []
    right = _Handler._answer

    def heard(self: _Handler) -> None:
        said.append(self.headers["User-Agent"])
        right(self)

    monkeypatch.setattr(_Handler, "_answer", heard)
    hub.publish(NAME, folder)
    models.get(NAME)
    assert said
    assert all(who.startswith("otoscope/") and "torch" not in who for who in said)
