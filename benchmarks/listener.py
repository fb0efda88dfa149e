"""Time the competition of a whole mental lexicon, every 10 ms and no word left out, beside plain numpy on the same job.

    python benchmarks/listener.py [--words N ...] [--frames N] [--repeats N] [--spoken WORD] [--json FILE]

Words are the most frequent of `MentalLexicon.english`. Without `--spoken`, phones have three states each and evidence
is imagined: a word's states in time, drowned in noise; with it, a synthetic voice says the word and the listener's own
ears hear it. Everything runs on one thread, who goes first changes from turn to turn, and times are the fastest turn's
processor time, not the clock's, so that other work on the machine does least harm. Results are checked to agree with
numpy's before anything is timed. Memory is resident, of a process of its own that competes for 100 frames: all of it,
and what lexicon, tree and state add to a process that has only imported what they need.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import argparse
import itertools
import json
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from otoscope.core import FrameGrid, Provenance
from otoscope.decoding.tree.units import HmmState
from otoscope.lexicon.mental_lexicon import MentalLexicon
from otoscope.listener import stepping
from otoscope.listener.competing import compete, costs_of, relative_to_best
from otoscope.listener.evidence import Evidence
from otoscope.listener.running import compete_running
from otoscope.listener.word_tree import WordTree

N_KEPT = 200
LOOP, LEAVE = -0.5, -0.93


class ThreeStates:
    """Every phone and silence: three states in a row, none of which may be passed by."""

    silence, context = "SIL", (False, False)

    def __init__(self, phones: tuple[str, ...]) -> None:
        self.phones = phones

    def states(self, left: str | None, phone: str, right: str | None) -> tuple[HmmState, ...]:
        first = 3 * (self.phones.index(phone) if phone != self.silence else len(self.phones))
        return tuple(HmmState(first + s, LOOP, LEAVE) for s in range(3))


def imagined(models: ThreeStates, n_frames: int) -> Evidence:
    rng = np.random.default_rng(0)
    scores = rng.normal(0, 2, (n_frames, 3 * len(models.phones) + 3))
    said = rng.integers(0, len(models.phones), 1 + n_frames // 9)
    states = np.repeat((3 * said[:, None] + np.arange(3)).ravel(), 3)[:n_frames]
    scores[np.arange(n_frames), states] += 6
    grid = FrameGrid(16000, 0, 160, 160, n_frames)
    return Evidence(scores.astype(np.float32), grid, models, Provenance("imagined", "0"), "phone states")


def spoken(word: str) -> Evidence:
    """Return what the listener's ears make of a word said by a synthetic voice, 300 ms of silence behind it."""
    from otoscope.listener.ears.voices import VALIDATION
    from otoscope.listener.listening import WordListener
    from otoscope.listener.stimuli import Speaker

    return WordListener(MentalLexicon.english(1000)).evidence(Speaker(voice=VALIDATION[0]).word(word).recording)


def resident_mb() -> float:
    """Return this process's resident memory (Linux only)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20


def memory(n_words: int) -> dict[str, float]:
    """Return megabytes of a process that competes, whole and without what importing takes."""
    code = f"import runpy; runpy.run_path({__file__!r})['weigh']({n_words})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def weigh(n_words: int) -> None:
    """Print the memory of this process after a competition, and how much more that is than before it."""
    before = resident_mb()
    lexicon = MentalLexicon.english(n_words)
    models, forms = ThreeStates(lexicon.phones), lexicon.forms
    tree = WordTree.build(forms.phones, models, forms.log_prior, words=forms.words)
    compete(imagined(models, 100), tree)
    whole = resident_mb()
    print(json.dumps({"process_mb": round(whole, 1), "lexicon_tree_and_state_mb": round(whole - before, 1)}))


def plain_numpy(evidence: Evidence, tree: WordTree) -> tuple[np.ndarray, np.ndarray]:
    """Return the kept forms and their activations, Viterbi's recursion a level of the tree at a time."""
    rows, n = relative_to_best(evidence.scores), tree.n_nodes
    column, depth = np.zeros((3, n), np.int64), np.zeros(n, np.int64)
    loop, leave = np.full((2, 3, n), -np.inf, np.float32)
    for unit, first, behind in tree.segments:
        column[:, first:behind] = tree.units.column[unit][:, None]
        loop[:, first:behind] = tree.units.loop[unit][:, None]
        leave[:, first:behind] = tree.units.leave[unit][:, None]
    for node in range(1, n):
        depth[node] = depth[tree.parent[node]] + 1
    starts = np.searchsorted(depth, np.arange(1, depth[-1] + 2))
    v = np.full((3, n), -np.inf, np.float32)
    prior, after, quiet = tree.log_prior, np.full(tree.n_forms, -np.inf, np.float32), np.float32(0)
    forms, values = np.empty((len(rows), N_KEPT), np.int32), np.empty((len(rows), N_KEPT), np.float32)
    for t, row in enumerate(rows):
        out = v[2] + leave[2]
        out[0], silent = quiet, row[tree.silence].max()
        quiet = quiet + silent
        come = np.stack([out[tree.parent], v[0] + leave[0], v[1] + leave[1]])
        v = np.maximum(v + loop, come) + row[column]
        v[:, 0] = -np.inf
        best = v.max(axis=0)
        best[0] = quiet
        for lo, hi in itertools.pairwise(starts):
            np.maximum(best[lo:hi], best[tree.parent[lo:hi]], out=best[lo:hi])
        after = np.maximum(after, out[tree.end]) + silent
        heard = np.maximum(best[tree.end], after) + prior
        kept = np.argpartition(heard, -N_KEPT)[-N_KEPT:]
        kept = kept[np.argsort(-heard[kept], kind="stable")]
        forms[t], values[t] = tree.form[kept], heard[kept]
    return forms, values


def update_only(evidence: Evidence, tree: WordTree) -> None:
    """Advance all states and do little more: only words at leaves of their own are finished, and nothing is sorted."""
    n = stepping.AT_ONCE
    v = np.full((tree.units.column.shape[1], tree.n_nodes), -np.inf, np.float32)
    state = v, np.full((tree.n_nodes, 2 * n), -np.inf, np.float32)
    forms = (tree.log_prior, np.full(tree.n_forms, -np.inf, np.float32), np.empty((n, tree.n_forms), np.float32))
    shape, costs = (tree.parent, tree.segments, tree.lone, tree.earliest), costs_of(tree)
    rows = relative_to_best(evidence.scores)
    silent = rows[:, tree.silence].max(axis=1)
    inside = np.cumsum(silent)
    roots = np.stack([inside - silent, inside, silent])
    for t in range(0, len(rows), n):
        stepping.advance(rows[t : t + n], roots[:, t : t + n], t, shape, costs, state, forms, False)


def rows_of(n_words: int, evidence: Evidence, repeats: int) -> list[dict[str, object]]:
    lexicon, n_frames = MentalLexicon.english(n_words), len(evidence.scores)
    forms = lexicon.forms
    tree = WordTree.build(forms.phones, evidence.models, forms.log_prior, words=forms.words)
    jobs: dict[str, Callable[[], object]] = {
        "numpy, viterbi, top 200": lambda: plain_numpy(evidence, tree),
        "otoscope, viterbi, states only": lambda: update_only(evidence, tree),
        "otoscope, viterbi, top 200": lambda: compete(evidence, tree),
        "otoscope, forward, top 200": lambda: compete(evidence, tree, search="forward"),
        "otoscope, running speech": lambda: compete_running(evidence, tree),
    }
    expected, found = plain_numpy(evidence, tree)[1], compete(evidence, tree).activations
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3)
    fastest = dict.fromkeys(jobs, np.inf)
    for run in jobs.values():
        run()
    for turn in range(repeats):
        for who in sorted(jobs, reverse=bool(turn % 2)):
            start = time.process_time()
            jobs[who]()
            fastest[who] = min(fastest[who], time.process_time() - start)
    size = {"words": len(lexicon), "forms": tree.n_forms, "states": tree.n_states}
    return [
        {**size, "who": who, "ms_per_frame": round(1e3 * s / n_frames, 3), "real_time": round(100 * s / n_frames, 4)}
        for who, s in fastest.items()
    ]


def table(rows: list[dict[str, object]]) -> str:
    lines = ["| words | forms | states | who | ms a frame | × real time |", "|---:|---:|---:|---|---:|---:|"]
    return "\n".join([*lines, *("| " + " | ".join(str(value) for value in row.values()) + " |" for row in rows)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--words", type=int, nargs="+", default=[1000, 10000, 60000])
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--spoken", help="a word that a synthetic voice says, instead of imagined evidence")
    parser.add_argument("--json", type=Path, help="also write the rows to this file")
    options = parser.parse_args()
    evidence = (
        spoken(options.spoken)
        if options.spoken
        else imagined(ThreeStates(MentalLexicon.english(1000).phones), options.frames)
    )
    rows = [row for n_words in options.words for row in rows_of(n_words, evidence, options.repeats)]
    megabytes = memory(max(options.words))
    print(table(rows), f"\n{max(options.words)} words: {megabytes}")
    if options.json:
        machine = {"python": platform.python_version(), "numpy": np.__version__, "machine": platform.machine()}
        options.json.write_text(
            json.dumps(
                {
                    "name": "listener",
                    "machine": machine,
                    "heard": options.spoken or "imagined",
                    "memory": megabytes,
                    "table": rows,
                },
                indent=2,
            )
            + "\n"
        )


if __name__ == "__main__":
    main()
