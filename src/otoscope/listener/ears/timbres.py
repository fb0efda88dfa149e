"""Timbres of our own for espeak-ng: blends of those that may be trained on, so that ears meet hundreds of talkers.

A timbre is a small text: a line each for pitch, the formants' frequencies, strengths and widths, roughness, breath and
so on, each relative to the plain voice. A blend takes every line from one of two timbres, then moves pitch and formants
a little. None is made of a timbre that is kept to judge or to validate (`otoscope.listener.ears.voices`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from otoscope.core import BadInput

TRACT = (0.9, 1.1)
"""Least and most that all formants of a blend are moved by together, as by the length of the vocal tract."""
FORMANT, STRENGTH, WIDTH = (0.96, 1.04), (0.8, 1.2), (0.85, 1.2)
"""The same for each formant alone: its frequency, its strength, its width."""
PITCH = (0.8, 1.25)
MOST = 320
"""Timbres that espeak-ng can find beside a few languages."""

Lines = Mapping[str, Sequence[str]]


def read_timbre(text: str) -> dict[str, tuple[str, ...]]:
    """Return the settings of a timbre: by name (`formant 1`, `pitch`, …) the values; remarks and its own name left out.

    Examples
    --------
    >>> read_timbre("language variant\\nname Rob\\npitch 50 130 // low\\nformant 1 95 100 60")
    {'pitch': ('50', '130'), 'formant 1': ('95', '100', '60')}
    """
    found: dict[str, tuple[str, ...]] = {}
    for line in text.splitlines():
        words = line.partition("//")[0].partition("#")[0].split()
        if len(words) < 2 or words[0] in ("language", "name", "gender"):
            continue
        n_names = 2 if words[0] == "formant" else 1
        found[" ".join(words[:n_names])] = tuple(words[n_names:])
    return found


def blended(first: Lines, second: Lines, rng: np.random.Generator) -> str:
    """Return the text of a timbre whose every line is one of two timbres' own, pitch and formants moved a little."""
    lines = ["language variant"]
    tract = rng.uniform(*TRACT)
    for name in sorted({*first, *second}):
        source = first if rng.random() < 0.5 else second
        values = source.get(name)
        if values is None:
            continue
        if name == "pitch":
            values = _scaled(values, [rng.uniform(*PITCH)] * len(values))
        elif name.startswith("formant"):
            # Formant 0 is a low murmur, no resonance of the tract.
            factors = [rng.uniform(*FORMANT) * (1.0 if name.endswith(" 0") else tract)]
            values = _scaled(values, [*factors, rng.uniform(*STRENGTH), rng.uniform(*WIDTH)])
        lines.append(" ".join((name, *values)))
    return "\n".join(lines) + "\n"


def _scaled(values: Sequence[str], factors: Sequence[float]) -> tuple[str, ...]:
    """Return whole numbers, the first ones each times its factor."""
    scaled = [str(round(float(v) * f)) for v, f in zip(values, factors, strict=False)]
    return (*scaled, *values[len(scaled) :])


@contextmanager
def blended_timbres(timbres: Sequence[str], n: int, *, seed: int) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Lend a folder of espeak-ng's data with these timbres and `n` blends of them, and the names of the blends.

    espeak-ng finds 350 voices at most: the folder has only the Germanic languages, and no other timbres.

    Raises
    ------
    BadInput
        More voices are asked for than espeak-ng can find.
    MissingExtra
        espeakng-loader is not installed.
    """
    from otoscope.signal.synthesis import data_folder

    if n + len(timbres) > MOST:
        raise BadInput(f"espeak-ng can find {MOST} timbres beside its languages, got {len(timbres)} and {n} blends")
    data = Path(data_folder())
    read = [read_timbre((data / "voices" / "!v" / name).read_text("utf-8", errors="replace")) for name in timbres]
    rng = np.random.default_rng((seed, 29))
    with TemporaryDirectory(prefix="otoscope-timbres-") as place:
        own = Path(place)
        for folder in (own / "voices" / "!v", own / "lang"):
            folder.mkdir(parents=True)
        _link((path for path in data.iterdir() if path.name not in ("voices", "lang")), own)
        _link([data / "lang" / "gmw"], own / "lang")
        _link((data / "voices" / "!v" / name for name in timbres), own / "voices" / "!v")
        names = tuple(f"blend{k:03d}" for k in range(n))
        for name in names:
            first, second = rng.choice(len(read), 2, replace=len(read) < 2)
            (own / "voices" / "!v" / name).write_text(blended(read[first], read[second], rng), "utf-8")
        yield place, names


def _link(sources: Iterable[Path], folder: Path) -> None:
    for path in sources:
        (folder / path.name).symlink_to(path, target_is_directory=path.is_dir())
