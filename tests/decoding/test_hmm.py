"""Hidden Markov recursions against all state sequences, hmmlearn and each other."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hmmlearn.hmm import GaussianHMM
from scipy.special import gammaln, logsumexp
from scipy.stats import norm

from otoscope.core import BadInput, DoesNotFit
from otoscope.decoding.band_scaled import scaled_posteriors
from otoscope.decoding.band_sums import BandLattice, cell_posteriors, summed_posteriors
from otoscope.decoding.hmm import forward_backward, forward_backward_banded, viterbi, viterbi_banded


def log(values):
    with np.errstate(divide="ignore"):
        return np.log(values)


def random_model(rng, n_states):
    transitions = rng.dirichlet(np.ones(n_states), size=n_states)
    transitions[rng.random(transitions.shape) < 0.2] = 0.0
    return log(transitions), log(rng.dirichlet(np.ones(n_states)))


def every_path(emissions, transitions, initial, final):
    n_frames, n_states = emissions.shape
    for path in itertools.product(range(n_states), repeat=n_frames):
        score = initial[path[0]] + final[path[-1]] + sum(emissions[t, s] for t, s in enumerate(path))
        yield path, score + sum(transitions[a, b] for a, b in itertools.pairwise(path))


def square(band):
    """The transition matrix of a band, and where it starts and ends."""
    n_states, width = band.shape
    matrix = np.full((n_states, n_states), -np.inf)
    for s, k in itertools.product(range(n_states), range(width)):
        if s + k < n_states:
            matrix[s, s + k] = band[s, k]
    initial, final = np.full(n_states, -np.inf), np.full(n_states, -np.inf)
    initial[0] = final[-1] = 0.0
    return matrix, {"log_initial": initial, "log_final": final}


@pytest.mark.parametrize("with_final", [False, True])
def test_general_recursions_equal_sums_over_all_sequences(with_final):
    rng = np.random.default_rng(0)
    for _ in range(25):
        n_states = int(rng.integers(1, 4))
        emissions = rng.normal(size=(int(rng.integers(1, 6)), n_states)) * 3
        transitions, initial = random_model(rng, n_states)
        final = log(rng.dirichlet(np.ones(n_states))) if with_final else np.zeros(n_states)
        paths = list(every_path(emissions, transitions, initial, final))
        total = np.logaddexp.reduce([score for _, score in paths])
        given = {"log_initial": initial, "log_final": final if with_final else None}
        if total == -np.inf:
            with pytest.raises(DoesNotFit):
                viterbi(emissions, transitions, **given)
            continue
        best = viterbi(emissions, transitions, **given)
        assert best.log_score == pytest.approx(max(score for _, score in paths))
        assert dict(paths)[tuple(best.states.tolist())] == pytest.approx(best.log_score)
        expected = np.zeros(emissions.shape)
        for path, score in paths:
            expected[np.arange(len(path)), path] += np.exp(score - total)
        found = forward_backward(emissions, transitions, **given)
        assert found.log_likelihood == pytest.approx(total)
        assert found.posteriors == pytest.approx(expected, abs=1e-12)


def test_no_path_is_suboptimal_on_random_integer_lattices_with_ties():
    rng = np.random.default_rng(1)
    for _ in range(1500):
        width, n_states = int(rng.integers(2, 4)), int(rng.integers(1, 4))
        emissions = rng.integers(-2, 1, size=(int(rng.integers(n_states, 6)), n_states)).astype(float)
        band = rng.integers(-2, 1, size=(n_states, width)).astype(float)
        matrix, ends = square(band)
        best = max(score for _, score in every_path(emissions, matrix, ends["log_initial"], ends["log_final"]))
        assert viterbi_banded(emissions, band).log_score == best
        assert viterbi(emissions, matrix, **ends).log_score == best


def test_general_recursions_equal_hmmlearn():
    rng = np.random.default_rng(2)
    theirs = GaussianHMM(n_components=6, covariance_type="diag", implementation="log")
    theirs.startprob_ = rng.dirichlet(np.ones(6))
    theirs.transmat_ = rng.dirichlet(np.ones(6), size=6)
    variances = rng.random((6, 2)) + 0.5
    theirs.n_features, theirs.means_, theirs.covars_ = 2, rng.normal(size=(6, 2)), variances
    frames = rng.normal(size=(200, 2)) * 2
    emissions = norm.logpdf(frames[:, None], theirs.means_, np.sqrt(variances)).sum(axis=2)
    given = {"log_initial": np.log(theirs.startprob_)}
    transitions = np.log(theirs.transmat_)
    score, states = theirs.decode(frames)
    best = viterbi(emissions, transitions, **given)
    assert best.log_score == pytest.approx(score)
    assert best.states.tolist() == states.tolist()
    likelihood, posteriors = theirs.score_samples(frames)
    found = forward_backward(emissions, transitions, **given)
    assert found.log_likelihood == pytest.approx(likelihood)
    assert found.posteriors == pytest.approx(posteriors)


@pytest.mark.parametrize("width", [2, 3, 4])
@pytest.mark.parametrize("spread", [1.0, 30.0, 400.0])
def test_banded_equals_general_however_wild_the_emissions(width, spread):
    rng = np.random.default_rng(3)
    for n_frames, n_states in ((40, 12), (60, 59), (25, 1)):
        emissions = rng.normal(size=(n_frames, n_states)) * spread
        band = np.log(rng.dirichlet(np.ones(width), size=n_states))
        matrix, ends = square(band)
        one, other = viterbi_banded(emissions, band), viterbi(emissions, matrix, **ends)
        assert one.log_score == pytest.approx(other.log_score)
        assert one.states.tolist() == other.states.tolist()
        one, other = forward_backward_banded(emissions, band), forward_backward(emissions, matrix, **ends)
        assert one.log_likelihood == pytest.approx(other.log_likelihood, rel=1e-12)
        assert one.posteriors == pytest.approx(other.posteriors, abs=1e-9)
        assert one.posteriors.sum(axis=1) == pytest.approx(np.ones(n_frames))


def test_sound_that_does_not_fit_keeps_its_exact_likelihood():
    """Scaled probabilities underflow here: the only way to the end leads through the worst states."""
    emissions = np.zeros((300, 100))
    emissions[:, 1:] = -60.0
    band = np.log(np.full((100, 2), 0.5))
    expected = 299 * np.log(0.5) + sum_over_stays(300, 100, -60.0)
    assert forward_backward_banded(emissions, band).log_likelihood == pytest.approx(expected, rel=1e-12)


def sum_over_stays(n_frames, n_states, penalty):
    """Log sum over the frame at which state 0 is left, times the ways to place the other steps."""
    terms = []
    for left in range(1, n_frames - n_states + 2):
        rest = n_frames - left
        ways = gammaln(rest) - gammaln(n_states - 1) - gammaln(rest - n_states + 2)
        terms.append(ways + rest * penalty)
    return float(logsumexp(terms))


def test_forbidden_states_and_zero_transitions():
    emissions = np.zeros((4, 3))
    emissions[1, 1] = -np.inf
    band = np.array([[-1.0, -0.5], [-np.inf, -0.5], [-1.0, 0.0]])
    matrix, ends = square(band)
    assert viterbi_banded(emissions, band).states.tolist() == [0, 0, 1, 2]
    one, other = forward_backward_banded(emissions, band), forward_backward(emissions, matrix, **ends)
    assert one.posteriors == pytest.approx(other.posteriors)
    emissions[2, 1] = -np.inf
    for function in (viterbi_banded, forward_backward_banded):
        with pytest.raises(DoesNotFit, match="no state sequence"):
            function(emissions, band)
    emissions[:] = -np.inf
    with pytest.raises(DoesNotFit, match="no state sequence"):
        forward_backward_banded(emissions, band)


def test_ties_take_the_smallest_step_into_a_state():
    assert viterbi_banded(np.zeros((4, 2)), np.zeros((2, 2))).states.tolist() == [0, 1, 1, 1]


def test_float32_emissions_give_the_same_path():
    emissions = np.random.default_rng(4).normal(size=(50, 20)).astype(np.float32)
    band = np.log(np.full((20, 2), 0.5))
    one, other = viterbi_banded(emissions, band), viterbi_banded(emissions.astype(float), band)
    assert one == other
    assert forward_backward_banded(emissions, band).log_likelihood == pytest.approx(
        forward_backward_banded(emissions.astype(float), band).log_likelihood, rel=1e-6
    )


@pytest.mark.parametrize(
    ("emissions", "band", "error", "message"),
    [
        (np.zeros(4), np.zeros((2, 2)), BadInput, "n_frames, n_states"),
        (np.full((4, 2), np.nan), np.zeros((2, 2)), BadInput, "NaN"),
        (np.zeros((4, 2)), np.zeros((3, 2)), BadInput, r"shape \(2, 2\)"),
        (np.zeros((4, 2)), np.zeros(2), BadInput, "width"),
        (np.zeros((4, 2)), np.full((2, 2), np.inf), BadInput, "log_band holds NaN or"),
        (np.zeros((4, 6)), np.zeros((6, 2)), DoesNotFit, "6 states with steps of at most 1 do not fit 4 frames"),
    ],
)
def test_bad_input_is_named(emissions, band, error, message):
    for function in (viterbi_banded, forward_backward_banded):
        with pytest.raises(error, match=message):
            function(emissions, band)


def test_transitions_of_any_size_are_summed_exactly():
    rng = np.random.default_rng(5)
    emissions, band = rng.normal(size=(90, 7)) * 500, -500 * rng.random((7, 3))
    matrix, ends = square(band)
    one, other = forward_backward_banded(emissions, band), forward_backward(emissions, matrix, **ends)
    assert one.log_likelihood == pytest.approx(other.log_likelihood, rel=1e-12)
    assert one.posteriors == pytest.approx(other.posteriors, abs=1e-9)


def test_shapes_of_the_general_model_are_checked():
    with pytest.raises(BadInput, match=r"log_transitions must have shape \(2, 2\)"):
        viterbi(np.zeros((4, 2)), np.zeros((3, 3)), log_initial=np.zeros(2))
    with pytest.raises(BadInput, match=r"log_initial must have shape \(2,\)"):
        forward_backward(np.zeros((4, 2)), np.zeros((2, 2)), log_initial=np.zeros(3))


def reachable(n_frames, n_states, width):
    """Which states a path from the first state to the last can be in at each frame."""
    frames, states = np.arange(n_frames)[:, None], np.arange(n_states)
    behind, ahead = (width - 1) * frames, (width - 1) * (n_frames - 1 - frames)
    return (states <= behind) & (n_states - 1 - states <= ahead)


def test_many_frames_and_states_take_the_path_of_the_general_kernel_with_ties_and_bars():
    """Whole numbers make ties, which the smallest step wins; the general kernel finds the same score."""
    rng = np.random.default_rng(6)
    for n_frames, n_states in [(1, 1), (2, 2), (5, 5), (6, 2), (7, 3), (8, 8), (9, 1), (37, 30), (64, 40), (67, 67)]:
        for width in (2, 3):
            emissions = rng.integers(-3, 1, size=(n_frames, n_states)).astype(float)
            emissions[rng.random(emissions.shape) < 0.05] = -np.inf
            band = rng.integers(-2, 1, size=(n_states, width)).astype(float)
            matrix, ends = square(band)
            if viterbi_or_none(emissions, matrix, ends) is None:
                with pytest.raises(DoesNotFit, match="no state sequence"):
                    viterbi_banded(emissions, band)
                continue
            found = viterbi_banded(emissions, band)
            assert found.log_score == viterbi_or_none(emissions, matrix, ends)
            assert found.states.tolist() == smallest_steps(emissions, band)


def viterbi_or_none(emissions, matrix, ends):
    try:
        return viterbi(emissions, matrix, **ends).log_score
    except DoesNotFit:
        return None


def smallest_steps(emissions, band):
    """The path of the smallest step into each state, one cell at a time."""
    n_frames, n_states = emissions.shape
    scores, steps = np.full((n_frames, n_states), -np.inf), np.zeros((n_frames, n_states), dtype=int)
    scores[0, 0] = emissions[0, 0]
    for t, s in itertools.product(range(1, n_frames), range(n_states)):
        coming = [scores[t - 1, s - k] + band[s - k, k] for k in range(min(band.shape[1], s + 1))]
        steps[t, s] = int(np.argmax(coming))
        scores[t, s] = max(coming) + emissions[t, s]
    states = [n_states - 1]
    for t in range(n_frames - 1, 0, -1):
        states.append(states[-1] - int(steps[t, states[-1]]))
    return states[::-1]


@pytest.mark.parametrize("width", [2, 3])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_no_score_is_found_in_every_cell_that_a_path_can_pass(width, bad):
    band, shape = np.log(np.full((5, width), 1 / width)), (11, 5)
    band[2, 0] = -np.inf
    for t, s in zip(*np.nonzero(reachable(*shape, width)), strict=True):
        emissions = np.zeros(shape)
        emissions[-1, :-1] = -np.inf
        emissions[t, s] = bad
        with pytest.raises(BadInput, match="NaN or"):
            viterbi_banded(emissions, band)


@pytest.mark.parametrize("width", [2, 3])
def test_states_that_no_path_can_be_in_change_nothing(width):
    rng = np.random.default_rng(7)
    emissions, band = rng.normal(size=(30, 18)), np.log(rng.dirichlet(np.ones(width), size=18))
    expected = viterbi_banded(emissions, band)
    outside = ~reachable(30, 18, width)
    assert outside.any()
    for value in (1e6, -1e6, -np.inf):
        emissions[outside] = value
        assert viterbi_banded(emissions, band) == expected
        assert forward_backward_banded(emissions, band).log_likelihood == pytest.approx(
            forward_backward(emissions, square(band)[0], **square(band)[1]).log_likelihood, rel=1e-12
        )


def random_lattice(rng, spread):
    n_states, width = int(rng.integers(1, 40)), int(rng.integers(1, 5))
    n_start, n_end = int(rng.integers(1, min(3, n_states) + 1)), int(rng.integers(1, min(3, n_states) + 1))
    if width == 1:
        n_start = n_states
    n_frames = 2 + (n_states - 1) // max(1, width - 1) + int(rng.integers(0, 60))
    emissions = rng.normal(size=(n_frames, n_states)) * spread
    emissions[rng.random(emissions.shape) < 0.05] = -np.inf
    into = log(rng.dirichlet(np.ones(width), size=n_states).T)
    into[rng.random(into.shape) < 0.1] = -np.inf
    for k in range(min(width, n_states)):
        into[k, :k] = -np.inf
    start = np.full(n_states, -np.inf)
    start[:n_start] = rng.normal(size=n_start)
    return BandLattice(emissions, into, start, n_end)


def test_scaled_probabilities_are_sums_of_logs_or_say_that_they_cannot_tell():
    rng = np.random.default_rng(8)
    told = {True: 0, False: 0}
    for _ in range(300):
        lattice = random_lattice(rng, float(rng.choice([1.0, 10.0, 60.0, 400.0])))
        total, shares = summed_posteriors(lattice)
        scaled = scaled_posteriors(lattice.emissions, lattice.into, lattice.start, lattice.n_end)
        told[scaled is not None] += 1
        found = cell_posteriors(lattice)
        if total == -np.inf:
            assert scaled is None
            assert found[0] == -np.inf
            assert not found[1].any()
            continue
        assert found[0] == pytest.approx(total, rel=1e-12, abs=1e-10)
        np.testing.assert_allclose(found[1], shares, rtol=0, atol=1e-10)
    assert min(told.values()) > 30


def test_a_path_that_looks_hopeless_from_both_ends_is_not_lost():
    """State 1 pays early and late for what it earns in between; no path enters it later or leaves it earlier.

    No scaled number holds that: where it falls out of range, state 2 looks like all there is, from either end.
    """
    emissions = np.zeros((300, 4))
    emissions[:, 1], emissions[100:200, 1], emissions[:, 2] = -15.0, 40.0, -1.0
    band = np.log(np.full((4, 3), 1 / 3))
    band[[0, 1, 3], [0, 1, 0]] = -np.inf
    matrix, ends = square(band)
    expected = forward_backward(emissions, matrix, **ends)
    found = forward_backward_banded(emissions, band)
    assert expected.posteriors[50, 1] == pytest.approx(1.0)
    assert found.log_likelihood == pytest.approx(expected.log_likelihood, rel=1e-12)
    assert found.posteriors == pytest.approx(expected.posteriors, abs=1e-10)
    into = np.full((3, 4), -np.inf)
    for k in range(3):
        into[k, k:] = band[: 4 - k, k]
    assert scaled_posteriors(emissions, into, ends["log_initial"], 1) is None
