"""`score_at` in every family: what stands there anyway gives `score`, slopes are `gradient` and finite differences."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest

from otoscope.core import BadInput, NotAble, Substituting

from .tiny_families import FAMILIES

WHISPER_SITES = ("features", "encoder.conv.1", "encoder.1", "decoder.tokens", "decoder.1.mlp.hidden", "logits")


def passing(recognizer, recording, targets, site):
    """Return what passes a site while targets are scored, `(n_rows, n_units)`, all passes one after the other."""
    seen = []

    def keep(values):
        seen.append(values.copy())
        return values

    with recognizer.edited({site: keep}):
        recognizer.score([recording], targets)
    if site.startswith(("decoder", "logits")) and hasattr(recognizer, "with_heads"):
        return seen[-1]  # Whisper looks at the first token before it goes along the text
    return np.concatenate(seen) if seen else None


@pytest.mark.parametrize("family", FAMILIES)
def test_what_stands_there_gives_the_score_and_the_gradient(tiny_family, family):
    recognizer, recording, targets = tiny_family(family)
    assert isinstance(recognizer, Substituting)
    expected = recognizer.score([recording], targets)[0]
    compared = 0
    names = WHISPER_SITES if family == "whisper" else [site.name for site in recognizer.sites()]
    sites = names[:: max(1, len(names) // 8)]
    for site in sites:
        values = passing(recognizer, recording, targets, site)
        if values is None:
            continue
        found = recognizer.score_at(recording, targets, np.stack([values] * 2), at=site, slopes=True)
        np.testing.assert_allclose(found.scores, np.stack([expected] * 2), atol=1e-5 * max(1, abs(expected).max()))
        assert found.slopes.shape == (2, 2, *values.shape)
        without = recognizer.score_at(recording, targets, values[None], at=site)
        np.testing.assert_allclose(without.scores[0], found.scores[0], atol=1e-5 * max(1, abs(expected).max()))
        assert without.slopes is None
        if (gradient := gradients(recognizer, recording, targets, site, values.shape)) is not None:
            compared += 1
            np.testing.assert_allclose(found.slopes[1], gradient, atol=2e-4 * max(abs(gradient).max(), 1e-6))
    assert compared >= 4


def gradients(recognizer, recording, targets, site, shape):
    """Return the gradients of the targets, zero where a score does not pass the site; `None` where texts differ."""
    rows = []
    for target in targets:
        with contextlib.suppress(BadInput):
            rows.append(recognizer.gradient(recording, target, at=site))
    rows = rows or [np.zeros(shape)] * len(targets)
    return np.stack(rows) if len(rows) == len(targets) and all(row.shape == shape for row in rows) else None


@pytest.mark.parametrize("family", FAMILIES)
def test_slopes_are_finite_differences(tiny_family, family):
    recognizer, recording, targets = tiny_family(family)
    values = passing(recognizer, recording, targets, "features").astype(np.float64)
    slope = recognizer.score_at(recording, targets, values[None], slopes=True).slopes[0, 0]
    step = 1e-2 * slope / np.linalg.norm(slope)
    ends = recognizer.score_at(recording, targets, np.stack([values + step, values - step])).scores[:, 0]
    assert ends[0] - ends[1] == pytest.approx(2 * (slope * step).sum(), rel=0.05)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_waveform(tiny_family, family):
    recognizer, recording, targets = tiny_family(family)
    samples = recording.samples
    if family == "whisper":
        samples = np.zeros(480000, np.float32)
        samples[: recording.n_samples] = recording.samples
    found = recognizer.score_at(recording, targets, samples[None, :, None], at="waveform", slopes=True)
    expected = recognizer.score([recording], targets)
    np.testing.assert_allclose(found.scores, expected, atol=2e-5 * max(1, abs(expected).max()))
    gradient = np.stack([recognizer.gradient(recording, target, at="waveform") for target in targets])
    np.testing.assert_allclose(found.slopes[0], gradient, atol=2e-4 * abs(gradient).max())
    with pytest.raises(BadInput, match="a row for each sample"):
        recognizer.score_at(recording, targets, samples[None, :-1, None], at="waveform")


@pytest.mark.parametrize("family", ["ctc", "hybrid", "las", "wav2vec2"])
def test_many_values_go_in_batches_and_no_hook_stays(tiny_family, family, monkeypatch):
    from otoscope.nets import substitution

    recognizer, recording, targets = tiny_family(family)
    values = passing(recognizer, recording, targets, "features")
    several = np.stack([values * scale for scale in (1.0, 0.5, 0.0)])
    whole = recognizer.score_at(recording, targets, several, slopes=True)
    monkeypatch.setattr(substitution, "SECONDS_AT_ONCE", 4.5 * recording.duration_s)
    parted = recognizer.score_at(recording, targets, several, slopes=True)
    np.testing.assert_allclose(parted.scores, whole.scores, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(parted.slopes, whole.slopes, atol=1e-3 * abs(whole.slopes).max())
    assert len(set(whole.scores[:, 0].round(6))) > 2
    for wrong, message in [
        (several[:, :-1], "rows"),
        (several[:, :, :-1], "rows of"),
        (several[0], "must be"),
        (several[:0], "one value at least"),
    ]:
        with pytest.raises(BadInput, match=message):
            recognizer.score_at(recording, targets, wrong)
    with pytest.raises(BadInput, match="no site 'pitch'"):
        recognizer.score_at(recording, targets, several, at="pitch")
    np.testing.assert_array_equal(recognizer.score([recording], targets), recognizer.score([recording], targets))
    np.testing.assert_allclose(recognizer.score([recording], targets)[0], whole.scores[0], rtol=1e-5, atol=1e-4)


def test_slopes_are_refused_through_edits_and_scores_are_not(tiny_family):
    recognizer, recording, targets = tiny_family("ctc")
    values = passing(recognizer, recording, targets, "features")[None]
    with recognizer.edited({"conv.1": np.zeros_like}):
        with pytest.raises(NotAble, match="no gradient through edits"):
            recognizer.score_at(recording, targets, values, slopes=True)
        inside = recognizer.score_at(recording, targets, values).scores
        np.testing.assert_allclose(inside, recognizer.score([recording], targets), atol=1e-5)
    assert not np.allclose(inside, recognizer.score([recording], targets))


@pytest.mark.parametrize(
    ("family", "site"),
    [
        ("las", "decoder.tokens"),
        ("speech-transformer", "decoder.tokens"),
        ("rnnt", "prediction.tokens"),
        ("whisper", "decoder.tokens"),
    ],
)
def test_the_tokens_before_are_a_site(tiny_family, family, site):
    """A word's score depends on the tokens before it and on none behind them."""
    recognizer, recording, targets = tiny_family(family)
    values = passing(recognizer, recording, targets[:1], site)
    slopes = recognizer.score_at(recording, targets[:1], values[None], at=site, slopes=True).slopes[0, 0]
    assert abs(slopes).max() > 0
    if family != "rnnt":
        assert abs(slopes[0]).max() > 0
        assert abs(slopes[-2:]).max() == 0
