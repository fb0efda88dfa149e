"""How Whisper is to hear: language, task, prompt, search and when to try again."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from otoscope.core import BadInput, UnknownName
from otoscope.core.arrays import set_frozen
from otoscope.recognizers.whisper.times import TimesBy

Task = Literal["transcribe", "translate"]

LADDER = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
"""Temperatures that are tried in turn (Radford et al. 2023, section 4.5)."""


@dataclass(frozen=True)
class Options:
    """How to hear; equal options and weights give equal answers.

    Parameters
    ----------
    language
        Code or English name (`de`, `german`); `None` takes the likeliest of each window. English-only models take none.
    task
        `transcribe`, or `translate` into English.
    prompt
        Text that stands before what is heard, as if it had been said: spelling of names, style. `None` for none.
    timestamps
        Whether the model also writes when segments begin and end.
    beam_size
        Hypotheses that are kept in the search at temperature 0; 1 takes the likeliest token each time.
    n_best
        Most hypotheses given back.
    length_penalty
        A hypothesis of the beam is ranked by its log probability divided by its number of tokens to this power.
    temperatures
        Tried in turn until a reading is neither repetitive nor unlikely; above 0 tokens are drawn at random.
    best_of
        Readings drawn at each temperature above 0, of which the likeliest is taken.
    seed
        Of what is drawn.
    most_compression, least_log_prob
        A reading whose text compresses by more, or whose mean log probability a token (nats) is less, is tried again
        at the next temperature; `None` never does.
    most_no_speech
        A window is left empty if the model's probability of no speech is higher *and* its reading is as unlikely as
        `least_log_prob` says; `None` never does.
    most_tokens
        Most tokens written in a window; `None` for as many as fit the decoder.
    times
        How words get their times from cross-attention; see `times.word_times`.
    long, condition
        How what is longer than 30 s is heard: `sequential` or `batched`, and whether the model then reads what it wrote
        before; see `long.hear_long`.
    most_nats
        `align` refuses a text if what is heard is likelier by more than this for each word that differs. The default,
        some twenty times likelier, is a convention; `fitting.learnt_limit` learns one from held-out speech.
    """

    language: str | None = None
    task: Task = "transcribe"
    prompt: str | None = None
    timestamps: bool = True
    beam_size: int = 1
    n_best: int = 5
    length_penalty: float = 1.0
    temperatures: tuple[float, ...] = (0.0,)
    best_of: int = 1
    seed: int = 0
    most_compression: float | None = 2.4
    least_log_prob: float | None = -1.0
    most_no_speech: float | None = 0.6
    most_tokens: int | None = None
    times: TimesBy = "states"
    long: Literal["sequential", "batched"] = "sequential"
    condition: bool = False
    most_nats: float = 3.0

    def __post_init__(self) -> None:
        set_frozen(self, temperatures=tuple(float(t) for t in self.temperatures))
        for name, kind in (("task", Task), ("times", TimesBy)):
            if getattr(self, name) not in get_args(kind):
                raise UnknownName(name, str(getattr(self, name)), get_args(kind))
        if not self.temperatures or min(self.temperatures) < 0 or list(self.temperatures) != sorted(self.temperatures):
            raise BadInput(
                f"temperatures must be rising numbers of 0 or more, such as {LADDER}, got {self.temperatures}"
            )
        for name in ("beam_size", "n_best", "best_of", "most_tokens"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int) or value < 1):
                raise BadInput(f"{name} must be a whole number of 1 or more, got {value!r}")

    def changed(self, **changes: Any) -> Options:
        """Return the same options but for `changes`.

        Raises
        ------
        UnknownName
            There is no such option.
        """
        known = {field.name: getattr(self, field.name) for field in fields(self)}
        if unknown := [name for name in changes if name not in known]:
            raise UnknownName("option", unknown[0], known)
        return Options(**{**known, **changes})

    def as_json(self) -> dict[str, Any]:
        """Return what a `Provenance` says of them."""
        told: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        return {**told, "temperatures": list(self.temperatures)}
