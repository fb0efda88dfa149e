"""Recurrent layers with every gate written out, and torch's kernels, equal and faster, behind the same call.

The weights are held by torch's own module (`kernel`), stacked gate above gate as torch does, so that either path reads
the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from otoscope.core import BadInput
from otoscope.nets.feedforward import real_lengths
from otoscope.nets.masks import frame_mask
from otoscope.nets.taps import Place, Tap

State = tuple[Tensor, ...]
"""What is carried from frame to frame, each `(n, n_units)`: h, for an LSTM h and c."""


def rnn_step(
    x: Tensor, state: State, weights: tuple[Tensor, Tensor, Tensor, Tensor]
) -> tuple[State, dict[str, Tensor]]:
    """Return h = tanh(W x + b + U h₋₁ + b′) (Elman 1990).

    Parameters
    ----------
    x
        `(n, n_in)`.
    weights
        W `(n_units, n_in)`, U `(n_units, n_units)`, b, b′ `(n_units,)`.
    """
    w, u, b, b2 = weights
    return (torch.tanh(x @ w.T + b + state[0] @ u.T + b2),), {}


def lstm_step(
    x: Tensor, state: State, weights: tuple[Tensor, Tensor, Tensor, Tensor]
) -> tuple[State, dict[str, Tensor]]:
    """Return h and c of a long short-term memory, and its gates (Hochreiter & Schmidhuber 1997; Gers et al. 2000).

    i = σ(Wᵢ x + Uᵢ h₋₁ + bᵢ)     input gate: what is written
    f = σ(W_f x + U_f h₋₁ + b_f)   forget gate: what is kept
    g = tanh(W_g x + U_g h₋₁ + b_g) candidate
    o = σ(Wₒ x + Uₒ h₋₁ + bₒ)     output gate: what is shown
    c = f c₋₁ + i g,  h = o tanh c

    The four weight matrices stand one above the other, i, f, g, o; each bias is the sum of two, as in torch.
    """
    h_before, c_before = state
    w, u, b, b2 = weights
    i, f, g, o = (x @ w.T + b + h_before @ u.T + b2).chunk(4, dim=-1)
    i, f, g, o = torch.sigmoid(i), torch.sigmoid(f), torch.tanh(g), torch.sigmoid(o)
    c = f * c_before + i * g
    return (o * torch.tanh(c), c), {"input_gate": i, "forget_gate": f, "output_gate": o, "cell": c}


def gru_step(
    x: Tensor, state: State, weights: tuple[Tensor, Tensor, Tensor, Tensor]
) -> tuple[State, dict[str, Tensor]]:
    """Return h of a gated recurrent unit, and its gates (Cho et al. 2014; the reset gate stands as in torch).

    r = σ(W_r x + U_r h₋₁ + b_r), z = σ(W_z x + U_z h₋₁ + b_z), n = tanh(Wₙ x + bₙ + r (Uₙ h₋₁ + b′ₙ)),
    h = (1 - z) n + z h₋₁
    """
    (h_before,) = state
    w, u, b, b2 = weights
    (r, z, n), (r2, z2, n2) = (x @ w.T + b).chunk(3, dim=-1), (h_before @ u.T + b2).chunk(3, dim=-1)
    r, z = torch.sigmoid(r + r2), torch.sigmoid(z + z2)
    h = (1 - z) * torch.tanh(n + r * n2) + z * h_before
    return (h,), {"reset_gate": r, "update_gate": z}


class RecurrentLayer(nn.Module):
    """One recurrent layer over frames, forwards or both ways; padding is never seen, and comes out zero.

    With `written_out` the equations run frame by frame and the gates pass taps; otherwise torch's kernel runs.
    Sites: the output at this module's own name; with `written_out` also `gates.forget_gate` …, forward units first.

    Parameters
    ----------
    kernel
        `torch.nn.RNN`, `LSTM` or `GRU`, `batch_first`.
    step
        Its equations.
    gates
        What `step` shows.
    """

    def __init__(self, kernel: nn.RNNBase, step: Callable[..., Any], gates: tuple[str, ...]) -> None:
        super().__init__()
        self.kernel, self.step, self.n_states = kernel, step, 2 if isinstance(kernel, nn.LSTM) else 1
        self.gates = nn.ModuleDict({gate: Place() for gate in gates})
        self.tap, self.written_out = Tap(), False

    @property
    def n_units(self) -> int:
        """Columns of the output."""
        return self.kernel.hidden_size * (2 if self.kernel.bidirectional else 1)

    def forward(
        self, frames: Tensor, lengths: Tensor | None = None, state: State | None = None
    ) -> tuple[Tensor, State]:
        """Map `(n, n_frames, n_in)` to `(n, n_frames, n_units)` and the state behind each utterance's last frame.

        `state` is what an earlier call returned, to go on from there; a layer that runs both ways takes none.

        Raises
        ------
        BadInput
            A state was given to a layer that runs both ways.
        """
        if state is not None and self.kernel.bidirectional:
            raise BadInput("a layer that runs both ways needs the whole utterance; it cannot go on from a state")
        n_real = real_lengths(frames, lengths)
        out, state = (self._equations if self.written_out else self._kernel)(frames, n_real, state)
        return self.tap(out, n_real), state

    def _kernel(self, frames: Tensor, lengths: Tensor, state: State | None) -> tuple[Tensor, State]:
        packed = nn.utils.rnn.pack_padded_sequence(frames, lengths.cpu(), batch_first=True, enforce_sorted=False)
        first: Any = None if state is None else tuple(part[None] for part in state)
        out, last = self.kernel(packed, first if first is None or self.n_states == 2 else first[0])
        rows, _ = nn.utils.rnn.pad_packed_sequence(out, batch_first=True, total_length=frames.shape[1])
        parts = last if self.n_states == 2 else (last,)
        return rows, tuple(part.transpose(0, 1).flatten(1) for part in parts)

    def _equations(self, frames: Tensor, lengths: Tensor, state: State | None) -> tuple[Tensor, State]:
        runs = [self._run(frames, lengths, state, reverse=False)]
        if self.kernel.bidirectional:
            runs.append(self._run(frames, lengths, None, reverse=True))
        for gate in self.gates:
            self.gates[gate](torch.cat([run[1][gate] for run in runs], -1), lengths)
        states = tuple(torch.cat(parts, -1) for parts in zip(*(run[2] for run in runs), strict=True))
        return torch.cat([run[0] for run in runs], -1), states

    def _run(
        self, frames: Tensor, lengths: Tensor, state: State | None, *, reverse: bool
    ) -> tuple[Tensor, dict[str, Tensor], State]:
        """One direction: outputs, gates, and the last state; a row that is over keeps its state and shows zeros."""
        suffix = "_l0_reverse" if reverse else "_l0"
        weights = tuple(
            getattr(self.kernel, name + suffix) for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        n, n_frames, _ = frames.shape
        if state is None:
            state = tuple(frames.new_zeros(n, self.kernel.hidden_size) for _ in range(self.n_states))
        real = frame_mask(lengths.to(frames.device), n_frames)
        shown: list[dict[str, Tensor]] = [{}] * n_frames
        for t in reversed(range(n_frames)) if reverse else range(n_frames):
            new, gates = self.step(frames[:, t], state, weights)
            state = tuple(torch.where(real[:, t], a, b) for a, b in zip(new, state, strict=True))
            shown[t] = {"output": new[0] * real[:, t], **{name: gate * real[:, t] for name, gate in gates.items()}}
        rows = {name: torch.stack([at[name] for at in shown], dim=1) for name in ("output", *self.gates)}
        return rows["output"], rows, state


class Rnn(RecurrentLayer):
    """A simple recurrent layer; see `rnn_step`."""

    def __init__(self, n_in: int, n_units: int, *, bidirectional: bool = False) -> None:
        super().__init__(nn.RNN(n_in, n_units, batch_first=True, bidirectional=bidirectional), rnn_step, ())


class Lstm(RecurrentLayer):
    """A long short-term memory layer; see `lstm_step`. The forget gate's bias starts at 1 (Gers et al. 2000)."""

    def __init__(self, n_in: int, n_units: int, *, bidirectional: bool = False) -> None:
        gates = ("input_gate", "forget_gate", "output_gate", "cell")
        super().__init__(nn.LSTM(n_in, n_units, batch_first=True, bidirectional=bidirectional), lstm_step, gates)
        with torch.no_grad():
            for name, bias in self.kernel.named_parameters():
                if name.startswith("bias_ih"):
                    bias[n_units : 2 * n_units] += 1.0


class Gru(RecurrentLayer):
    """A layer of gated recurrent units; see `gru_step`."""

    def __init__(self, n_in: int, n_units: int, *, bidirectional: bool = False) -> None:
        gates = ("reset_gate", "update_gate")
        super().__init__(nn.GRU(n_in, n_units, batch_first=True, bidirectional=bidirectional), gru_step, gates)
