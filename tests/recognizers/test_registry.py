from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from otoscope.core import CorruptWeights, OtoscopeError, UnknownName
from otoscope.recognizers import load, recognizers

HEAVY = "torch", "numba", "pocketsphinx", "matplotlib", "soundfile", "soxr", "transformers", "huggingface_hub"


@pytest.fixture(autouse=True)
def no_stored_models(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have models in their own store."""
    monkeypatch.setenv("OTOSCOPE_MODELS", str(tmp_path_factory.mktemp("models")))


def test_listing_names_all_and_imports_nothing_heavy() -> None:
    script = (
        "import sys; from otoscope.recognizers import recognizers; "
        "print([i.name for i in recognizers()]); "
        f"print([m for m in {HEAVY} if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert out.splitlines() == ["['ctc-digits', 'otoscope-en', 'pocketsphinx']", "[]"]


def test_each_says_what_it_is() -> None:
    for info in recognizers():
        assert info.family
        assert info.needs
        assert info.description.endswith(".")
        assert info.how_to_get == "ready" if info.ready else info.how_to_get.startswith("pip install")


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otoscope.recognizers.registry.find_spec", lambda name: None)
    assert not any(info.ready for info in recognizers())
    with pytest.raises(OtoscopeError, match="needs pocketsphinx, which is not installed: pip install pocketsphinx"):
        load("pocketsphinx")


def test_unknown_name_offers_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean pocketsphinx"):
        load("pocketsfinx")


def test_unknown_parameter_is_refused() -> None:
    with pytest.raises(OtoscopeError, match="cannot be opened so: got an unexpected keyword argument 'volume'"):
        load("pocketsphinx", volume=11)


def test_entry_points_join_the_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    added = {"theirs": "json:loads", "pocketsphinx": "otoscope.recognizers.pocketsphinx:PocketSphinx"}
    monkeypatch.setattr("otoscope.recognizers.registry.registered", lambda built_in, group: added)
    assert [info.name for info in recognizers()] == ["pocketsphinx", "theirs"]
    assert load("theirs", s="[1]") == [1]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "has no recognizer.json"),
        ("{", "does not name the class"),
        ("[]", "does not name the class"),
        ('{"class": "shutil:rmtree"}', "belongs to no registered recogniser"),
        ('{"class": 3}', "belongs to no registered recogniser"),
    ],
)
def test_a_folder_that_is_no_recogniser_is_refused(tmp_path: Path, content: str | None, why: str) -> None:
    if content is not None:
        (tmp_path / "recognizer.json").write_text(content)
    with pytest.raises(CorruptWeights, match=why):
        load(tmp_path)


def test_a_folder_opens_by_the_class_it_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Saved:
        @classmethod
        def load(cls, folder: Path) -> tuple[str, Path]:
            return ("opened", folder)

    (tmp_path / "recognizer.json").write_text('{"class": "otoscope.recognizers.somewhere:Saved"}')
    monkeypatch.setattr("otoscope.recognizers.registry.resolve", {"otoscope.recognizers.somewhere:Saved": Saved}.get)
    assert load(tmp_path) == ("opened", tmp_path)
