"""Recognising while the sound arrives: encoder frames as soon as they can be known, partial texts, measured latency.

Nothing is guessed: a frame of the encoder is given out when everything it may see has arrived, so that after the last
chunk the frames are those of the whole recording heard at once, to rounding.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from otoscope.core import BadInput, Recording, Trace
from otoscope.nets.encoders import AttentionEncoder, RecurrentEncoder
from otoscope.nets.speech_network import SpeechNetwork
from otoscope.recognizers.endtoend.ctc_reader import CtcReader, greedy_text
from otoscope.recognizers.endtoend.hearing import Encoded, EndToEnd
from otoscope.recognizers.endtoend.inside import missing_parts
from otoscope.recognizers.endtoend.transducer_reader import TransducerReader


class FeatureStream:
    """Frames of the front end, each as soon as its window is full."""

    def __init__(self, network: SpeechNetwork) -> None:
        self.network, self.shape = network, network.shape.front_end
        self.samples = np.zeros(0, np.float32)
        self.n_frames = 0

    def push(self, samples: NDArray[np.float32], *, final: bool = False) -> Tensor:
        """Return the new frames, `(1, n_new, n_features)`, normalised; `final` says that nothing more comes."""
        self.samples = np.concatenate([self.samples, samples])
        shape, n = self.shape, self.samples.size
        n_known = shape.grid(n).n_frames if final else max(0, (n + shape.pad - shape.window) // shape.hop + 1)
        n_lead = min(self.n_frames, -(-shape.pad // shape.hop) + 1)
        first, n_new = self.n_frames - n_lead, n_known - self.n_frames
        if n_new <= 0:
            return torch.zeros(1, 0, self.network.mean.numel())
        waves = torch.from_numpy(self.samples[first * shape.hop :]).to(self.network.mean.dtype)[None]
        with torch.no_grad():
            frames = self.network.front_end(waves)[:, n_lead : n_lead + n_new]
            self.n_frames = n_known
            return self.network.normalized(self.network.features(frames, torch.tensor([n_new])), torch.tensor([n_new]))


class EncoderStream:
    """Frames of a streaming encoder, each as soon as it can be known."""

    def __init__(self, network: SpeechNetwork) -> None:
        encoder = network.encoder
        if not network.shape.encoder.streaming or not isinstance(encoder, RecurrentEncoder | AttentionEncoder):
            raise BadInput("this encoder sees the whole recording; train one with streaming=True")
        self.encoder, self.shape = encoder, network.shape.encoder
        self.features = FeatureStream(network)
        self.shrink = 2**self.shape.n_halvings
        self._kept = torch.zeros(1, 0, network.mean.numel())
        self._n_before = 0  # feature frames that were dropped, a multiple of `shrink`
        self._short = torch.zeros(1, 0, 0)
        self._n_short = self._n_dropped = self._n_out = 0
        self._states: list[Any] = [None] * self.shape.n_layers

    @property
    def delay_frames(self) -> int:
        """Encoder frames that may have to be waited for: what is left of a chunk."""
        return self.shape.chunk - 1 if isinstance(self.encoder, AttentionEncoder) else 0

    def push(self, samples: NDArray[np.float32], *, final: bool = False) -> Tensor:
        """Return the new encoder frames, `(1, n_new, n_units)`; `final` says that nothing more comes."""
        with torch.no_grad():
            new = self._subsampled(self.features.push(samples, final=final))
            if isinstance(self.encoder, RecurrentEncoder):
                return self._recurrent(self.encoder, new)
            return self._chunked(self.encoder, new, final)

    def _subsampled(self, frames: Tensor) -> Tensor:
        """Run the causal convolutions on what is new and the little that they see before it."""
        if not frames.shape[1]:
            return torch.zeros(1, 0, self.shape.n_units)
        self._kept = torch.cat([self._kept, frames], 1)
        out, _ = self.encoder.subsampling(self._kept, torch.tensor([self._kept.shape[1]]))
        new = out[:, self._n_short - self._n_before // self.shrink :]
        self._n_short += new.shape[1]
        first = max(self._n_before, (self._n_short - 3) * self.shrink)  # the convolutions see fewer frames back
        self._kept, self._n_before = self._kept[:, first - self._n_before :], first
        return new

    def _recurrent(self, encoder: RecurrentEncoder, frames: Tensor) -> Tensor:
        if not frames.shape[1]:
            return torch.zeros(1, 0, encoder.n_units)
        for i, (layer, norm) in enumerate(zip(encoder.layers, encoder.norms, strict=True)):
            out, self._states[i] = layer(frames, torch.tensor([frames.shape[1]]), self._states[i])
            frames = norm(out)
        return frames

    def _chunked(self, encoder: AttentionEncoder, frames: Tensor, final: bool) -> Tensor:
        """Run the blocks on whole chunks and as much before them as their frames can depend on."""
        self._short = frames if not self._short.shape[1] else torch.cat([self._short, frames], 1)
        how, n_known = self.shape, self._n_dropped + self._short.shape[1]
        n_ready = n_known if final else n_known // how.chunk * how.chunk
        n_new = n_ready - self._n_out
        if n_new <= 0:
            return torch.zeros(1, 0, encoder.n_units)
        window = self._short[:, : n_ready - self._n_dropped]
        out = encoder.body(window, torch.tensor([window.shape[1]]))[:, self._n_out - self._n_dropped :]
        self._n_out = n_ready
        reach = how.n_layers * (how.n_left * how.chunk + how.chunk + how.kernel)
        drop = max(0, n_ready - reach - self._n_dropped) // how.chunk * how.chunk
        self._short, self._n_dropped = self._short[:, drop:], self._n_dropped + drop
        return out


def traces_of(recognizer: EndToEnd, chunks: Iterable[NDArray[np.float32]]) -> Iterator[Trace]:
    """Yield a growing Trace after each chunk of samples; see `StreamingRecognizer.stream`."""
    encoder = EncoderStream(recognizer.network)
    reader, frames = recognizer.reader, torch.zeros(1, 0, recognizer.network.encoder.n_units)
    search = reader.search() if isinstance(reader, TransducerReader) else None
    heard_any = False
    for chunk, final in _with_last(chunks):
        new = encoder.push(np.asarray(chunk, np.float32), final=final)
        frames = torch.cat([frames, new], 1)
        heard_any = heard_any or encoder.features.samples.size > 0
        if search is not None and isinstance(reader, TransducerReader):
            search.advance(reader.projected(new[0]))
        if heard_any:
            yield _partial(recognizer, reader, frames, encoder.features.samples, (search, final))


def _partial(
    recognizer: EndToEnd, reader: Any, frames: Tensor, samples: NDArray[np.float32], so_far: tuple[Any, bool]
) -> Trace:
    search, final = so_far
    card, network = recognizer.card, recognizer.network
    recording, n = Recording(samples, card.shape.front_end.rate_hz), frames.shape[1]
    grid = network.grids(samples.size)["encoder"]
    with torch.no_grad():
        heard = Encoded(frames, torch.tensor([n]), dataclasses.replace(grid, n_frames=n), recording.duration_s)
        if search is not None:
            found = reader.found(search, final=final)
        elif final or n == 0:
            found = reader.hypotheses(heard) if n else reader.read(np.zeros((0, 1)))
        else:
            assert isinstance(reader, CtcReader)
            found = (greedy_text(reader.log_probs(heard), card),)
        parts = {"alignment": reader.alignment(heard, found[0].words)}
    return Trace(recording, found, recognizer.provenance, parts, missing_parts(card, network))


def _with_last(chunks: Iterable[NDArray[np.float32]]) -> Iterator[tuple[NDArray[np.float32], bool]]:
    """Yield every chunk and whether it is the last."""
    before: NDArray[np.float32] | None = None
    for chunk in chunks:
        if before is not None:
            yield before, False
        before = chunk
    if before is not None:
        yield before, True


@dataclass(frozen=True)
class StreamingLatency:
    """How long one waits for a streaming recogniser, measured on one recording.

    Parameters
    ----------
    algorithmic_s
        By construction: the rest of a chunk, and of the windows, that a frame must wait for.
    computing_s
        Time spent on each chunk, `(n_chunks,)`, on this machine.
    word_delays_s
        For each word of the final text: from the end of the word to the end of the first chunk whose text has it (and
        all before it), plus the time spent on that chunk.
    chunk_s
        Length of the chunks.
    """

    algorithmic_s: float
    computing_s: NDArray[np.float64]
    word_delays_s: tuple[float, ...]
    chunk_s: float

    @property
    def real_time_factor(self) -> float:
        """Time spent for each second of sound."""
        return float(self.computing_s.sum() / (self.chunk_s * self.computing_s.size))


def measure_latency(recognizer: EndToEnd, recording: Recording, *, chunk_s: float = 0.1) -> StreamingLatency:
    """Stream a recording at the front end's rate in chunks and measure how late its words come.

    Raises
    ------
    BadInput
        The recording has another rate than the front end, or chunks have no sample.
    """
    front_end = recognizer.card.shape.front_end
    size = round(chunk_s * front_end.rate_hz)
    if recording.rate_hz != front_end.rate_hz or size < 1:
        raise BadInput(f"latency is measured at {front_end.rate_hz} Hz in chunks of a sample or more")
    chunks = [recording.samples[i : i + size] for i in range(0, recording.n_samples, size)]
    traces, spent = [], []
    started = time.perf_counter()
    for trace in traces_of(recognizer, chunks):
        traces.append(trace)
        spent.append(time.perf_counter() - started)
        started = time.perf_counter()
    final = traces[-1].hypothesis.words
    delays = []
    for k, word in enumerate(traces[-1].words):
        first = next(i for i, trace in enumerate(traces) if trace.hypothesis.words[: k + 1] == final[: k + 1])
        end_s = min((first + 1) * chunk_s, recording.duration_s)
        delays.append(end_s - word.end_s + spent[first])
    encoder = EncoderStream(recognizer.network)
    grid = recognizer.network.grids(recording.n_samples)["encoder"]
    wait = encoder.delay_frames * grid.hop + front_end.window // 2
    return StreamingLatency(wait / front_end.rate_hz, np.array(spent), tuple(delays), chunk_s)
