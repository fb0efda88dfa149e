"""What `listener-en` learns from: every so many-th utterance of each corpus, the options of the recipe."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import Alignment, BadInput, Interval, Recording, Tier
from otoscope.io.audio import write_recording
from otoscope.listener.ears.making import EVERY, EVERY_VALID, NOISE, OPTIONS, make, people
from otoscope.listener.ears.training import Options
from otoscope.listener.ears.voices import JUDGED, VALIDATION, timbre

HEADER = "id\tpath\tspeaker\ttext\tduration_s\tsplit"


@pytest.fixture
def data(tmp_path):
    rng = np.random.default_rng(0)
    for name in {*EVERY, *EVERY_VALID}:
        folder = tmp_path / name
        folder.mkdir()
        write_recording(Recording(0.1 * rng.normal(size=8000).astype(np.float32), 16000), folder / "a.wav")
        splits = ("train",) * 5 + ("valid",) * 3 + ("test",)
        rows = [f"{name}-{k}\ta.wav\tx\tah\t0.5\t{split}" for k, split in enumerate(splits)]
        (folder / "manifest.tsv").write_text("\n".join([HEADER, *rows]) + "\n", "utf-8")
    return tmp_path


class Placing:
    """Places one phone in the middle."""

    def align(self, recording, transcript):
        return Alignment(Tier("words", (Interval(0.1, 0.4, transcript),)), Tier("phones", (Interval(0.1, 0.4, "AA"),)))


def test_every_so_many_th_utterance_is_taken(data):
    found = people(data, {"fsdd": 2, "kathleen-en": 10, "alphanumeric": 1}, "train")
    assert [one.id for one in found] == [
        *("fsdd-0", "fsdd-2", "fsdd-4"),
        "kathleen-en-0",
        *(f"alphanumeric-{k}" for k in range(5)),
    ]
    assert {one.split for one in people(data, EVERY_VALID, "valid")} == {"valid"}
    with pytest.raises(BadInput):
        people(data, {"nowhere": 1}, "train")


def test_the_options_are_those_of_training():
    chosen = Options(**OPTIONS, noise=NOISE)
    assert chosen.further == OPTIONS["further"]
    assert not {timbre(voice) for voice in JUDGED} & {timbre(voice) for voice in VALIDATION}


def test_the_recipe_runs_on_small_corpora(data, tmp_path):
    pytest.importorskip("espeakng_loader")
    pytest.importorskip("torch")
    small = {"n_spoken": 4, "n_spoken_valid": 2, "n_told": 9, "epochs": 1, "precision": "float32", "noise": None}
    ears = make(data, tmp_path / "run", aligner=Placing(), **small)
    assert ears.network.offsets[-2:] == OPTIONS["further"]
    assert ears.card.training["n_told"] == 9
    with np.load(tmp_path / "run" / "features" / "train" / "told" / "00000.npz") as stored:
        assert stored["ends"].size == 9 * OPTIONS["n_copies"]
        assert set(np.unique(stored["labels"])) == {0, 1, 2, 117}
