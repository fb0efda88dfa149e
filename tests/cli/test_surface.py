"""The surface of the command line: help, start-up, and the same names and defaults as the library."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import otoscope
import otoscope.recognizers
from otoscope.cli import align, compare, evaluate, explain, recognizers, selftest, study, train, transcribe

VERBS = {
    "align": align.align,
    "compare": compare.compare,
    "evaluate": evaluate.evaluate,
    "explain": explain.explain,
    "recognizers": recognizers.recognizers,
    "selftest": selftest.selftest,
    "study": study.study,
    "train": train.train,
    "transcribe": transcribe.transcribe,
}


def library_function(verb: str):
    """The public function of a verb; `recognizers` lives in the room of that name."""
    return getattr(otoscope.recognizers if verb == "recognizers" else otoscope, verb)


def modules_after(statement: str) -> set[str]:
    command = f"{statement}; import sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


STATEMENTS = ["import otoscope", "import otoscope.cli", "from otoscope.recognizers import load"]


@pytest.mark.parametrize("statement", STATEMENTS)
def test_importing_loads_nothing_heavy(statement):
    heavy = {"torch", "matplotlib", "scipy", "numba", "transformers", "pocketsphinx", "soundfile"}
    assert not heavy & modules_after(statement)


def test_torchaudio_is_not_installed():
    """Its wheel links CUDA and breaks audio models elsewhere; nothing of ours may pull it in."""
    import importlib.util

    assert importlib.util.find_spec("torchaudio") is None


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_is_a_public_function(verb):
    assert callable(library_function(verb))
    assert VERBS[verb].__doc__


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_same_defaults_as_the_library(verb):
    library = inspect.signature(library_function(verb)).parameters
    command = inspect.signature(VERBS[verb]).parameters
    shared = [name for name in command if name in library and library[name].default is not inspect.Parameter.empty]
    if verb == "explain":
        assert {"method", "segments", "fill", "n_masks", "seed"} <= set(shared)
    for name in shared:
        assert command[name].default == library[name].default, name


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_has_json_and_help_for_every_option(run, verb):
    result = run(verb, "--help")
    assert result.code == 0
    assert "--json" in result.out
    undocumented = [line for line in result.out.splitlines() if line.strip().startswith("--") and len(line.split()) < 3]
    assert not undocumented


def test_public_names_all_resolve():
    for name in otoscope.__all__:
        assert getattr(otoscope, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'oto'"):
        otoscope.oto  # noqa: B018


@pytest.mark.parametrize(("passed", "code"), [(True, 0), (False, 1)])
def test_a_wrong_answer_of_the_self_test_is_exit_code_1(run, monkeypatch, passed, code):
    from otoscope import studies

    table = ({"check": "a", "passed": True}, {"check": "b", "passed": passed})
    monkeypatch.setattr(studies, "selftest", lambda progress=None: studies.StudyResult("selftest", "so", table))
    assert run("selftest").code == code
    assert run("selftest", "--json").code == code
