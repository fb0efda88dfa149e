"""How well two kinds are told apart, whatever the leaning towards one answer."""

from __future__ import annotations

from scipy.stats import norm

from otoscope.core import BadInput


def d_prime(hits: int, n_signals: int, false_alarms: int, n_others: int) -> float:
    """Return d' = z(hits) - z(false alarms), half an answer added to each so that none is infinite (Hautus 1995).

    Parameters
    ----------
    hits, n_signals
        Signals answered with yes, and all of them.
    false_alarms, n_others
        Others answered with yes, and all of them.

    Raises
    ------
    BadInput
        There are none of a kind, or more answers than items.

    Examples
    --------
    >>> round(d_prime(9, 10, 2, 10), 2)
    1.84
    """
    if min(n_signals, n_others) < 1 or not (0 <= hits <= n_signals and 0 <= false_alarms <= n_others):
        raise BadInput(f"d' needs items of both kinds, got {hits} of {n_signals} and {false_alarms} of {n_others}")
    rates = (hits + 0.5) / (n_signals + 1), (false_alarms + 0.5) / (n_others + 1)
    return float(norm.ppf(rates[0]) - norm.ppf(rates[1]))
