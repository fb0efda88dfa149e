"""Why not, minimal regions and flips: exact answers of toys, brute force, exact lengths, honest failures."""

from itertools import combinations

import numpy as np
import pytest

from otoscope.core import BadInput, Interval, Recording, Segment, Target
from otoscope.explainers.contrast import (
    contrast_maps,
    flip,
    minimal_regions,
    nearest_words,
    rivals_of,
    smallest_flip,
    smallest_set,
    why_not,
)
from otoscope.explainers.contrast.ear import in_place
from otoscope.explainers.contrast.edits import SoundEdits, first_order_effects
from otoscope.explainers.contrast.known_answers import word_removed_by_fill
from otoscope.signal.masking import Masker
from otoscope.testing.listening import BestOfRecognizer


def smallest_by_force(n, goal):
    for size in range(n + 1):
        for members in combinations(range(n), size):
            mask = np.zeros(n, dtype=bool)
            mask[list(members)] = True
            if goal(mask):
                return size
    return None


@pytest.mark.parametrize("seed", range(12))
def test_the_smallest_set_is_that_of_brute_force_even_of_goals_that_are_not_monotone(seed):
    rng = np.random.default_rng(seed)
    weights, pairs = rng.normal(size=8), rng.normal(size=(8, 8))
    bar = rng.uniform(0.5, 4)

    def value(masks):
        return masks @ weights + np.einsum("ij,jk,ik->i", masks, pairs, masks)

    def goal(mask):
        return bool(value(mask[None].astype(float))[0] > bar)

    found = smallest_set(8, goal, lambda masks: value(masks.astype(float)))
    expected = smallest_by_force(8, goal)
    assert found.exact
    assert (None if found.members is None else len(found.members)) == expected
    assert found.members is None or goal(found.mask(8))


def test_a_guide_that_deceives_is_found_out_where_all_smaller_sets_are_tried():
    def goal(mask):
        return bool(mask[5] or mask[:4].all())

    astray = np.array([4.0, 3.0, 2.0, 1.0, 0.0, -9.0])
    found = smallest_set(6, goal, lambda masks: masks @ astray)
    assert found.members == (5,)
    assert found.exact
    believed = smallest_set(6, goal, lambda masks: masks @ astray, exact_up_to=5)
    assert believed.members == (0, 1, 2, 3)
    assert not believed.exact


def test_a_set_that_was_not_proved_says_so_and_cannot_spare_an_element():
    need = np.arange(20) % 3 == 0
    found = smallest_set(20, lambda mask: bool(mask[need].all()), lambda masks: (masks & need).sum(1).astype(float))
    assert not found.exact
    assert "20 parts" in found.note
    assert found.members == tuple(np.flatnonzero(need))
    short = smallest_set(10, lambda m: m.sum() >= 8, lambda masks: masks.sum(1).astype(float), max_tries=20)
    assert not short.exact
    assert "smaller sets" in short.note
    assert len(short.members) == 8


def test_the_empty_set_and_the_unreachable_goal():
    assert smallest_set(4, lambda mask: True, lambda masks: masks.sum(1)).members == ()
    never = smallest_set(4, lambda mask: False, lambda masks: masks.sum(1).astype(float))
    assert never.members is None
    assert never.exact
    assert never.n_tried == 16


def test_the_contrast_is_what_the_toy_was_made_with(toy, noise, stretches):
    maps = contrast_maps(toy, noise, "kick", "pick", segments=stretches, checks=False)
    energies = np.array([float((noise.samples[1600 * i : 1600 * i + 1600] ** 2).sum()) / 16000 for i in range(8)])
    exact = energies * (np.array(toy.weights["kick"]) - np.array(toy.weights["pick"]))
    assert maps[0].relevance == pytest.approx(exact, abs=0.1)  # ramps of 5 ms reach into the neighbours
    assert maps[0].relevance == pytest.approx(maps[1].relevance - maps[2].relevance, abs=1e-6)
    assert maps[0].target.rival == "pick"
    assert maps[2].target.label == "pick"


def test_why_not_finds_the_rival_by_itself_and_says_what_speaks_for_each(toy, noise, stretches):
    found = why_not(toy, noise, segments=stretches)
    assert "“kick” rather than “pick”" in found.summary
    assert found.passed
    best = max(found.table, key=lambda row: row["contrast"])
    worst = min(found.table, key=lambda row: row["contrast"])
    assert best["start_s"] == 0.0
    assert worst["start_s"] == pytest.approx(0.4)
    assert [panel.kind for panel in found.panels[:3]] == ["relevance"] * 3
    assert found.panels[-1].data["rows"][0][0] == "pick"
    assert found.provenance["difference_gap_nats"] < 1e-6


def test_a_rival_that_scores_better_is_a_failure(toy, noise, stretches):
    target = Target("word", "pick", Interval(0, 0.8, "pick"), 0, ("pick",))
    found = why_not(toy, noise, target, "kick", segments=stretches, checks=False)
    assert any("scores" in failure and "better" in failure for failure in found.failures)
    with pytest.raises(BadInput, match="another one as its rival"):
        why_not(toy, noise, "kick", "kick", segments=stretches)


def test_minimal_regions_are_those_of_brute_force(toy, noise, stretches):
    found = minimal_regions(toy, noise, segments=stretches)
    masker = Masker(noise, stretches)
    enough = smallest_by_force(8, lambda mask: toy.trace(masker(mask)).text == "kick")
    needed = smallest_by_force(8, lambda mask: toy.trace(masker(~mask)).text != "kick")
    sufficient, necessary = found.table
    assert (sufficient["n_parts"], necessary["n_parts"]) == (enough, needed)
    assert sufficient["exact"]
    assert necessary["exact"]
    assert found.passed
    assert sufficient["heard"] == "kick"
    assert necessary["heard"] in ("pick", "tick")
    for each in found.panels[-1].data["sounds"]:
        assert each["recording"].n_samples == noise.n_samples
    played = {each["label"].split(":")[0]: each["recording"] for each in found.panels[-1].data["sounds"]}
    assert toy.trace(played["only what is enough"]).text == "kick"


def test_a_word_heard_in_nothing_is_not_to_be_believed(noise, stretches):
    deaf = BestOfRecognizer(stretches, {"kick": (0,) * 8, "pick": (0,) * 8}, {"kick": 3.0})
    found = minimal_regions(deaf, noise, segments=stretches)
    assert any("heard with all parts filled" in failure for failure in found.failures)
    assert any("no necessary region" in failure for failure in found.failures)


@pytest.mark.parametrize("edit", ["attenuate", "silence"])
def test_a_flip_is_smallest_playable_and_heard(toy, noise, stretches, edit):
    found = smallest_flip(toy, noise, "kick", "pick", edit=edit, segments=stretches)
    masker = Masker(noise, stretches)
    expected = smallest_by_force(8, lambda mask: toy.trace(masker(~mask)).text == "pick")
    assert found.flipped
    assert found.found.exact
    assert len(found.members) == expected
    assert found.recording.n_samples == noise.n_samples
    assert toy.trace(found.recording).text == "pick"
    assert found.margin_before > 0 > found.margin_after
    if edit == "attenuate":
        less = SoundEdits(noise, stretches, edit="attenuate")(
            np.isin(np.arange(8), found.members), share=found.share - edge(found)
        )
        assert toy.trace(less).text == "kick"
        assert 0 < found.depth_db <= 60


def edge(found):
    """Two steps of the last bisection."""
    return 2 / 2**7


def test_a_flip_by_splicing_takes_the_sound_of_the_donor(stretches):
    samples = np.random.default_rng(1).normal(scale=0.05, size=12800).astype(np.float32)
    loud = samples.copy()
    loud[4800:8000] *= 4
    toy = BestOfRecognizer(stretches, {"kick": (0,) * 8, "pick": (0, 0, 0, 900, 900, 0, 0, 0)}, {"kick": 1.8})
    here = Recording(samples, 16000)
    assert toy.trace(here).text == "kick"
    found = smallest_flip(toy, here, "kick", "pick", edit="splice", donor=Recording(loud, 16000), segments=stretches)
    assert found.flipped
    assert found.members in ((3,), (4,))
    assert 0 < found.share < 1
    assert found.recording.n_samples == here.n_samples
    with pytest.raises(BadInput, match="donor"):
        smallest_flip(toy, here, "kick", "pick", edit="splice", segments=stretches)


def test_what_cannot_be_flipped_is_said(noise, stretches):
    firm = BestOfRecognizer(stretches, {"kick": (9,) * 8, "pick": (0,) * 8}, {"kick": 5.0})
    found = flip(firm, noise, "kick", "pick", segments=stretches)
    assert not found.passed
    assert not found.table[0]["flipped"]
    assert "no change of this kind" in found.failures[0]
    assert found.panels[0].warning


def test_any_flip_and_the_finding(toy, noise, stretches):
    found = flip(toy, noise, rival="any", segments=stretches, edit="silence")
    row = found.table[0]
    assert row["flipped"]
    assert row["heard"] in ("pick", "tick")
    assert row["n_samples"] == noise.n_samples
    sounds = [each["recording"] for each in found.panels[1].data["sounds"]]
    assert sounds[0].samples - sounds[1].samples == pytest.approx(sounds[2].samples, abs=1e-7)


def test_the_gradient_finds_the_parts_that_matter_among_many(noise):
    stretches = tuple(Segment(0.02 * i, 0.02 * i + 0.02) for i in range(40))
    weights = np.zeros(40)
    weights[[7, 21, 33]] = 5000
    toy = BestOfRecognizer(stretches, {"kick": weights, "pick": np.zeros(40)}, {"pick": 12.0})
    edits = SoundEdits(noise, stretches, edit="silence")
    target = Target("word", "kick", Interval(0, 0.8, "kick"), 0, ("kick",), "pick")
    effects = first_order_effects(toy, edits, target)
    assert set(np.argsort(effects)[:3]) == {7, 21, 33}
    found = smallest_flip(toy, noise, "kick", "pick", edit="silence", segments=stretches)
    assert found.shortlisted == "gradient"
    assert found.flipped
    assert set(found.members) <= {7, 21, 33}


def test_rivals_come_from_the_vocabulary_and_the_nearest_first(toy, noise):
    trace = toy.trace(noise)
    rivals = rivals_of(toy, trace, trace.target("kick"))
    assert [rival.word for rival in rivals] == ["pick", "tick"]
    assert rivals[0].margin < rivals[1].margin
    assert {rival.source for rival in rivals} == {"vocabulary"}


def test_rivals_that_cannot_be_written_are_left_out(toy, noise):
    class Open(type(toy)):
        vocabulary = None

    free = Open(toy.segments, toy.weights, toy.biases)
    rivals = rivals_of(free, free.trace(noise), free.trace(noise).target("kick"), n_nearest=40)
    assert {rival.word for rival in rivals} == {"pick", "tick"}
    assert {rival.source for rival in rivals} == {"pronunciation"}


def test_nearest_words_differ_in_one_phone_of_like_features():
    assert set(nearest_words("kick", ("pick", "tick", "music", "seven"), n_words=2)) == {"pick", "tick"}
    assert nearest_words("bear", ("bare", "pear", "seven"), n_words=1) == ("pear",)


def test_what_stands_in_a_words_place():
    target = Target("word", "two", Interval(0, 1, "two"), 1, ("one", "two", "three"))
    assert in_place(target, ("one", "two", "three")) == "two"
    assert in_place(target, ("one", "three")) == "(nothing)"
    assert in_place(target, ("one", "to", "do", "three")) == "to do"
    assert in_place(target, ("one", "uh", "two", "three")) == "two"


def test_a_word_removed_by_fill_leaves_the_clip_as_long_as_it_was():
    for check in word_removed_by_fill():
        assert check["got"] == pytest.approx(check["expected"], abs=check["tolerance"]), check["name"]
