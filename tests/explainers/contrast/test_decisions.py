"""Maps of decisions: toys whose borders are known, triangles, speckle, and how they are drawn."""

import numpy as np
import pytest
import soundfile

from otoscope.core import BadInput, DoesNotFit, Panel, Recording, Segment, UnknownName
from otoscope.explainers.contrast import Plane, between, changes, decision_regions, map_decisions, vowel_plane
from otoscope.explainers.contrast.courses import anchors_of, onto
from otoscope.explainers.contrast.decisions import speckled_share
from otoscope.signal.vowels import steady_vowel
from otoscope.testing.hearing import score_each, toy_provenance, toy_trace
from otoscope.testing.listening import BestOfRecognizer
from otoscope.views.drawing_regions import borders
from otoscope.views.figures import figure


def levels_plane(n=9):
    """Two stretches whose levels are the coordinates."""

    def make(x, y):
        return Recording(np.repeat([x, y], 800).astype(np.float32), 1600)

    side = np.linspace(0.1, 0.9, n)
    return Plane("levels", "first", "second", "Made of two levels.", side, side, make)


@pytest.fixture
def chooser():
    halves = Segment(0, 0.5), Segment(0.5, 1)
    return BestOfRecognizer(halves, {"left": (2, 0), "right": (0, 2)})


def test_the_border_lies_where_two_scores_are_equal(chooser):
    found = map_decisions(chooser, levels_plane())
    panel = found.panels[0]
    labels, grid, margin = (panel.data[name] for name in ("labels", "grid", "margin"))
    x, y = np.meshgrid(panel.data["x"], panel.data["y"])
    off = x != y
    assert ((np.array(labels)[grid] == "left") == (x > y))[off].all()
    assert margin[off] == pytest.approx(np.abs(x**2 - y**2)[off], abs=1e-5)
    assert sum(row["share"] for row in found.table) == pytest.approx(1)
    assert found.passed


def test_a_closed_set_needs_no_decoding(chooser):
    class Dumb:
        name, provenance = chooser.name, chooser.provenance
        score = chooser.score

        def trace(self, recording, *, record=()):
            raise AssertionError("a closed set was decoded")

    forced = map_decisions(Dumb(), levels_plane(), labels=["left", "right"]).panels[0].data
    heard = map_decisions(chooser, levels_plane()).panels[0].data
    names = [np.array(data["labels"])[data["grid"]] for data in (forced, heard)]
    x, y = np.meshgrid(heard["x"], heard["y"])
    assert (names[0] == names[1])[x != y].all()


def test_a_text_that_does_not_fit_a_sound_wins_nowhere_there(chooser):
    class Narrow:
        name, provenance, trace = chooser.name, chooser.provenance, chooser.trace

        def score(self, recordings, targets, *, progress=None):
            refused = [t.label for t in targets if t.label == "left"]
            if refused and any(r.samples[0] > 0.5 for r in recordings):
                raise DoesNotFit("'left' needs more frames")
            return chooser.score(recordings, targets)

    found = map_decisions(Narrow(), levels_plane(), labels=["left", "right"]).panels[0].data
    free = map_decisions(chooser, levels_plane(), labels=["left", "right"]).panels[0].data
    names = np.array(found["labels"])[found["grid"]]
    loud = np.meshgrid(found["x"], found["y"])[0] > 0.5
    assert (names[loud] == "right").all()
    assert np.isnan(found["margin"][loud]).all()
    np.testing.assert_array_equal(found["margin"][~loud], free["margin"][~loud])
    nobody = map_decisions(Narrow(), levels_plane(), labels=["left"]).panels[0].data
    assert (np.array(nobody["labels"])[nobody["grid"]][loud] == "(nothing)").all()


def test_a_triangle_has_its_recordings_at_the_corners_and_nothing_outside():
    vowels = [steady_vowel(300, 2300, duration_s=0.2), steady_vowel(700, 1200, duration_s=0.25),
              steady_vowel(320, 900, duration_s=0.2)]  # fmt: skip
    plane = between(vowels, ["i", "a", "u"], n=5)
    assert plane.make(0.0, 0.0) is vowels[0]
    assert plane.make(1.0, 0.0) is vowels[1]
    assert plane.make(0.5, 1.0) is vowels[2]
    assert plane.make(0.0, 1.0) is None
    assert plane.make(0.5, 0.0).n_samples == 3600
    with pytest.raises(BadInput, match="three of them"):
        between(vowels[:2], ["i", "a"])


def test_recordings_are_tied_where_they_sound_alike():
    parts = [steady_vowel(300, 2300, duration_s=0.3).samples, steady_vowel(700, 1200, duration_s=0.3).samples]
    short = Recording(np.concatenate([parts[0][:1600], parts[1]]), 16000)
    long = Recording(np.concatenate([parts[0], parts[1]]), 16000)
    anchors = anchors_of([long, short])
    border = np.interp(0.3, anchors[:, 0], anchors[:, 1])
    assert border == pytest.approx(0.1, abs=0.05)
    assert (np.diff(anchors, axis=0) >= 0).all()
    assert onto(short, long).n_samples == long.n_samples
    assert np.interp(0.3, *anchors_of([long, short], course="linear").T) == pytest.approx(0.2)


def test_planes_of_changes(chooser):
    vowel = steady_vowel(500, 1500, duration_s=0.3)
    plane = changes(vowel, ("tempo", "pitch"), n=5)
    assert plane.make(0.5, 0.0).n_samples == 9600
    assert plane.points[0]["x"] == 1.0
    morph = changes(vowel, ("morph", "level"), other=steady_vowel(300, 2300), n=3)
    assert np.array_equal(morph.make(0.0, 0.0).samples, vowel.samples)
    with pytest.raises(BadInput, match="another recording"):
        changes(vowel, ("morph", "snr"))
    with pytest.raises(UnknownName, match="dimension"):
        changes(vowel, ("pitsch", "snr"))
    with pytest.raises(BadInput, match="two different"):
        changes(vowel, ("snr", "snr"))
    with pytest.raises(BadInput, match="do not span"):
        decision_regions(chooser, vowel, others=[vowel, vowel], axes=("snr", "pitch"), n=3)


def test_the_vowel_plane_leaves_out_what_no_mouth_makes():
    plane = vowel_plane(n=7)
    assert plane.make(700.0, 850.0) is None
    assert plane.make(2300.0, 300.0).duration_s == pytest.approx(0.3)
    assert plane.x[0] > plane.x[-1]
    assert plane.y[0] > plane.y[-1]


class Fickle:
    """Hears something else at every sound, or nothing."""

    name = "toy-fickle"

    def __init__(self, silent):
        self.silent = silent
        self.provenance = toy_provenance(self.name, silent)

    def trace(self, recording, *, record=()):
        from otoscope.core import Interval

        which = int(recording.digest[:4], 16)
        if which % 10 < self.silent:
            return toy_trace(self.provenance, recording, ())
        return toy_trace(self.provenance, recording, (Interval(0, recording.duration_s, "abcdefg"[which % 7]),))

    def score(self, recordings, targets, *, progress=None):
        return score_each(lambda rec: lambda word: 0.0, recordings, targets, progress)


def test_speckle_and_silence_are_told():
    speckled = map_decisions(Fickle(0), levels_plane())
    assert any("finer than the grid" in failure for failure in speckled.failures)
    silent = map_decisions(Fickle(9), levels_plane())
    assert any("nothing is heard" in failure for failure in silent.failures)
    assert silent.panels[0].warning
    assert speckled_share(np.zeros((3, 3), dtype=int)) == 0
    figure(speckled.panels[0])


def test_regions_are_drawn_with_borders_and_names(chooser, tmp_path):
    panel = map_decisions(chooser, levels_plane()).panels[0]
    assert isinstance(panel, Panel)
    ax = figure(panel).axes[0]
    assert {text.get_text() for text in ax.texts} >= {"left", "right"}
    lines = borders(panel.data["grid"])
    assert len(lines) == 16
    assert all(abs(a - b) + abs(c - d) == 1 for (a, c), (b, d) in lines)


def test_sentences_that_share_most_of_their_words_are_one_region():
    class Sentences:
        name, provenance, score = "toy-sentences", toy_provenance("toy-sentences", 0), Fickle(0).score

        def trace(self, recording, *, record=()):
            from otoscope.core import Interval

            x, y = recording.samples[0], recording.samples[-1]
            said = ("up", "the", "old", "stairs") if x > 0.5 else ("quite", "another")
            said = (*said[:-1], f"word{y:.1f}") if x > 0.7 else said
            places = tuple(Interval(i * 0.1, i * 0.1 + 0.1, word) for i, word in enumerate(said))
            return toy_trace(self.provenance, recording, places)

    found = map_decisions(Sentences(), levels_plane(), known=["up the old stairs"])
    rows = {row["text"]: row for row in found.table}
    assert set(rows) == {"up the old stairs", "quite another"}
    assert rows["up the old stairs"]["n_texts"] > 2
    assert "counts as the one shown" in found.panels[0].caption


def test_recordings_are_marked_on_the_map_where_the_plane_ends_before_them(chooser):
    first, second = (Recording(np.repeat(each, 800).astype(np.float32), 1600) for each in ((0.8, 0.1), (0.1, 0.8)))
    points = decision_regions(chooser, first, others=[second], n=3).panels[0].data["points"]
    assert [(point["label"], point["x"], point["y"]) for point in points] == [("left", 0.0, 30.0), ("right", 1.0, 30.0)]


def test_other_recordings_may_be_paths(chooser, tmp_path):
    sound = Recording(np.repeat([0.5, 0.2], 800).astype(np.float32), 1600)
    soundfile.write(tmp_path / "other.wav", np.repeat([0.2, 0.6], 800), 1600, subtype="FLOAT")
    other = tmp_path / "other.wav"
    one, two = (decision_regions(chooser, sound, others=[each], n=2).table for each in (other, str(other)))
    assert one == two


def test_scores_that_are_no_numbers_are_refused_and_a_plane_without_sounds(chooser):
    class Broken:
        name, provenance, trace = chooser.name, chooser.provenance, chooser.trace

        def score(self, recordings, targets, *, progress=None):
            return np.full((len(recordings), len(targets)), np.nan)

    with pytest.raises(BadInput, match="NaN"):
        map_decisions(Broken(), levels_plane(3), labels=["left", "right"])
    side = np.linspace(0, 1, 3)
    for labels in (None, ["left", "right"]):
        with pytest.raises(BadInput, match="no sounds"):
            map_decisions(chooser, Plane("empty", "x", "y", "None.", side, side, lambda x, y: None), labels=labels)
