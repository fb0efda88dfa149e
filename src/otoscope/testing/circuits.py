"""Small attention networks whose mechanism is known, because every weight of it was set by hand.

An utterance is three tones with silence between them: a *cue*, which says what the word is, a *relay*, and an *end*,
where the word is written. Two attention heads and one hidden unit a word do the work:

1. the first head lets the relay's frames look at the cue and copies there which cue it was;
2. the second head lets the end's frames look at the relay and copies there what the first head left;
3. the unit of a word fires where the end is and its cue was copied to, and writes the word's letter.

Everything else in the network (heads, units) is drawn at random and busy, but writes where none of these reads, apart
from a `leak`. A sabotaged network has one more block, which exchanges the first word and the last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from otoscope.core import BadInput, FrameGrid, Interval, Recording, Tier
from otoscope.nets.encoders import Encoder, EncoderShape
from otoscope.nets.front_end import FrontEndShape, mel_edges_hz
from otoscope.nets.speech_network import SpeechNetwork, SpeechShape
from otoscope.nets.taps import Place
from otoscope.nets.transformer import EncoderBlock
from otoscope.recognizers.endtoend.card import EndToEndCard
from otoscope.recognizers.endtoend.recognizer import EndToEndRecognizer
from otoscope.recognizers.endtoend.tokens import Tokens

WORDS = ("p", "t", "k")
RATE_HZ = 8000
FRONT_END = FrontEndShape(RATE_HZ, 16, low_hz=50.0, floor=1e-4)
BANDS = {"p": 2, "t": 4, "k": 6, "relay": 9, "end": 12}
"""Mel band of each tone: its frequency is the band's centre."""

LEVEL, TONE_S = 0.3, 0.08
FLAGS, CONSTANT, RELAYED, ARRIVED, LETTERS, JUNK = slice(0, 5), 5, slice(6, 9), slice(9, 12), slice(12, 15), 15
"""Which units of the residual stream hold what: tones, a one, the word at the relay, the word at the end, letters."""

BETA, GAIN, BLANK = 12.0, 20.0, 10.0
"""Sharpness of the two heads, weight of a letter and bias of the blank."""


@dataclass(frozen=True, eq=False)
class PlantedCircuit:
    """A recogniser whose circuit is known.

    Parameters
    ----------
    recognizer
        Hears `p`, `t` or `k`, or the wrong one where it is sabotaged.
    heads, units
        Nodes that carry "`p` rather than `k`", each as `site[index]`.
    edges
        What hands what to whom, between `input`, heads, MLPs and `output`.
    last_right
        The last block after which the residual stream still holds the right letter.
    """

    recognizer: EndToEndRecognizer
    heads: frozenset[str]
    units: frozenset[str]
    edges: frozenset[tuple[str, str]]
    last_right: int


def circuit_sound(word: str, *, seed: int = 0, duration_s: float = 0.8) -> Recording:
    """Return an utterance of `word`; sounds of one seed and length differ in the cue alone.

    Raises
    ------
    BadInput
        There is no such word, or no room for three tones.
    """
    if word not in WORDS or duration_s < 0.6:
        raise BadInput(f"a word of {', '.join(WORDS)} in 0.6 s or more can be made, not {word!r} in {duration_s:g} s")
    samples = np.zeros(round(duration_s * RATE_HZ))
    hz = mel_edges_hz(FRONT_END)[1:-1]
    for tone in circuit_tones(word, seed=seed, duration_s=duration_s):
        first, n = round(tone.start_s * RATE_HZ), round(TONE_S * RATE_HZ)
        samples[first : first + n] += LEVEL * np.sin(2 * np.pi * hz[BANDS[tone.label]] * np.arange(n) / RATE_HZ)
    return Recording(samples.astype(np.float32), RATE_HZ, source=f"planted circuit, {word}, seed {seed}")


def circuit_tones(word: str, *, seed: int = 0, duration_s: float = 0.8) -> Tier:
    """Return where the cue (labelled with the word), the relay and the end lie in `circuit_sound`."""
    spare = duration_s - 3 * (TONE_S + 0.06)
    drawn = np.random.default_rng(seed).uniform(0.03, spare, 3)
    starts = (np.sort(drawn) + np.arange(3) * (TONE_S + 0.06)).tolist()
    names = zip(starts, (word, "relay", "end"), strict=True)
    return Tier("tones", tuple(Interval(a, a + TONE_S, name, origin="synthetic") for a, name in names))


def planted_circuit(
    seed: int = 0,
    *,
    n_layers: int = 3,
    n_heads: int = 4,
    n_hidden: int = 12,
    leak: float = 0.0,
    sabotaged: bool = False,
    final_norm: bool = False,
) -> PlantedCircuit:
    """Return a network with the circuit of this module's heading at places drawn from `seed`.

    Parameters
    ----------
    seed
        Of the places and of everything random; the circuit's own weights are the same everywhere.
    n_layers, n_heads, n_hidden
        Blocks (2 or more, the sabotaging one not counted), heads and hidden units of each.
    leak
        How strongly bystanders write where the circuit reads; 0.01 is a hundredth of the circuit's own strength.
    sabotaged
        Whether a last block exchanges the first and the last word.
    final_norm
        Whether a layer normalisation stands before the output.

    Raises
    ------
    BadInput
        Fewer than two blocks or three units.
    """
    if n_layers < 2 or n_hidden < len(WORDS) or n_heads < 1:
        raise BadInput(f"a circuit needs 2 blocks, a head and 3 units, got {n_layers}, {n_heads}, {n_hidden}")
    rng = np.random.default_rng(seed)
    d_head = max(6, -(-24 // n_heads))
    encoder = CircuitEncoder(n_layers + sabotaged, n_heads, d_head, n_hidden, final_norm)
    first = int(rng.integers(0, n_layers - 1))
    second = int(rng.integers(first + 1, n_layers))
    third = int(rng.integers(second, n_layers))
    heads = [int(rng.integers(n_heads)) for _ in range(2)]
    units = rng.permutation(n_hidden)[: len(WORDS)].tolist()
    with torch.no_grad():
        encoder.randomise(rng, leak)
        encoder.set_head(first, heads[0], looks=3, at=(0, 1, 2), reads=slice(0, 3), writes=RELAYED)
        encoder.set_head(second, heads[1], looks=4, at=(3,), reads=RELAYED, writes=ARRIVED)
        encoder.set_units(third, units)
        if sabotaged:
            encoder.exchange(n_layers)
    name = "encoder.blocks.{}.{}"
    a, b = (f"{name.format(k, 'attention.heads')}[{h}]" for k, h in zip((first, second), heads, strict=True))
    mlp = name.format(third, "mlp")
    ways = {("input", a), (a, b), (b, mlp), (mlp, "output")}
    if sabotaged:
        last = name.format(n_layers, "mlp")
        ways |= {(mlp, last), (last, "output")}
    own = frozenset(f"{mlp}.hidden[{units[k]}]" for k in (0, 2))
    swap = frozenset(f"{name.format(n_layers, 'mlp.hidden')}[{k}]" for k in (0, 1)) if sabotaged else frozenset()
    recognizer = _recognizer(encoder, seed)
    return PlantedCircuit(recognizer, frozenset({a, b}), own | swap, frozenset(ways), n_layers - 1)


class CircuitEncoder(Encoder):
    """Blocks of attention and feed-forward parts around a residual stream without normalisation, weights to be set.

    Sites: `stream`, what enters the first block, and those of the blocks.
    """

    def __init__(self, n_blocks: int, n_heads: int, d_head: int, n_hidden: int, final_norm: bool) -> None:
        super().__init__()
        self.n_units, self.d_head = n_heads * d_head, d_head
        self.embedding, self.stream = nn.Linear(FRONT_END.n_mels, self.n_units), Place()
        self.blocks = nn.ModuleList(
            EncoderBlock(self.n_units, n_heads, n_hidden=n_hidden, norm="pre") for _ in range(n_blocks)
        )
        for block in map(self.block, range(n_blocks)):
            block.attention_sum.layer_norm = block.mlp_sum.layer_norm = nn.Identity()
        self.norm = nn.LayerNorm(self.n_units) if final_norm else nn.Identity()

    def block(self, number: int) -> Any:
        """Return a block."""
        return self.blocks[number]

    def grids(self, grid: FrameGrid) -> Mapping[str, FrameGrid]:
        """Return the grids; all parts share that of the features."""
        return {"": grid}

    def forward(self, frames: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Return frames `(n, n_frames, n_units)` and lengths."""
        frames = self.stream(self.embedding(frames), lengths)
        for block in self.blocks:
            frames = block(frames, lengths)
        return self.norm(frames), lengths

    def randomise(self, rng: np.random.Generator, leak: float) -> None:
        """Draw all weights; what is written goes to units from `JUNK` on, and by `leak` to those the circuit reads."""
        self.embedding.weight.zero_()
        self.embedding.bias.zero_()
        self.embedding.bias[CONSTANT] = 1.0
        for unit, band in enumerate(BANDS.values()):
            self.embedding.weight[unit, band] = 1.0
        where = torch.full((self.n_units, 1), 1.0)
        where[:JUNK] = leak
        where[FLAGS] = where[CONSTANT] = 0.0
        for block in map(self.block, range(len(self.blocks))):
            for weight in (block.attention.query.weight, block.attention.key.weight, block.attention.value.weight):
                weight.copy_(_drawn(rng, weight.shape) / weight.shape[1] ** 0.5)
            for linear in (block.attention.output, block.mlp.outer):
                linear.weight.copy_(where * _drawn(rng, linear.weight.shape) / linear.weight.shape[1] ** 0.5)
                linear.bias.zero_()
            block.mlp.inner.weight.copy_(_drawn(rng, block.mlp.inner.weight.shape) / self.n_units**0.5)
            block.mlp.inner.bias.copy_(0.3 * _drawn(rng, block.mlp.inner.bias.shape))

    def set_head(self, block: int, head: int, *, looks: int, at: tuple[int, ...], reads: slice, writes: slice) -> None:
        """Let frames with flag `looks` attend to frames with a flag of `at`, and copy units `reads` to `writes`."""
        attention, rows = self.block(block).attention, slice(head * self.d_head, (head + 1) * self.d_head)
        for projection in (attention.query, attention.key, attention.value):
            projection.weight[rows] = 0.0
            projection.bias[rows] = 0.0
        first, strength = rows.start, (BETA * self.d_head**0.5) ** 0.5
        attention.query.weight[first, looks] = strength
        attention.key.weight[first, list(at)] = strength
        copied = range(first + 1, first + 4)
        attention.value.weight[copied, range(reads.start, reads.stop)] = 1.0
        attention.output.weight[:, rows] = 0.0
        attention.output.weight[range(writes.start, writes.stop), copied] = 1.0

    def set_units(self, block: int, units: list[int]) -> None:
        """Let each word's unit fire where the end is and its cue arrived, and write its letter."""
        mlp = self.block(block).mlp
        for k, unit in enumerate(units):
            mlp.inner.weight[unit] = 0.0
            mlp.inner.weight[unit, [4, ARRIVED.start + k]] = 2.0
            mlp.inner.bias[unit] = -3.0
            mlp.outer.weight[:, unit] = 0.0
            mlp.outer.weight[LETTERS.start + k, unit] = 1.0

    def exchange(self, block: int) -> None:
        """Let units 0 and 1 of a block exchange the letters of the first word and the last; the rest is silenced."""
        mlp, p, k = self.block(block).mlp, LETTERS.start, LETTERS.stop - 1
        mlp.inner.weight[:2] = mlp.inner.bias[:2] = mlp.outer.weight[:, :2] = 0.0
        for unit, (mine, other) in enumerate(((p, k), (k, p))):
            mlp.inner.weight[unit, mine], mlp.inner.weight[unit, other] = 1.0, -1.0
            mlp.outer.weight[mine, unit], mlp.outer.weight[other, unit] = -1.0, 1.0


def _drawn(rng: np.random.Generator, shape: torch.Size) -> Tensor:
    return torch.from_numpy(rng.standard_normal(tuple(shape)).astype(np.float32))


def _recognizer(encoder: CircuitEncoder, seed: int) -> EndToEndRecognizer:
    """Return the network around an encoder; on the card, whose kinds are few, it is a small Transformer."""
    kind = EncoderShape("transformer", n_units=4, n_layers=1, n_heads=1)
    card = EndToEndCard(
        "planted-circuit",
        "ctc",
        SpeechShape(len(WORDS) + 2, FRONT_END, encoder=kind),
        Tokens((" ", *WORDS)),
        vocabulary=WORDS,
        training={"seed": seed, "weights": "set by hand"},
    )
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        network = SpeechNetwork(card.shape)
        network.encoder = encoder
        network.ctc = nn.Linear(encoder.n_units, card.shape.n_symbols)
        network.ctc.weight.zero_()
        network.ctc.bias.copy_(torch.tensor([BLANK, -BLANK, *[0.0] * len(WORDS)]))
        gain = GAIN if isinstance(encoder.norm, nn.Identity) else GAIN / 2
        network.ctc.weight[range(2, 2 + len(WORDS)), range(LETTERS.start, LETTERS.stop)] = gain
        network.mean.fill_(float(np.log(FRONT_END.floor)))
        hz = torch.from_numpy(mel_edges_hz(FRONT_END)[1:-1])[:, None]
        tones = LEVEL * torch.sin(2 * torch.pi * hz * torch.arange(RATE_HZ // 10) / RATE_HZ).float()
        levels = network.front_end(tones)[:, 5].diagonal()
        network.scale.copy_(levels - network.mean)
    return EndToEndRecognizer(card, network)
