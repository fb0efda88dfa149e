"""What a Whisper checkpoint itself asks of decoding: what its files say goes in, our options come out.

`generation_config.json` says it; checkpoints from before there was such a file say it in `config.json`, the oldest as
tokens at fixed places (`forced_decoder_ids`). What is taken from where is as in transformers 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from otoscope.core import CorruptWeights
from otoscope.recognizers.checkpoints.folder import read_json
from otoscope.recognizers.whisper.tokens import Tokens

if TYPE_CHECKING:
    from otoscope.recognizers.checkpoints.folder import Checkpoint

GENERATION = "generation_config.json"
FORCED = "forced_decoder_ids"
HEADS = "alignment_heads"


def generation_of(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return what a checkpoint says of decoding.

    Heads that this decoder does not have are left out, all of them: fine-tunes and distilled models with the list of a
    larger one name heads of other meaning, if any.
    """
    config = checkpoint.config
    path = checkpoint.folder / GENERATION
    said = {**read_json(path)} if path.is_file() else dict(config)
    if said.get(FORCED) is None:
        said[FORCED] = config.get(FORCED)
    n_layers, n_heads = (int(config.get(name) or 0) for name in ("decoder_layers", "decoder_attention_heads"))
    named = said.get(HEADS) or ()
    if not all(0 <= layer < n_layers and 0 <= head < n_heads for layer, head in named):
        del said[HEADS]
    return said


def own_options(tokens: Tokens, generation: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that a checkpoint asks for: language, task, beams, their length penalty, most tokens.

    Parameters
    ----------
    tokens
        Of the checkpoint.
    generation
        From `generation_of`.

    Raises
    ------
    CorruptWeights
        It asks for a language or task that its tokens do not have.
    """
    found: dict[str, Any] = {}
    if tokens.multilingual:
        found |= _language_and_task(tokens, generation)
    if (n_beams := int(generation.get("num_beams") or 1)) > 1:
        found["beam_size"] = n_beams
        if (penalty := generation.get("length_penalty")) is not None:
            found["length_penalty"] = float(penalty)
    if (most := _most_tokens(generation)) is not None:
        found["most_tokens"] = most
    return found


def _language_and_task(tokens: Tokens, generation: Mapping[str, Any]) -> dict[str, str]:
    language, task = generation.get("language"), generation.get("task")
    if language is None and task is None:
        forced = {int(place): token for place, token in generation.get(FORCED) or () if token is not None}
        language = next((code for code, token in tokens.languages.items() if token in forced.values()), None)
        task = next((name for name, token in tokens.tasks.items() if token in forced.values()), None)
    if task is not None and task not in tokens.tasks:
        raise CorruptWeights(f"the checkpoint's {GENERATION} asks for the task {task!r}; give another with task=")
    found = {"language": tokens.language_code(language) if language else None, "task": task}
    return {name: value for name, value in found.items() if value is not None}


def _most_tokens(generation: Mapping[str, Any]) -> int | None:
    """Return how many tokens are to be written at most, `None` where that is up to the decoder.

    transformers' `generate` of Whisper counts `max_length` from the first that is written.
    """
    named = (generation.get(name) for name in ("max_new_tokens", "max_length"))
    return next((int(most) for most in named if most is not None), None)
