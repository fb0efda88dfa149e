"""`score_at` for every family: how targets would score if something else stood at a site.

A family says how it scores (`passes`); the rest is the same for all (`otoscope.nets.substitution`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from otoscope.core import Recording, SiteScores, Target
from otoscope.nets.open_edits import OpenEdits

if TYPE_CHECKING:
    from otoscope.nets.propagation import Way
    from otoscope.nets.shares import Shares
    from otoscope.nets.substitution import Passes


class ScoresAtSites:
    """What makes a recogniser `Substituting`."""

    open_edits: OpenEdits

    def passes(self, recording: Recording, targets: Sequence[Target]) -> Passes:
        """Return how these targets are scored, step by step.

        Raises
        ------
        BadInput
            A target cannot be asked about.
        """
        raise NotImplementedError

    def score_at(
        self,
        recording: Recording,
        targets: Sequence[Target],
        values: NDArray[Any],
        *,
        at: str = "features",
        slopes: bool = False,
    ) -> SiteScores:
        """Return how the targets would score if other values stood at a site; the front end runs once.

        Parameters
        ----------
        recording, targets
            Who is asked about what. Scores are those of `score` where the values are those that pass the site anyway.
        values
            `(n_values, n_rows, n_units)` in the shape of the site's activation; at "waveform" `(n_values, n_samples,
            1)`, a row for each sample *at the front end's own rate*. At a site that is passed more than once (by a
            decoder that goes token by token, or along several texts), the rows of all passes, one after the other.
        at
            The site.
        slopes
            Whether d score / d value is wanted as well, for each value and target.

        Raises
        ------
        NotAble
            Slopes are wanted while edits are open: those are arbitrary functions of arrays.
        BadInput
            There is no such site, the values have another shape than what passes there, or nothing passes there on the
            way to these scores.
        """
        from otoscope.nets.substitution import site_scores

        if slopes:
            self.open_edits.refuse_gradient()
        return site_scores(self.passes(recording, targets), values, at=at, slopes=slopes)

    def propagated(
        self,
        recording: Recording,
        target: Target,
        values: NDArray[Any],
        *,
        shares: Shares,
        at: str = "features",
        up_to: str = "logits",
    ) -> Way:
        """Return how values went from one site to another, so that relevance can be shared out backwards.

        Parameters
        ----------
        recording, target
            Who is asked about what: the way is that of this score.
        values
            `(2, n_rows, n_units)`: what is explained, and the reference it is measured against.
        shares
            The rule (`otoscope.nets.propagation`).
        at, up_to
            Where the way begins and ends.

        Raises
        ------
        NotAble
            Edits are open, something on the way has no rule, or this score passes the further site not just once.
        BadInput
            There is no such site, or the values have another shape than what passes there.
        """
        from otoscope.nets.propagation import way_through

        self.open_edits.refuse_gradient()
        return way_through(self.passes(recording, [target]), values, at=at, up_to=up_to, shares=shares)
