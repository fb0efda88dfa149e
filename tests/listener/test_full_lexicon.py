"""Sixty thousand words against plain numpy: the same to the last bit."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from otoscope.lexicon.mental_lexicon import MentalLexicon
from otoscope.listener.competing import compete
from otoscope.listener.word_tree import WordTree


@pytest.fixture(scope="module")
def bench():
    path = Path(__file__).parents[2] / "benchmarks" / "listener.py"
    spec = importlib.util.spec_from_file_location("listener_benchmark", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_sixty_thousand_words_are_what_numpy_says(bench):
    lexicon = MentalLexicon.english(60000)
    models, forms = bench.ThreeStates(lexicon.phones), lexicon.forms
    tree = WordTree.build(forms.phones, models, forms.log_prior, words=forms.words)
    assert len(lexicon) >= 60000
    evidence = bench.imagined(models, 60)
    got = compete(evidence, tree)
    forms, values = bench.plain_numpy(evidence, tree)
    assert got.activations.shape == (60, 200)
    np.testing.assert_array_equal(got.activations, values)
    strict = np.diff(values, axis=1) < 0  # of equals, who comes first is free
    alone = np.hstack([strict, np.zeros((60, 1), bool)]) & np.hstack([np.ones((60, 1), bool), strict])
    np.testing.assert_array_equal(got.forms[alone], forms[alone])
