"""Why this word: each phone's share of the winner's lead over each rival.

The acoustic part of a lead is a sum over frames: what the frame is worth on the winner's best path less what it is
worth on the rival's. Put together by the phones of the winner, these are shares that sum to it exactly; what comes from
how often the words are said stands apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, Finding, Interval, Panel
from otoscope.listener.evidence import Evidence
from otoscope.listener.paths import FormPath, form_path

Floats = NDArray[np.float64]
CAPTION = (
    "What each phone of the winner contributed to its lead over each rival, in nats: score of its frames on the "
    "winner's path less that of the same frames on the rival's. Each row sums to the lead; the last column is what "
    "word frequency or context contributed."
)


@dataclass(frozen=True)
class Candidate:
    """A form that competes: its `label`, its `phones`, and the logarithm of its prior times λ."""

    label: str
    phones: tuple[str, ...]
    weighted_log_prior: float = 0.0


@dataclass(frozen=True)
class Shares:
    """Where the winner's lead over each rival comes from.

    Parameters
    ----------
    winner, rivals
        Who is compared.
    segments
        Where the segments of the winner's path lie: silence, phones, silence; those without a frame are left out.
    acoustic
        `(n_rivals, n_segments)` shares in nats.
    prior
        `(n_rivals,)` what the priors contribute.
    """

    winner: Candidate
    rivals: tuple[Candidate, ...]
    segments: tuple[Interval, ...]
    acoustic: Floats
    prior: Floats

    @property
    def leads(self) -> Floats:
        """`(n_rivals,)` the whole lead over each."""
        return np.asarray(self.acoustic.sum(axis=1) + self.prior)

    def finding(self, *, provenance: Mapping[str, Any] | None = None) -> Finding:
        """Return the shares as a Finding: a row for every rival and segment, and a picture."""
        rows = []
        for rival, values, prior in zip(self.rivals, self.acoustic, self.prior, strict=True):
            for piece, share in zip(self.segments, values, strict=True):
                rows.append(_row(rival, piece.label, piece.start_s, piece.end_s, share))
            rows.append(_row(rival, "prior", None, None, prior))
        return Finding("lead-shares", self._summary(), tuple(rows), (self._panel(),), provenance or {})

    def _summary(self) -> str:
        nearest = int(np.argmin(self.leads))
        most = int(np.argmax(self.acoustic[nearest]))
        piece = self.segments[most]
        return (
            f"“{self.winner.label}” leads over “{self.rivals[nearest].label}” by {self.leads[nearest]:.1f} nats; "
            f"{piece.label} ({piece.start_s:.2f} to {piece.end_s:.2f} s) brings most, "
            f"{self.acoustic[nearest, most]:.1f}, and the prior {self.prior[nearest]:.1f}."
        )

    def _panel(self) -> Panel:
        data = {
            "values": np.column_stack([self.acoustic, self.prior]),
            "row_labels": [f"{rival.label} ({lead:+.1f})" for rival, lead in zip(self.rivals, self.leads, strict=True)],
            "column_labels": [*(piece.label for piece in self.segments), "prior"],
            "x_label": f"phones of “{self.winner.label}”",
            "y_label": "rival (lead over it, nats)",
            "value_label": "share of the lead (nats)",
            "diverging": True,
        }
        return Panel("heatmap", f"Why “{self.winner.label}”", data, CAPTION)


def _row(rival: Candidate, segment: str, start_s: float | None, end_s: float | None, share: float) -> dict[str, Any]:
    return {"rival": rival.label, "segment": segment, "start_s": start_s, "end_s": end_s, "share": float(share)}


def lead_shares(
    evidence: Evidence,
    winner: Candidate,
    rivals: Sequence[Candidate],
    *,
    n_frames: int | None = None,
    whole: bool = True,
) -> Shares:
    """Return each phone's share of the winner's lead over each rival.

    Parameters
    ----------
    evidence
        What was heard.
    winner, rivals
        Forms; at least one rival.
    n_frames
        Frames that count, to explain a decision during the word; `None`: all.
    whole
        Forms have to be complete (final-state rule), or not yet (partial rule).
    """
    if not rivals:
        raise BadInput("a lead is over somebody: at least one rival is needed")
    path = form_path(evidence, winner.phones, n_frames=n_frames, whole=whole)
    others = [form_path(evidence, rival.phones, n_frames=n_frames, whole=whole) for rival in rivals]
    return shares_of(path, others, (winner, *rivals), evidence.grid.edges_s())


def shares_of(path: FormPath, others: Sequence[FormPath], candidates: Sequence[Candidate], edges_s: Floats) -> Shares:
    """Return shares from paths: of the winner, and of each rival over the same frames.

    Parameters
    ----------
    path, others
        Best paths.
    candidates
        The winner and the rivals, in this order.
    edges_s
        `(n_frames + 1,)` or more: boundaries of frames, seconds.
    """
    if any(other.gains.size != path.gains.size for other in others):
        raise BadInput("paths of winner and rivals must cover the same frames")
    present = [k for k in range(len(path.segments)) if path.frames_of(k) is not None]
    pieces, columns = [], []
    for k in present:
        begin, end = path.frames_of(k) or (0, 0)
        pieces.append(Interval(float(edges_s[begin]), float(edges_s[end]), path.segments[k], origin="aligned"))
        columns.append([path.gains[begin:end].sum() - other.gains[begin:end].sum() for other in others])
    winner, *rivals = candidates
    prior = np.array([winner.weighted_log_prior - rival.weighted_log_prior for rival in rivals])
    return Shares(winner, tuple(rivals), tuple(pieces), np.array(columns, dtype=np.float64).T, prior)
