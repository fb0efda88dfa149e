"""Looks in one trial: what is asked for must be known, and be there for every alternative."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import BadInput, UnknownName
from otoscope.listener.looking import Link, trial_looks
from otoscope.listener.peers.idealised import ideal_evidence

FORMS = [("b", "a", "r"), ("p", "a", "r")]
TIMES = {"onset_s": 0.0, "offset_s": 0.3, "until_s": 1.0}


@pytest.mark.parametrize("eyes", ["follow", "fixations", "random"])
def test_eyes_go_to_what_is_heard(eyes):
    times, looks, made = trial_looks(ideal_evidence("bar"), FORMS, [0.0, 0.0], Link(0.2, eyes=eyes), **TIMES)
    assert looks.shape == (times.size, 2)
    assert looks[-1, 0] > looks[-1, 1]
    assert made is None


def test_refusals():
    with pytest.raises(UnknownName, match="unknown eyes 'saccades'"):
        Link(0.2, eyes="saccades")
    heard, link = ideal_evidence("bar"), Link(0.2)
    for prior in ([0.0], [0.0, 0.0, 0.0], 0.0):
        with pytest.raises(BadInput, match="2 forms need a prior each"):
            trial_looks(heard, FORMS, prior, link, **TIMES)
    for until_s in (np.nan, np.inf):
        with pytest.raises(BadInput, match="until_s must be finite"):
            trial_looks(heard, FORMS, [0.0, 0.0], link, **{**TIMES, "until_s": until_s})
