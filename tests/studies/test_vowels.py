"""The study of vowels: the discriminant beside scikit-learn's, listeners counted by hand, and the figures known."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis

from otoscope.core import BadInput
from otoscope.studies.vowel_listeners import FILE, VOWELS, read_listened
from otoscope.studies.vowels import FEATURES, posteriors, run

KNOWN = (
    ("F1 F2 steady", 1658, 0.620, 0.182, 0.503),
    ("F1-F3 steady", 1617, 0.760, 0.240, 0.556),
    ("f0 F1-F3 steady", 1617, 0.803, 0.256, 0.537),
    ("f0 F1-F3 steady, duration", 1617, 0.832, 0.281, 0.529),
    ("F1 F2 at two points", 1655, 0.862, 0.325, 0.739),
    ("f0, duration, F1-F3 at two points", 1600, 0.930, 0.462, 0.825),
)
"""All 139 talkers: tokens, accuracy, Spearman with the listeners, and correlation of the confusions."""

MEASURED = sorted({column for columns in FEATURES.values() for column in columns})


@pytest.fixture
def table(tmp_path):
    """Write vowels in clouds that touch, by 6 talkers, 5 tokens each; listeners doubt what lies between two clouds."""
    rng = np.random.default_rng(0)
    rows = []
    for talker in range(6):
        for vowel, name in enumerate(VOWELS):
            for token in range(5):
                far = rng.normal(size=len(MEASURED)) * 0.08
                values = np.exp(6 + 0.1 * ((vowel * np.arange(1, len(MEASURED) + 1)) % 7) + far)
                answers = np.zeros(12, int)
                wrong = min(15, int(100 * abs(far[0])))
                answers[vowel], answers[(vowel + 1) % 12] = 20 - wrong, wrong
                vote = VOWELS[int(answers.argmax())]
                cells = [f"{v:.3f}" for v in values]
                if (talker, vowel, token) in ((0, 3, 0), (2, 3, 1)):
                    cells[MEASURED.index("f3")] = "NA" if talker else ""
                rows.append([f"t{talker}", name, vote, *cells, *map(str, answers)])
    heading = ["speaker", "vowel", "vote", *MEASURED, *VOWELS]
    (tmp_path / FILE).write_text("\n".join("\t".join(row) for row in [heading, *rows]) + "\n", encoding="utf-8")
    return tmp_path


def test_posteriors_are_those_of_normal_clouds_taught_by_other_talkers():
    rng = np.random.default_rng(1)
    vowels = np.repeat(np.arange(3), 40)
    values = rng.normal(size=(120, 2)) + vowels[:, None] * [1.0, -0.5]
    talkers = np.tile(np.array(["a", "b", "c", "d"]), 30)
    found = posteriors(values, vowels, talkers)
    for talker in "abcd":
        own = talkers == talker
        oracle = QuadraticDiscriminantAnalysis(solver="eigen").fit(values[~own], vowels[~own])
        np.testing.assert_allclose(found[own], oracle.predict_proba(values[own]), atol=1e-9)


def test_rows_without_a_measurement_are_dropped_where_it_is_needed(table):
    rows = {row["features"]: row for row in run(table).table}
    assert rows["F1 F2 steady"]["n"] == 360
    assert rows["F1-F3 steady"]["n"] == rows["f0 F1-F3 steady, duration"]["n"] == 358
    assert rows["F1 F2 at two points"]["n"] == 360


def test_what_listeners_did_is_counted(table):
    people = run(table).provenance["listeners"]
    answers = np.loadtxt(table / FILE, delimiter="\t", skiprows=1, usecols=range(3 + len(MEASURED), 15 + len(MEASURED)))
    right = answers[np.arange(360), np.tile(np.repeat(np.arange(12), 5), 6)]
    assert people["mean_correct_percent"] == pytest.approx(5 * right.mean())
    assert people["majority_correct_percent"] == pytest.approx(100 * (right > 10).mean())
    assert people["unanimous_percent"] == pytest.approx(100 * (right == 20).mean())
    assert 0 < people["unanimous_percent"] < people["majority_correct_percent"] < 100


def test_a_machine_that_answers_like_the_listeners_agrees_with_them(table, monkeypatch):
    shares = read_listened(table).shares
    monkeypatch.setattr("otoscope.studies.vowels.posteriors", lambda values, vowels, talkers: shares[: len(vowels)])
    row = run(table).table[0]
    assert row["spearman"] == pytest.approx(1.0)
    assert row["confusion_r"] == pytest.approx(1.0)


def test_panels_show_listeners_beside_the_machine(table):
    first, second, *rest = run(table).panels
    assert first.title.startswith("Listeners")
    assert second.title.startswith("Machine")
    for panel in (first, second):
        assert panel.data["values"].sum(axis=1) == pytest.approx(np.full(12, 100))
    assert not np.allclose(first.data["values"], second.data["values"])
    assert {panel.kind for panel in rest} == {"lines", "bars", "table"}


def test_bad_tables_are_refused(table, tmp_path):
    with pytest.raises(BadInput, match="no table of vowels"):
        run(tmp_path / "nowhere")
    broken = tmp_path / "broken.tsv"
    broken.write_text((table / FILE).read_text().replace("speaker\t", "talker\t", 1))
    with pytest.raises(BadInput, match="lacks the columns speaker"):
        run(broken)


def test_figures_of_the_human_data(shared_data):
    """With all 139 talkers to the printed digits; with fewer, as near as another sample of talkers would be."""
    result = run(shared_data / "hillenbrand-listeners")
    people, n_talkers = result.provenance["listeners"], result.provenance["n_talkers"]
    whole = n_talkers == 139
    assert people["mean_correct_percent"] == pytest.approx(94.64, abs=0.005 if whole else 0.5)
    assert people["unanimous_percent"] == pytest.approx(64.57, abs=0.005 if whole else 1.5)
    assert people["majority_correct_percent"] == pytest.approx(97.90, abs=0.005 if whole else 0.5)
    assert people["worst"] == ["ɔ", "ʌ", "ɑ"]
    assert people["best"] == ["i", "ɝ"]
    for row, (name, n, accuracy, agreement, confusion) in zip(result.table, KNOWN, strict=True):
        assert row["features"] == name
        assert row["n"] == pytest.approx(n * n_talkers / 139, abs=0 if whole else 10)
        assert row["accuracy"] == pytest.approx(accuracy, abs=0.0005 if whole else 0.02)
        assert row["spearman"] == pytest.approx(agreement, abs=0.0005 if whole else 0.03)
        assert row["confusion_r"] == pytest.approx(confusion, abs=0.0005 if whole else 0.1)
