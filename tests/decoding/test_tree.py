"""The tree decoder against every word sequence there is, in small worlds."""

from __future__ import annotations

import math
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tree_cases import CONTEXTS, TOPOLOGIES, random_world
from tree_oracle import TableModels

from otoscope.core import BadFormat, BadInput, UnknownName
from otoscope.decoding.tree import DecodingGraph, HmmState, TreeDecoder, build_graph, run

LONGEST = 3
LOOP = HmmState(0, math.log(0.5), math.log(0.5))


@pytest.mark.parametrize("context", CONTEXTS)
@pytest.mark.parametrize("topology", TOPOLOGIES)
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 6))])
def test_finds_the_best_of_all_word_sequences(seed, topology, context):
    world = random_world(seed, context=context, topology=topology)
    best = max((world.exact_with_lm(words), words) for words in world.sequences(LONGEST))
    found = world.decoder().decode(world.scores)
    words = tuple(word.word for word in found.words)
    assert found.complete
    assert found.log_score == pytest.approx(world.exact_with_lm(words), abs=1e-4)
    assert found.log_score >= best[0] - 1e-4
    if len(words) <= LONGEST:
        assert found.log_score == pytest.approx(best[0], abs=1e-4)


@pytest.mark.parametrize("context", CONTEXTS)
@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_words_found_in_longer_recordings_have_their_exact_score(topology, context):
    """More word boundaries than all sequences could be tried for: context across them must be exact."""
    for seed in range(3):
        world = random_world(seed, context=context, topology=topology, n_frames=14)
        found = world.decoder().decode(world.scores)
        words = tuple(word.word for word in found.words)
        assert found.log_score == pytest.approx(world.exact_with_lm(words), abs=1e-4)


@pytest.mark.parametrize("context", CONTEXTS)
def test_chunks_give_what_the_whole_gives(context):
    world = random_world(7, context=context, topology="hmm", n_frames=30)
    decoder = world.decoder(beam=12.0)
    whole, lattice = decoder.decode(world.scores), decoder.lattice(world.scores)
    stream = decoder.start()
    for begin, end in ((0, 0), (0, 1), (1, 2), (2, 17), (17, 30)):
        stream.advance(world.scores[begin:end])
        assert not stream.partial().complete
    assert stream.n_frames == 30
    assert stream.best() == whole
    assert stream.finish() == lattice


def test_parts_of_a_path_add_up_and_words_follow_one_another():
    world = random_world(3, context=(True, True), topology="hmm", n_frames=40)
    lattice = world.decoder().lattice(world.scores)
    best = lattice.best()
    assert best.words
    assert all(0 <= w.start_frame < w.end_frame <= 40 for w in best.words)
    assert all(a.end_frame <= b.start_frame for a, b in zip(best.words, best.words[1:], strict=False))
    assert best.log_score == pytest.approx(world.decoder().decode(world.scores).log_score)


def test_running_out_of_room_changes_nothing(monkeypatch):
    world = random_world(5, context=(True, True), topology="skip", n_frames=25)
    expected = world.decoder().lattice(world.scores)
    monkeypatch.setattr(run, "_FIRST_TOKENS", 4)
    monkeypatch.setattr(run, "_FIRST_ARCS", 2)
    assert world.decoder().lattice(world.scores) == expected


def test_a_narrow_beam_finds_what_stands_out():
    world = random_world(11, context=(True, False), topology="hmm", n_frames=20)
    sharp = replace(world, scores=world.scores * 20)
    wide, narrow = sharp.decoder(), sharp.decoder(beam=60.0, max_active=40)
    assert narrow.decode(sharp.scores) == wide.decode(sharp.scores)
    few, many = narrow.start(), wide.start()
    few.advance(sharp.scores)
    many.advance(sharp.scores)
    assert few.n_active < many.n_active


def test_max_active_bounds_the_tokens_carried_on():
    world = random_world(2, context=(True, True), topology="hmm", n_frames=20)
    counts = []
    for max_active in (5, 50, 10**6):
        decoding = world.decoder(max_active=max_active).start()
        decoding.advance(world.scores)
        counts.append(decoding.n_active)
    assert counts[0] < counts[1] < counts[2]


@pytest.mark.parametrize("n_frames", [0, 1, 2])
def test_few_frames_give_an_honest_result(n_frames):
    world = random_world(0, context=(True, True), topology="hmm", n_frames=n_frames)
    found = world.decoder().decode(world.scores)
    best = max(world.exact_with_lm(words) for words in world.sequences(1))
    assert found.complete == (best > -math.inf)
    assert world.decoder().lattice(world.scores).best().words == found.words
    if found.complete:
        assert found.log_score == pytest.approx(best, abs=1e-4)


def test_an_unfinished_word_is_no_complete_result():
    models = TableModels(("A",), (False, False), {(None, "A", None): (LOOP,) * 3, (None, "sil", None): (LOOP,)})
    world = replace(random_world(0, context=(False, False), topology="hmm"), models=models, lexicon={"u": (("A",),)})
    world = replace(world, log_silence=-math.inf, log_variants={"u": [0.0]}, scores=np.zeros((5, 6), np.float32))
    found = world.decoder().decode(world.scores)
    assert found.complete
    assert [w.word for w in found.words] == ["u"]
    cut = world.decoder().decode(world.scores[:2])
    assert not cut.complete
    assert cut.words == ()


def test_scores_that_rule_everything_out_end_the_search_where_they_do():
    world = random_world(0, context=(False, False), topology="hmm", n_frames=12)
    dead = world.scores.copy()
    dead[9] = -np.inf
    found = world.decoder().decode(dead)
    assert not found.complete
    assert found.n_frames == 9
    assert not world.decoder().lattice(dead).complete


def test_silence_can_be_forbidden_and_required():
    world = random_world(4, context=(False, False), topology="one", n_frames=6)
    loud = world.scores.copy()
    loud[:, 0] = 50.0  # column 0 is silence
    never, always = replace(world, log_silence=-math.inf), replace(world, log_silence=0.0)
    assert never.decoder().decode(loud).words
    found = always.decoder().lattice(world.scores)
    assert found.best().words[0].start_frame > 0
    assert found.best().words[-1].end_frame < 6


def test_a_graph_travels(tmp_path: Path):
    world = random_world(1, context=(True, True), topology="ctc")
    graph = world.decoder().graph
    graph.save(tmp_path / "graph.npz")
    assert DecodingGraph.load(tmp_path / "graph.npz") == graph
    assert pickle.loads(pickle.dumps(graph)) == graph
    np.savez(tmp_path / "other.npz", words=np.zeros(1))
    with pytest.raises(BadFormat, match="no decoding graph: it lacks column"):
        DecodingGraph.load(tmp_path / "other.npz")


def test_states_are_shared_where_context_does_not_matter():
    """One word of three phones, three states each, and a silence of one: no copies without context."""
    lexicon = {"u": (("A", "B", "C"),), "v": (("A", "B", "B"),), "w": (("A", "B", "C"),)}
    mono = random_world(0, context=(False, False), topology="hmm")
    graph = build_graph(lexicon, mono.models)
    assert graph.n_nodes == 3 * 4 + 1
    assert sorted(graph.set_word.tolist()) == [0, 1, 2]
    assert graph.n_roots == 2  # after words and at the start; after silence
    assert np.all(graph.arc_next[: graph.arc_start[graph.n_nodes]] > _owners(graph))


def _owners(graph: DecodingGraph) -> np.ndarray:
    return np.repeat(np.arange(graph.n_nodes), np.diff(graph.arc_start[: graph.n_nodes + 1]))


def test_bad_input_is_refused():
    world = random_world(0, context=(False, False), topology="hmm")
    decoder = world.decoder()
    with pytest.raises(BadInput, match=r"at least \d columns"):
        decoder.decode(world.scores[:, :3])
    with pytest.raises(BadInput, match=r"NaN or \+inf"):
        decoder.decode(np.full_like(world.scores, np.nan))
    with pytest.raises(BadInput, match="one word at least"):
        build_graph({}, world.models)
    with pytest.raises(BadInput, match="must be a log probability"):
        build_graph(world.lexicon, world.models, silence_log_prob=0.5)
    with pytest.raises(UnknownName, match="unknown phone in 'z' 'Q'"):
        build_graph({"z": (("A", "Q"),)}, world.models)
    with pytest.raises(BadInput, match="one phone at least"):
        build_graph({"z": ((),)}, world.models)
    with pytest.raises(BadInput, match="beam, max_active, acoustic_scale above 0"):
        TreeDecoder(decoder.graph, world.lm, beam=0.0)
    with pytest.raises(BadInput, match="1 words of the lexicon are not in the language model"):
        TreeDecoder(build_graph({"z": (("A",),)}, world.models), world.lm)
    silent = HmmState(0, 0.0, 0.0, 0.0)
    models = replace(world.models, table={**world.models.table, (None, "A", None): (silent,)})
    with pytest.raises(BadInput, match="one state that cannot be skipped"):
        build_graph({"z": (("A",),)}, models)
    done = decoder.start()
    done.finish()
    with pytest.raises(BadInput, match="is finished"):
        done.advance(world.scores)
