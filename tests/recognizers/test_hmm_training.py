"""Training of hidden Markov models: chains, flat start, Baum-Welch, tied triphones, LDA, MLLT, fMLLR."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hmmlearn.hmm import GaussianHMM
from scipy.special import logsumexp
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from otoscope.core import BadInput, DoesNotFit
from otoscope.decoding.gaussians import Mixtures, Occupancy, single_gaussians
from otoscope.recognizers.hmm import estimation
from otoscope.recognizers.hmm.adaptation import LEAST_FRAMES, apply, fmllr
from otoscope.recognizers.hmm.chains import SILENCE_LOG
from otoscope.recognizers.hmm.estimation import Schedule, count, grown, train, variance_floor
from otoscope.recognizers.hmm.examples import Examples, Spoken
from otoscope.recognizers.hmm.features import FrameTransform, FrontEnd, with_differences
from otoscope.recognizers.hmm.flat_start import flat_model
from otoscope.recognizers.hmm.model import HmmModel
from otoscope.recognizers.hmm.topology import SILENCE, UntiedStates
from otoscope.recognizers.hmm.transforms import lda, mllt
from otoscope.recognizers.hmm.tree_clustering import TreePlan, context_statistics, gaussian_log_likelihood, grow

TYING = UntiedStates({SILENCE: 1, "AA": 2, "T": 1})


def spoken_examples(seed: int = 0, n_utterances: int = 12) -> Examples:
    """Utterances of two units and silences whose frames lie about centres of their own."""
    rng = np.random.default_rng(seed)
    centres = {SILENCE: [-4.0, 0.0], "AA": [2.0, 3.0], "T": [3.0, -3.0]}
    frames, spoken, lengths = [], [], []
    for _ in range(n_utterances):
        words = [str(rng.choice(["AA", "T"])) for _ in range(rng.integers(2, 5))]
        row = [SILENCE, *itertools.chain.from_iterable((w, SILENCE) if rng.random() < 0.5 else (w,) for w in words)]
        units = [unit for unit in row for _ in range(rng.integers(6, 12))]
        frames.append(np.array([centres[u] for u in units]) + rng.normal(size=(len(units), 2)))
        spoken.append(Spoken.of_words(words, {"AA": [("AA",)], "T": [("T",)]}))
        lengths.append(len(units))
    n = n_utterances
    return Examples(
        np.concatenate(frames).astype(np.float32),
        np.concatenate([[0], np.cumsum(lengths)]),
        tuple(f"u{i}" for i in range(n)),
        ((),) * n,
        ("s",) * n,
        tuple(spoken),
    )


def test_chain_sums_and_best_path_are_those_of_all_paths() -> None:
    rng = np.random.default_rng(1)
    scores, log_loop = rng.normal(size=(7, 4)).astype(np.float32), np.log(rng.uniform(0.2, 0.8, 4))
    chain = Spoken.of_words(["a", "b"], {"a": [("AA",)], "b": [("T",)]}).chain(TYING)
    assert chain.columns.tolist() == [0, 1, 2, 0, 3, 0]
    totals: dict[tuple[int, ...], float] = {}
    for kept in itertools.product([False, True], repeat=3):
        silences = dict(zip((0, 3, 5), kept, strict=True))
        states = [s for s in range(6) if silences.get(s, True)]
        for cuts in itertools.combinations(range(1, 7), len(states) - 1):
            path = np.repeat(states, np.diff([0, *cuts, 7]))
            loops = log_loop[chain.columns]
            total = float(scores[np.arange(7), chain.columns[path]].sum()) + 3 * SILENCE_LOG
            for before, after in itertools.pairwise(path):
                total += loops[before] if before == after else np.log1p(-np.exp(loops[before]))
            totals[tuple(path)] = total + np.log1p(-np.exp(loops[path[-1]]))
    posteriors, log_likelihood = chain.posteriors(scores, log_loop)
    assert log_likelihood == pytest.approx(logsumexp(list(totals.values())), abs=1e-4)
    best = max(totals, key=lambda path: totals[path])
    path, score = chain.best_path(scores, log_loop)
    assert tuple(path) == best
    assert score == pytest.approx(totals[best], abs=1e-4)
    shares = np.zeros((7, 6))
    for states_of, total in totals.items():
        shares[np.arange(7), list(states_of)] += np.exp(total - log_likelihood)
    np.testing.assert_allclose(posteriors, shares, atol=1e-5)


def test_too_few_frames_do_not_fit() -> None:
    chain = Spoken.of_words(["a"], {"a": [("AA", "T")]}).chain(TYING)
    with pytest.raises(DoesNotFit, match="no state sequence of this model fits the emissions"):
        chain.best_path(np.zeros((2, 4), np.float32), np.full(4, np.log(0.5)))


@pytest.mark.parametrize("method", ["baum-welch", "viterbi"])
def test_training_never_lowers_the_likelihood_and_finds_the_units(method: str) -> None:
    examples = spoken_examples()
    model = flat_model(examples, FrontEnd(), TYING)
    _, history = train(model, examples, Schedule(8, 4, 1, method))  # type: ignore[arg-type]
    assert np.diff(history).min() > -1e-6
    trained, _ = train(model, examples, Schedule(10, 8, 2, method))  # type: ignore[arg-type]
    means = {name: trained.mixtures.means[trained.mixtures.first[k], :2] for k, name in enumerate(trained.tying.names)}
    assert means["SIL.1"][0] < -2
    assert means["T.1"][1] < -1.5


def test_looking_near_an_earlier_path_finds_the_best_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths near the earlier one and no other are looked at; where the earlier one was wrong, the best is not found."""
    examples = spoken_examples(n_utterances=4)
    model, _ = train(flat_model(examples, FrontEnd(), TYING), examples, Schedule(4, 4, 1))
    frames = examples.frames(model.transform)
    whole = count(model, examples, frames)
    assert whole.chain_states is not None
    rng = np.random.default_rng(2)
    moved = np.clip(whole.chain_states + rng.integers(-2, 3, len(frames)), 0, None)
    monkeypatch.setattr(estimation, "REACH", 2)
    monkeypatch.setattr(estimation, "N_NEAR", 3)
    near = count(model, examples, frames, near=moved)
    np.testing.assert_array_equal(near.chain_states, whole.chain_states)
    assert near.log_likelihood == pytest.approx(whole.log_likelihood, abs=1e-4)
    lost = np.full_like(whole.chain_states, -1)
    np.testing.assert_array_equal(count(model, examples, frames, near=lost).chain_states, whole.chain_states)
    far = np.zeros_like(whole.chain_states)
    with pytest.raises(BadInput, match="no utterance is long enough"):
        count(model, examples, frames, near=far)


def test_gaussians_are_split_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    examples = spoken_examples(n_utterances=20)
    model = flat_model(examples, FrontEnd(), TYING)
    frames = examples.frames(model.transform)
    seen: list[int] = []
    real = estimation.split
    monkeypatch.setattr(estimation, "split", lambda mixtures, sizes: seen.append(sizes.sum()) or real(mixtures, sizes))
    counts = count(model, examples, frames)
    assert grown(model, counts, frames, n_gaussians=16, n_passes=4).mixtures.n_gaussians == 16
    assert seen == [8, 12, 16, 16]
    seen.clear()
    grown(model, count(model, examples, frames, method="baum-welch"), frames, n_gaussians=16, n_passes=4)
    assert seen == [16]


def test_a_few_utterances_are_chosen_evenly() -> None:
    examples = spoken_examples(n_utterances=9)
    few = examples.evenly(len(examples.cepstra) // 3)
    assert few.ids == ("u0", "u4", "u8")
    np.testing.assert_array_equal(few.cepstra[few.span(1)], examples.cepstra[examples.span(4)])
    assert few.spoken[1] == examples.spoken[4]
    assert examples.evenly(10**9).ids == examples.ids
    assert examples.evenly(0).ids == ("u0",)


def test_a_baum_welch_step_is_that_of_hmmlearn() -> None:
    examples = spoken_examples(seed=3, n_utterances=6)
    rows = [Spoken.of_units(("AA", "T"))] * 6
    examples = examples.with_spoken(rows)
    model = flat_model(examples, FrontEnd(), UntiedStates({SILENCE: 1, "AA": 2, "T": 1}))
    frames = examples.frames(model.transform)
    counts = count(model, examples, frames, method="baum-welch")
    ours = grown(model, counts, frames, n_gaussians=0, n_passes=1)
    # hmmlearn has no way to end in the last state: an absorbing state with one frame of its own far away stands for it
    end = np.full((1, frames.shape[1]), 1e3)
    sequences = [np.vstack([frames[examples.span(i)], end]) for i in range(6)]
    theirs = GaussianHMM(4, "diag", init_params="", params="mct", n_iter=1, tol=0, covars_prior=0, covars_weight=0,
                         min_covar=0)  # fmt: skip
    loop = np.exp(model.log_loop[1:])
    theirs.startprob_ = np.array([1.0, 0, 0, 0])
    theirs.transmat_ = np.diag([*loop, 1.0]) + np.diag(1 - loop, 1)
    theirs.means_ = np.vstack([model.mixtures.means[1:], end])
    theirs.covars_ = np.vstack([model.mixtures.variances[1:], np.ones_like(end)])
    theirs.fit(np.vstack(sequences), [len(s) for s in sequences])
    np.testing.assert_allclose(ours.mixtures.means[1:], theirs.means_[:3], atol=2e-3)
    np.testing.assert_allclose(np.exp(ours.log_loop[1:]), np.diag(theirs.transmat_)[:3], atol=1e-4)


def test_variances_of_the_tree_are_gaussian_log_likelihoods() -> None:
    rng = np.random.default_rng(4)
    values = rng.normal(size=(50, 3))
    mean, variance = values.mean(0), values.var(0)
    direct = -0.5 * (np.log(2 * np.pi * variance) + (values - mean) ** 2 / variance).sum()
    found = gaussian_log_likelihood(np.array(50.0), values.sum(0), (values**2).sum(0), np.full(3, 1e-9))
    assert float(found) == pytest.approx(direct)


def test_the_tree_asks_what_matters_and_keeps_to_its_limits() -> None:
    """T after nasals differs from T elsewhere; what follows it does not matter."""
    rng = np.random.default_rng(5)
    labels, frames, label_of = [], [], []
    for left, right in itertools.product(["M", "N", "NG", "AA", "S", "P"], ["IY", "AA", "S"]):
        labels.append((left, "T", right, 0))
        own = rng.normal(size=(60, 2)) + ([6.0, 0.0] if left in ("M", "N", "NG") else [0.0, 0.0])
        frames.append(own)
        label_of += [len(labels) - 1] * 60
    values = np.concatenate(frames).astype(np.float32)
    statistics = context_statistics(values, labels, np.array(label_of))
    phones = ("M", "N", "NG", "AA", "S", "P", "IY", "T")
    floor = variance_floor(values)
    tied = grow(statistics, phones, TreePlan(n_leaves=100, least_gain=100, least_frames=50), floor=floor)
    root = tied.trees["T", 0][0]
    assert (root.side, root.members) == ("left", frozenset({"M", "N", "NG"}))
    assert tied.columns("N", "T", "S")[0] == tied.columns("NG", "T", "IY")[0] != tied.columns("P", "T", "S")[0]
    assert len(tied.names) == 3 + 3 * len(phones) + 1
    assert tied.names[tied.columns("NG", "T", "IY")[0]].startswith("T.1/")
    same = grow(statistics, phones, TreePlan(n_leaves=3 * len(phones)), floor=floor)
    assert len(same.names) == 3 + 3 * len(phones)
    shy = grow(statistics, phones, TreePlan(n_leaves=100, least_gain=100, least_frames=541), floor=floor)
    assert len(shy.names) == 3 + 3 * len(phones)
    with pytest.raises(BadInput, match="24 states of phones"):
        grow(statistics, phones, TreePlan(n_leaves=10), floor=floor)


def test_lda_spans_the_space_of_sklearns() -> None:
    rng = np.random.default_rng(6)
    classes = rng.integers(0, 5, 600)
    mixing = rng.normal(size=(8, 8))
    frames = ((rng.normal(size=(5, 8)) * 2)[classes] + rng.normal(size=(600, 8))) @ mixing
    found = lda(
        [(frames[:250].astype(np.float32), classes[:250]), (frames[250:].astype(np.float32), classes[250:])], 5, 3
    )
    theirs = LinearDiscriminantAnalysis(solver="eigen").fit(frames, classes).scalings_[:, :3].T
    for ours, other in zip(found, theirs, strict=True):
        cosine = abs(ours @ other) / np.linalg.norm(ours) / np.linalg.norm(other)
        assert cosine > 0.9999


def test_mllt_makes_correlated_dimensions_independent() -> None:
    rng = np.random.default_rng(7)
    classes = rng.integers(0, 4, 4000)
    mixing = np.array([[1.0, 0.8, 0.0], [0.0, 1.0, 0.5], [0.3, 0.0, 1.0]])
    sources = rng.normal(size=(4, 3))[classes] * 3 + rng.normal(size=(4000, 3)) * rng.uniform(0.3, 2, (4, 3))[classes]
    frames = (sources @ mixing.T).astype(np.float32)
    occupancy = Occupancy.of_path(classes, 4)
    mixtures, _ = single_gaussians(frames, occupancy, floor=np.full(3, 1e-6))
    square, objective = mllt(mixtures, frames, occupancy)
    assert np.diff(objective).min() > -1e-6
    assert abs(np.linalg.det(square)) == pytest.approx(1)
    product = np.abs(square @ mixing)
    product /= product.max(1, keepdims=True)
    assert np.sort(product, axis=1)[:, :2].max() < 0.1


def test_fmllr_undoes_a_speakers_map() -> None:
    rng = np.random.default_rng(8)
    mixtures = Mixtures(np.ones(12), rng.normal(size=(12, 4)) * 3, rng.uniform(0.3, 1, (12, 4)), np.arange(13))
    states = rng.integers(0, 12, 4000)
    plain = mixtures.means[states] + rng.normal(size=(4000, 4)) * np.sqrt(mixtures.variances[states])
    change, offset = np.eye(4) + rng.normal(size=(4, 4)) * 0.15, rng.normal(size=4)
    frames = (plain @ change.T + offset).astype(np.float32)
    rows, objective = fmllr(mixtures, frames, Occupancy.of_path(states, 12))
    assert np.diff(objective).min() > -1e-6
    np.testing.assert_allclose(rows[:, :-1] @ change, np.eye(4), atol=0.08)
    before = np.abs(frames - plain).mean()
    assert np.abs(apply(rows, frames) - plain).mean() < 0.1 * before


def test_fmllr_of_too_little_speech_changes_nothing() -> None:
    mixtures = Mixtures(np.ones(1), np.zeros((1, 2)), np.ones((1, 2)), np.arange(2))
    frames = np.ones((int(LEAST_FRAMES) - 1, 2), np.float32)
    rows, objective = fmllr(mixtures, frames, Occupancy.of_path(np.zeros(len(frames), int), 1))
    assert objective == []
    np.testing.assert_array_equal(apply(rows, frames), frames)


def test_a_model_of_unlike_parts_is_refused() -> None:
    mixtures = Mixtures(np.ones(2), np.zeros((2, 3)), np.ones((2, 3)), np.arange(3))
    with pytest.raises(BadInput, match="4 tied states need as many mixtures"):
        HmmModel(FrontEnd(), FrameTransform(), TYING, mixtures, np.full(4, -0.5))
    assert with_differences(np.zeros((0, 2), np.float32)).shape == (0, 6)
