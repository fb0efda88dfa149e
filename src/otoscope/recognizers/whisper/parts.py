"""What a Whisper checkpoint is made of: network, tokens, front end, and what its configuration says of decoding."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from otoscope.core import CorruptWeights
from otoscope.nets.open_edits import OpenEdits
from otoscope.nets.weights import shuffled
from otoscope.recognizers.checkpoints.attention import implementation_of
from otoscope.recognizers.checkpoints.opening import loaded
from otoscope.recognizers.checkpoints.places import Places
from otoscope.recognizers.whisper.features import FrontEnd
from otoscope.recognizers.whisper.network import Network
from otoscope.recognizers.whisper.own_settings import generation_of, own_options
from otoscope.recognizers.whisper.rules import Never, NotFirst, Rule, TimesInOrder
from otoscope.recognizers.whisper.sites import whisper_places
from otoscope.recognizers.whisper.tokens import Tokens

if TYPE_CHECKING:
    from otoscope.recognizers.checkpoints.folder import Checkpoint


class Ears(Protocol):
    """What is needed to bring sound and prompts before a Whisper, whatever runs it."""

    @property
    def tokens(self) -> Tokens: ...  # noqa: D102
    @property
    def front_end(self) -> FrontEnd: ...  # noqa: D102
    @property
    def n_context(self) -> int: ...  # noqa: D102


@dataclass(frozen=True)
class Parts:
    """An opened checkpoint.

    Parameters
    ----------
    name, weights_sha256
        Of the checkpoint, for provenance; no hash where the weights are others.
    network, tokens, front_end
        What hears, writes and listens.
    generation
        What the checkpoint says of decoding; see `own_settings.generation_of`.
    attention
        `eager` or `sdpa`.
    weights
        How the weights differ from those of the checkpoint's files; empty where they are those.
    """

    name: str
    weights_sha256: str | None
    network: Network
    tokens: Tokens
    front_end: FrontEnd
    generation: Mapping[str, Any]
    attention: str
    weights: str = ""

    @property
    def n_context(self) -> int:
        """Most tokens the decoder takes, those it is given included."""
        return self.network.n_context

    def rules(self, *, timestamps: bool) -> tuple[Rule, ...]:
        """Return what may be written, as the checkpoint's configuration says."""
        rules: list[Rule] = []
        if first := self._listed("begin_suppress_tokens"):
            rules.append(NotFirst(first))
        if never := self._listed("suppress_tokens"):
            rules.append(Never(never))
        if timestamps:
            rules.append(TimesInOrder(self.tokens, self.generation.get("max_initial_timestamp_index")))
        return tuple(rules)

    def _listed(self, name: str) -> Sequence[int]:
        return [int(i) for i in self.generation.get(name) or () if 0 <= int(i) < self.tokens.n_tokens]

    def shuffled(self, *, seed: int, share: float) -> Parts:
        """Return the same parts with the weights of the network shuffled; see `otoscope.nets.weights.shuffled`."""
        model = shuffled(self.network.model, seed=seed, share=share, fixed=("model.encoder.embed_positions.weight",))
        said = f"those of {self.weights_sha256}, shuffled by seed {seed}, share {share:g} from the output"
        return dataclasses.replace(self, network=Network(model), weights_sha256=None, weights=said)

    @cached_property
    def places(self) -> Places:
        """The named places of the network."""
        return whisper_places(self.network, attention=self.attention)

    @property
    def open_edits(self) -> OpenEdits:
        """The edits that are open in the network."""
        return OpenEdits(self.places)

    @cached_property
    def own_options(self) -> dict[str, Any]:
        """The options that the checkpoint's configuration asks for; see `own_settings.own_options`."""
        return own_options(self.tokens, self.generation)


def read_parts(checkpoint: Checkpoint, attention: str) -> Parts:
    """Open the files of a checkpoint.

    Raises
    ------
    CorruptWeights
        A file is missing, damaged, or does not fit the others.
    BadInput
        There is no such kind of attention.
    """
    from transformers import WhisperForConditionalGeneration

    model = loaded(WhisperForConditionalGeneration, checkpoint, attn_implementation=implementation_of(attention))
    network = Network(model)
    generation = generation_of(checkpoint)
    tokens = Tokens(tokenizer_of(Path(checkpoint.folder)), generation, int(model.config.vocab_size))
    front_end = front_end_of(model.config)
    return Parts(checkpoint.name, checkpoint.sha256, network, tokens, front_end, generation, attention)


def tokenizer_of(folder: Path) -> Any:
    """Return the tokenizer of a checkpoint's folder, of the library tokenizers; raises `CorruptWeights`."""
    from tokenizers import Tokenizer

    if (folder / "tokenizer.json").is_file():
        try:
            found = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:  # tokenizers raises plain Exception
            raise CorruptWeights(f"{folder / 'tokenizer.json'} is damaged: {error}; get it anew") from error
        found.no_padding()  # a fine-tune's file may hold how its training batches were made
        found.no_truncation()
        return found
    if not (folder / "vocab.json").is_file() or not (folder / "merges.txt").is_file():
        raise CorruptWeights(f"{folder} has no tokenizer: neither tokenizer.json nor vocab.json with merges.txt")
    from transformers import WhisperTokenizer

    return WhisperTokenizer.from_pretrained(folder, local_files_only=True).backend_tokenizer


def front_end_of(config: Any) -> FrontEnd:
    """Return the ears that a configuration asks for."""
    return FrontEnd(int(config.num_mel_bins), 2 * int(config.max_source_positions))
