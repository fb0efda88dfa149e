"""Timbres of our own: read, blended line by line, spoken by espeak-ng."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from otoscope.core import BadInput, UnknownName
from otoscope.listener.ears.timbres import FORMANT, MOST, PITCH, TRACT, blended, blended_timbres, read_timbre

LOW = read_timbre("name Low\npitch 50 100\nformant 0 100 100 100\nformant 2 100 100 100 -20\nroughness 3")
HIGH = read_timbre("name High\ngender female\npitch 200 400\nformant 2 200 100 100\n// echo 3 4\nklatt 4")


def test_remarks_and_names_are_left_out():
    assert read_timbre("language variant\n## about\n\nvoicing 120 // loud\nformant 1 2 3 4 5") == {
        "voicing": ("120",),
        "formant 1": ("2", "3", "4", "5"),
    }
    assert "gender" not in HIGH
    assert "echo" not in HIGH


def test_every_line_is_one_of_two_timbres():
    seen = set()
    for seed in range(300):
        found = read_timbre(blended(LOW, HIGH, np.random.default_rng(seed)))
        assert set(found) <= {*LOW, *HIGH}
        low, high = (float(value) for value in found["pitch"])
        assert high / low == pytest.approx(2, abs=0.05)
        assert 50 * PITCH[0] - 1 <= low <= 50 * PITCH[1] + 1 or 200 * PITCH[0] - 1 <= low <= 200 * PITCH[1] + 1
        formant = float(found["formant 2"][0])
        least, most = FORMANT[0] * TRACT[0], FORMANT[1] * TRACT[1]
        assert 100 * least - 1 <= formant <= 100 * most + 1 or 200 * least - 1 <= formant <= 200 * most + 1
        if formant < 150:
            assert found["formant 2"][3] == "-20"
        seen.add((low > 120, formant > 150, "klatt" in found, "roughness" in found))
    assert len(seen) == 16


def test_all_formants_move_together_as_a_tract_does():
    timbre = {f"formant {k}": ("1000", "100", "100") for k in range(5)}
    moved = [read_timbre(blended(timbre, timbre, np.random.default_rng(seed))) for seed in range(200)]
    values = np.array([[float(own[f"formant {k}"][0]) for k in range(5)] for own in moved])
    together = np.corrcoef(values.T)
    assert together[1:, 1:].min() > 0.7
    assert abs(together[0, 1:]).max() < 0.25


def test_espeak_speaks_with_a_blend():
    pytest.importorskip("espeakng_loader")
    from otoscope.signal.synthesis import synthesize

    with blended_timbres(("f2", "m1"), 3, seed=1) as (data, names):
        assert len(set(names)) == 3
        texts = [(Path(data) / "voices" / "!v" / name).read_text("utf-8") for name in names]
        said = [synthesize("bat", voice=f"gmw/en-US+{name}", data=data) for name in names]
        same = synthesize("bat", voice="gmw/en-US+f2", data=data)
        with pytest.raises(UnknownName, match="Alicia"):
            synthesize("bat", voice="gmw/en-US+Alicia", data=data)
    assert not Path(data).exists()
    assert len(set(texts)) == 3
    assert [[i.label for i in one.phones] for one in said] == [["b", "'a", "t"]] * 3
    assert len({one.recording.samples.tobytes() for one in said}) == 3
    np.testing.assert_array_equal(same.recording.samples, synthesize("bat", voice="gmw/en-US+f2").recording.samples)
    with blended_timbres(("f2", "m1"), 3, seed=1) as (data, names):
        assert [(Path(data) / "voices" / "!v" / name).read_text("utf-8") for name in names] == texts


def test_espeak_finds_only_so_many():
    pytest.importorskip("espeakng_loader")
    with pytest.raises(BadInput, match=str(MOST)), blended_timbres(("f2",), MOST, seed=0):
        pass
