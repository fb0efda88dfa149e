"""One recording of a corpus and what is said in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from otoscope.core import BadInput, Recording, Tier
from otoscope.io.audio import read_recording
from otoscope.io.formats import read_annotations


@dataclass(frozen=True)
class Utterance:
    """A sound file, or a stretch or channel of one, with its text; the sound is read when it is asked for.

    Parameters
    ----------
    id
        Names the utterance in its corpus.
    path
        The audio file.
    text, speaker, split
        As the corpus has them.
    duration_s
        Length of the utterance, as the corpus says.
    start_s, end_s
        Where the utterance lies in the file; `end_s` is `None` where it goes to the file's end.
    channel
        Which channel of the file, from 0; `None` takes the mean of all.
    annotation
        Known words and phones in time: a tier file, or the tiers themselves, with times from the utterance's start.
    where
        File and line this comes from, for messages.
    """

    id: str
    path: Path
    text: str
    speaker: str
    split: str
    duration_s: float
    start_s: float = 0.0
    end_s: float | None = None
    channel: int | None = None
    annotation: Path | tuple[Tier, ...] | None = None
    where: str = field(default="", compare=False, repr=False)

    @property
    def is_whole_file(self) -> bool:
        """Whether the utterance is all of its file."""
        return self.start_s == 0.0 and self.end_s is None and self.channel is None

    def recording(self, *, rate_hz: int | None = 16000) -> Recording:
        """Read the sound as one channel at `rate_hz` (`None` keeps the file's own rate).

        Raises
        ------
        BadAudio
            The file cannot be read, lacks the channel, or ends before the utterance does.
        """
        if self.is_whole_file:
            return read_recording(self.path, rate_hz=rate_hz)
        from otoscope.corpora.stretches import read_stretch

        stretch = (self.start_s, self.end_s)
        return read_stretch(self.path, stretch, channel=self.channel, rate_hz=rate_hz)

    def tiers(self) -> tuple[Tier, ...]:
        """Return the known words and phones in time.

        Raises
        ------
        BadInput
            The corpus has none for this utterance.
        BadFormat
            The tier file cannot be read.
        """
        if self.annotation is None:
            raise BadInput(
                f"utterance {self.id!r} has no tiers; synthetic corpora have, see `otoscope corpus synthesize`"
            )
        if isinstance(self.annotation, Path):
            return read_annotations(self.annotation)[0].tiers
        return self.annotation
