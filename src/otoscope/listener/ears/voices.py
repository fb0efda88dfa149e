"""Synthetic voices of English: those the listener's front end learns from, and those kept to judge it.

A voice is a timbre of espeak-ng (its "variant") speaking with an accent. No timbre stands in two of the three lists:
what is judged was never heard, in any accent.
"""

from __future__ import annotations

JUDGED = (
    "gmw/en-US+f3",
    "gmw/en-US+f5",
    "gmw/en-US+m2",
    "gmw/en-US+m5",
    "gmw/en-US+m7",
    "gmw/en-US+Alicia",
    "gmw/en-US+Andy",
    "gmw/en-US+Denis",
    "gmw/en-US+belinda",
    "gmw/en-US+boris",
    "gmw/en-US+caleb",
    "gmw/en-US+david",
    "gmw/en-US+linda",
    "gmw/en-US+quincy",
    "gmw/en-US+victor",
    "gmw/en-US-nyc+shelby",
    "gmw/en-US-nyc+travis",
    "gmw/en-US-nyc+marcelo",
    "gmw/en-GB-x-rp+grandma",
    "gmw/en-GB-scotland+norbert",
)
"""Twenty voices for judging a listener; nothing is trained on, or chosen by, any of them."""

VALIDATION = (
    "gmw/en-US+f1",
    "gmw/en-US+m4",
    "gmw/en-US+anika",
    "gmw/en-US+benjamin",
    "gmw/en-US-nyc+f1",
    "gmw/en-US-nyc+benjamin",
    "gmw/en-GB-x-rp+m4",
    "gmw/en-GB-scotland+anika",
)
"""Voices by which settings and checkpoints are chosen: four timbres, in the accents that are judged too."""

UNNATURAL = ("whisper", "robo", "demonic", "croak", "tweaky", "storm", "fast", "announcer", " ")
"""Parts of the names of timbres that sound like no talker; one with a blank in its name cannot be asked for."""

TWINS = ("AnxiousAndy", "grandpa")
"""Timbres that differ from a kept one in little; left out of training too."""

ACCENTS = {
    "gmw/en-US": 0.52,
    "gmw/en-US-nyc": 0.18,
    "gmw/en-GB-x-rp": 0.11,
    "gmw/en-GB-scotland": 0.11,
    "gmw/en": 0.05,
    "gmw/en-029": 0.03,
}
"""Accents in training, and their shares."""


def timbre(voice: str) -> str:
    """Return the timbre of a voice.

    Examples
    --------
    >>> timbre("gmw/en-US+f3")
    'f3'
    """
    return voice.partition("+")[2]


def training_timbres() -> tuple[str, ...]:
    """Return the timbres that may be trained on, sorted.

    Raises
    ------
    MissingExtra
        espeakng-loader is not installed.
    """
    from otoscope.signal.synthesis import variants

    kept = {timbre(voice) for voice in (*JUDGED, *VALIDATION)} | set(TWINS)
    natural = (name for name in variants() if not any(part in name.lower() for part in UNNATURAL))
    return tuple(name for name in natural if name not in kept)
