"""Opening folders of the hub: every weight accounted for, no network, one clear line for what cannot be opened."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from logging import Handler
from pathlib import Path

import pytest
import torch

from otoscope.core import BadInput, CorruptWeights, OtoscopeError
from otoscope.recognizers import load
from otoscope.recognizers.checkpoints.folder import Checkpoint, read_checkpoint
from otoscope.recognizers.checkpoints.opening import FAMILIES, OPENERS, loaded, offline, open_checkpoint
from otoscope.testing.checkpoints import tiny_wav2vec2, tiny_whisper


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_wav2vec2(tmp_path_factory.mktemp("tiny") / "letters")


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_wav2vec2(tmp_path_factory.mktemp("tiny") / "bare", head="none")


@pytest.fixture(scope="module")
def whisper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_whisper(tmp_path_factory.mktemp("tiny") / "whisper")


def changed(folder: Path, to: Path, **said: object) -> Checkpoint:
    """Copy a folder, with another config.json."""
    shutil.copytree(folder, to)
    config = json.loads((to / "config.json").read_text())
    (to / "config.json").write_text(json.dumps({**config, **said}))
    return read_checkpoint(to)


def test_the_same_weights_as_transformers_reads(letters: Path) -> None:
    from transformers import Wav2Vec2ForCTC

    ours = loaded(Wav2Vec2ForCTC, read_checkpoint(letters))
    theirs = Wav2Vec2ForCTC.from_pretrained(letters).state_dict()
    assert not ours.training
    assert set(ours.state_dict()) == set(theirs)
    assert all(torch.equal(value, theirs[name]) for name, value in ours.state_dict().items())
    assert {value.dtype for value in ours.parameters()} == {torch.float32}


def test_half_precision_on_the_disk_becomes_single(letters: Path, tmp_path: Path) -> None:
    from transformers import Wav2Vec2ForCTC

    shutil.copytree(letters, tmp_path / "half")
    Wav2Vec2ForCTC.from_pretrained(letters).to(torch.float16).save_pretrained(tmp_path / "half")
    assert "float16" in (tmp_path / "half" / "config.json").read_text()
    model = loaded(Wav2Vec2ForCTC, read_checkpoint(tmp_path / "half"))
    assert {value.dtype for value in model.parameters()} == {torch.float32}


def test_weights_that_are_lacking_are_not_drawn_at_random(bare: Path, letters: Path, tmp_path: Path) -> None:
    from transformers import Wav2Vec2ForCTC

    with pytest.raises(CorruptWeights, match=r"has no weights for lm_head\.bias, lm_head\.weight"):
        loaded(Wav2Vec2ForCTC, read_checkpoint(bare))
    model = loaded(Wav2Vec2ForCTC, read_checkpoint(bare), may_lack=(r"^lm_head\.",))
    assert model.lm_head.weight.shape[1] == 32
    with pytest.raises(CorruptWeights, match=r"has no weights for .*layers\.2\..* and \d+ more"):
        loaded(Wav2Vec2ForCTC, changed(letters, tmp_path / "deeper", num_hidden_layers=3))


def test_weights_that_have_no_place_are_not_dropped(letters: Path, tmp_path: Path) -> None:
    from transformers import Wav2Vec2ForCTC, Wav2Vec2Model

    with pytest.raises(CorruptWeights, match=r"has no place for the weights lm_head\.bias, lm_head\.weight"):
        loaded(Wav2Vec2Model, read_checkpoint(letters))
    loaded(Wav2Vec2Model, read_checkpoint(letters), may_ignore=(r"^lm_head\.",))
    with pytest.raises(CorruptWeights, match=r"has no place for the weights .*layers\.1\."):
        loaded(Wav2Vec2ForCTC, changed(letters, tmp_path / "shallower", num_hidden_layers=1))


@pytest.mark.parametrize(("kind", "name"), [("wav2vec2", "Wav2Vec2ForCTC"), ("hubert", "HubertForCTC")])
def test_weights_under_the_names_that_the_hub_has_them_by(tmp_path: Path, kind: str, name: str) -> None:
    """Published weights are older than torch's parametrisations: length and direction have names of their own."""
    import transformers
    from safetensors.torch import load_file, save_file

    folder = tiny_wav2vec2(tmp_path / kind, kind=kind)  # type: ignore[arg-type]
    maker = getattr(transformers, name)
    now = loaded(maker, read_checkpoint(folder)).state_dict()
    weights = load_file(folder / "model.safetensors")
    parts = (("parametrizations.weight.original0", "weight_g"), ("parametrizations.weight.original1", "weight_v"))
    for new, old in parts:
        [key] = [key for key in weights if key.endswith(new)]
        weights[key.replace(new, old)] = weights.pop(key)
    save_file(weights, folder / "model.safetensors")
    then = loaded(maker, read_checkpoint(folder)).state_dict()
    assert all(torch.equal(value, now[key]) for key, value in then.items())


def test_the_mask_of_training_may_be_lacking(letters: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file
    from transformers import Wav2Vec2ForCTC

    checkpoint = changed(letters, tmp_path / "maskless")
    weights = load_file(letters / "model.safetensors")
    assert weights.pop("wav2vec2.masked_spec_embed") is not None
    save_file(weights, tmp_path / "maskless" / "model.safetensors", metadata={"format": "pt"})
    loaded(Wav2Vec2ForCTC, checkpoint)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"hidden_size": 64}, "of another size"),
        ({"hidden_size": "wide"}, "cannot be opened as Wav2Vec2ForCTC: .*hidden_size"),
        ({"conv_dim": [32]}, "cannot be opened as Wav2Vec2ForCTC: .*conv_dim"),
        ({"num_attention_heads": 5}, "cannot be opened as Wav2Vec2ForCTC: .*num_heads"),
    ],
)
def test_a_config_that_does_not_fit(letters: Path, tmp_path: Path, said: dict[str, object], why: str) -> None:
    from transformers import Wav2Vec2ForCTC

    with pytest.raises(CorruptWeights, match=why) as raised:
        loaded(Wav2Vec2ForCTC, changed(letters, tmp_path / "odd", **said))
    assert "\n" not in str(raised.value)


def test_nothing_is_printed(letters: Path, capfd: pytest.CaptureFixture[str]) -> None:
    from transformers import Wav2Vec2ForCTC, Wav2Vec2Model
    from transformers.utils import logging

    logged: list[str] = []
    handler = Handler()
    handler.emit = lambda record: logged.append(record.getMessage())  # type: ignore[method-assign]
    logging.add_handler(handler)
    before = logging.get_verbosity(), logging.is_progress_bar_enabled()
    loaded(Wav2Vec2ForCTC, read_checkpoint(letters))
    with pytest.raises(CorruptWeights):
        loaded(Wav2Vec2Model, read_checkpoint(letters))
    logging.remove_handler(handler)
    assert capfd.readouterr() == ("", "")
    assert logged == []
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == before


def test_offline_holds_inside_and_leaves_again(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    seen = []

    def broken() -> None:
        with offline():
            seen.append(huggingface_hub.is_offline_mode())
            raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"):
        broken()
    assert seen == [True]
    assert not huggingface_hub.is_offline_mode()


def test_every_kind_has_a_family_and_the_openers_exist() -> None:
    from otoscope.core.late import resolve

    assert set(FAMILIES) == set(OPENERS)
    assert all(callable(resolve(reference)) for reference in set(OPENERS.values()))


def test_what_is_not_known_is_refused(letters: Path, tmp_path: Path) -> None:
    changed(letters, tmp_path / "text", model_type="bert")
    with pytest.raises(BadInput, match=r"a model of type 'bert', which is not known; known: .*wav2vec2.*, whisper"):
        open_checkpoint(tmp_path / "text")
    with pytest.raises(OtoscopeError, match=r"letters \(wav2vec2\) cannot be opened so: .*'volume'"):
        open_checkpoint(letters, volume=11)


@pytest.mark.parametrize(("kind", "gone"), [("letters", ["vocab.json"]), ("whisper", ["tokenizer.json", "merges.txt"])])
def test_a_missing_tokenizer(kind: str, gone: list[str], tmp_path: Path, request: pytest.FixtureRequest) -> None:
    shutil.copytree(request.getfixturevalue(kind), tmp_path / "mute")
    for name in gone:
        (tmp_path / "mute" / name).unlink()
    with pytest.raises(CorruptWeights, match=rf"has no tokenizer \(.*{gone[0]}.*copy it from the model that this one"):
        load(tmp_path / "mute")


def test_what_does_not_say_its_architecture_or_what_it_hears(letters: Path, tmp_path: Path) -> None:
    changed(letters, tmp_path / "nameless", architectures=None)
    with pytest.raises(CorruptWeights, match=r"does not say its architecture; add .*Wav2Vec2ForCTC"):
        load(tmp_path / "nameless")
    shutil.copytree(letters, tmp_path / "deaf")
    (tmp_path / "deaf" / "preprocessor_config.json").rename(tmp_path / "kept.json")
    with pytest.raises(CorruptWeights, match=r"what its network hears: it has neither preprocessor_config.json nor"):
        load(tmp_path / "deaf")
    said = {"feature_extractor": json.loads((tmp_path / "kept.json").read_text())}
    (tmp_path / "deaf" / "processor_config.json").write_text(json.dumps(said))
    assert load(tmp_path / "deaf").network.rate_hz == 16000


def test_additions_to_another_model_are_no_model(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text(
        '{"peft_type": "LORA", "base_model_name_or_path": "openai/whisper-tiny"}'
    )
    with pytest.raises(BadInput, match=r"what training added to openai/whisper-tiny .*merge_and_unload"):
        load(tmp_path)


def test_opened_by_folder_or_from_the_store(letters: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def opener(checkpoint: Checkpoint, *, attention: str = "eager") -> str:
        import huggingface_hub

        seen.append((checkpoint.name, checkpoint.revision, attention, huggingface_hub.is_offline_mode()))
        return "opened"

    monkeypatch.setattr("otoscope.recognizers.checkpoints.opening.resolve", lambda reference: opener)
    monkeypatch.setenv("OTOSCOPE_MODELS", str(tmp_path / "store"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    assert load(letters, attention="sdpa") == "opened"
    from otoscope.recognizers.checkpoints import models
    from otoscope.testing.hub import local_hub

    with local_hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        commit = hub.publish("ann/letters", letters)
        models.get("ann/letters")
    assert load("ann/letters") == load(f"ann/letters@{commit[:7]}") == "opened"
    stored = ("ann/letters", commit, "eager", True)
    assert seen == [("letters", None, "sdpa", True), stored, stored]
    [vocabulary] = (tmp_path / "store").rglob("vocab.json")
    vocabulary.write_text(vocabulary.read_text().replace("0", "9", 1))
    with pytest.raises(
        CorruptWeights, match=rf"vocab\.json is not the file that was fetched .*revision {commit} mends"
    ):
        load("ann/letters")


LISTENER = """
import sys
reached = []
sys.addaudithook(lambda event, found: reached.append(event) if event.startswith("socket.") else None)
import numpy as np
import otoscope as oto
for folder in sys.argv[1:]:
    brief = {"most_tokens": 8, "temperatures": (0.0,)} if folder.endswith("whisper") else {}
    recognizer = oto.load(folder, **brief)
    noise = np.random.default_rng(0).standard_normal(16000).astype("float32") / 20
    trace = recognizer.trace(oto.Recording(noise, 16000))
    print(trace.provenance.weights_sha256)
wanted = {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"}
print(sorted(wanted & set(reached)))
"""


def test_opening_and_hearing_reach_no_network(
    letters: Path, whisper: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without anything set that would forbid it, and with a hub set that would be noticed."""
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    command = [sys.executable, "-c", LISTENER, str(letters), str(whisper)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    hashes = [read_checkpoint(folder).sha256 for folder in (letters, whisper)]
    assert done.stdout.splitlines() == [*hashes, "[]"]
