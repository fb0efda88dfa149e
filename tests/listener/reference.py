"""Slow and plain: every word's own recursion, and every path of every word, to hold the fast competition against."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from otoscope.decoding.tree.units import PhoneModels


def chain_of(form: Sequence[str], models: PhoneModels) -> list:
    """Return the states of a form, one after the other."""
    left, right = models.context
    states = []
    for k, phone in enumerate(form):
        before = form[k - 1] if left and k else None
        behind = form[k + 1] if right and k + 1 < len(form) else None
        states += models.states(before, phone, behind)
    return states


def every_path(rows: NDArray, form: Sequence[str], models: PhoneModels) -> tuple[list[float], list[float]]:
    """Return the scores of all paths that end inside or behind the word, and of those that have gone through it all.

    A path is silence, states in order (each a frame or more, or passed by), silence; nothing is left out.
    """
    chain = chain_of(form, models)
    silent = rows[:, [s.column for s in models.states(None, models.silence, None)]].max(axis=1)
    n = len(rows)
    ended, whole = [], []
    for before in range(n + 1):
        ended += [silent.sum()] if before == n else []
        for states in itertools.product(range(len(chain) + 1), repeat=n - before) if before < n else []:
            score = path_score(rows[before:], silent[before:], states, chain)
            if score is None:
                continue
            total, through = score
            ended.append(silent[:before].sum() + total)
            if through is not None:
                whole.append(silent[:before].sum() + total + through)
    return ended, whole


def path_score(rows, silent, states, chain):
    """Return the score of a sequence of states (`len(chain)` is the silence behind), and what is left to be through."""
    end = len(chain)
    total = skipped(chain, -1, states[0], enter=True)
    if total is None or states[0] == end:
        return None
    for t, here in enumerate(states):
        total += silent[t] if here == end else rows[t, chain[here].column]
        if t + 1 < len(states):
            step = transition(chain, here, states[t + 1])
            if step is None:
                return None
            total += step
    last = states[-1]
    if last == end:
        return total, 0.0
    rest = [chain[s].log_skip for s in range(last + 1, end)]
    return total, (sum(rest) if np.isfinite(rest).all() else None)


def skipped(chain, before, to, *, enter=False):
    between = [chain[s].log_skip for s in range(before + 1, to)]
    return sum(between, 0.0) if all(np.isfinite(between)) else None


def transition(chain, here, to):
    if here == len(chain):
        return 0.0 if to == here else None
    if to == here:
        return chain[here].log_loop if np.isfinite(chain[here].log_loop) else None
    if to < here:
        return None
    over = skipped(chain, here, to)
    return None if over is None else chain[here].log_leave + over


def word_by_word(rows: NDArray, forms: Sequence[Sequence[str]], models: PhoneModels, *, total: bool = False):
    """Return the partial activations `(n_frames, n_forms)` and the final ones `(n_forms,)` without priors, in numpy.

    One recursion a word (A1), float64; no tree, nothing shared.
    """
    rows = np.asarray(rows, np.float64)
    silent = rows[:, [s.column for s in models.states(None, models.silence, None)]].max(axis=1)
    join = np.logaddexp if total else np.maximum
    partial, final = np.empty((len(rows), len(forms))), np.empty(len(forms))
    for w, form in enumerate(forms):
        chain = chain_of(form, models)
        v = np.full(len(chain), -np.inf)
        quiet, behind = 0.0, -np.inf
        for t, row in enumerate(rows):
            come = quiet if t else 0.0
            quiet = silent[: t + 1].sum()
            old, new = v.copy(), np.empty_like(v)
            for s, state in enumerate(chain):
                new[s] = join(old[s] + state.log_loop, come) + row[state.column]
                come = join(old[s] + state.log_leave, come + state.log_skip)
            v, behind = new, join(come, behind) + silent[t]
            partial[t, w] = max(quiet, behind, v.max())
        ends, cost = [behind], 0.0
        for s in range(len(chain) - 1, -1, -1):
            ends.append(v[s] + cost)
            cost += chain[s].log_skip
            if not np.isfinite(cost):
                break
        final[w] = max(ends)
    return partial, final


def pooled(values: Sequence[float], *, total: bool) -> float:
    return float(logsumexp(values)) if total else float(max(values))
