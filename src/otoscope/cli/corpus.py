"""`otoscope corpus`: what a corpus holds, what is wrong with it, another format for it, and synthetic ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from otoscope.core.errors import BadInput

if TYPE_CHECKING:
    from otoscope.corpora import SoundAugmentation

MOST_ROWS = 100
"""Findings in the table; --json gives all."""

Corpus = Annotated[Path, typer.Argument(help="A folder or manifest: ours, Lhotse, Kaldi, Common Voice or LibriSpeech.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def register(app: typer.Typer) -> None:
    """Add the group of verbs to the command line."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Look into, check, convert and make corpora.")
    for verb in (info, validate, convert, synthesize):
        group.command()(verb)
    app.add_typer(group, name="corpus")


def info(path: Corpus, as_json: AsJson = False) -> None:
    """Say how much a corpus holds.

    Utterances, speakers, hours and words of each split; no sound is decoded.
    """
    from otoscope.cli.printing import print_json, print_table
    from otoscope.cli.progress import working
    from otoscope.corpora import info as run

    with working(f"reading {path}"):
        summary = run(path)
    if as_json:
        print_json(summary)
        return
    print(f"{summary.path}: {summary.kind}")
    rows = [*summary.splits, *([summary.total] if len(summary.splits) > 1 else [])]
    cells = [
        (r.split, r.n_utterances, r.n_speakers, f"{r.duration_s / 3600:.3f}", r.n_words, r.n_different_words)
        for r in rows
    ]
    header = ["split", "utterances", "speakers", "hours", "words", "different words"]
    print_table(header, [[str(cell) for cell in row] for row in cells])


def validate(
    path: Corpus,
    sound: Annotated[bool, typer.Option(help="Decode every sound file.")] = True,
    lexicon: Annotated[
        Path | None, typer.Option(help="File of known words, one a line (what follows a word is passed over).")
    ] = None,
    n_workers: Annotated[int | None, typer.Option(min=1, help="Files decoded at once; all processors.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say what is wrong with a corpus, and where.

    Each finding names file and line. The exit code is 1 if one of them is an error.
    """
    from otoscope.cli.printing import print_json, print_table
    from otoscope.cli.progress import progress_bar
    from otoscope.corpora import validate as run

    words = None if lexicon is None else _first_words(lexicon)
    with progress_bar("utterances checked") as progress:
        findings = run(path, sound=sound, lexicon=words, n_workers=n_workers, progress=progress)
    n_errors = sum(finding.severity == "error" for finding in findings)
    if as_json:
        print_json({"errors": n_errors, "warnings": len(findings) - n_errors, "findings": findings})
    else:
        if findings:
            rows = [[f.severity, f.code, f.where, f.message] for f in findings[:MOST_ROWS]]
            print_table(["severity", "code", "where", "what"], rows)
        if len(findings) > MOST_ROWS:
            print(f"… and {len(findings) - MOST_ROWS} more; --json gives all")
        print(f"{n_errors} errors, {len(findings) - n_errors} warnings")
    if n_errors:
        raise typer.Exit(1)


def convert(
    path: Corpus,
    output: Annotated[Path, typer.Argument(help="Folder to write into, made if need be.")],
    to: Annotated[str, typer.Option(help="lhotse, manifest or kaldi.")] = "lhotse",
    split: Annotated[str | None, typer.Option(help="Only this split; all by default.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write a corpus as another kind.

    Sound files stay where they are and are named, not copied.
    """
    from otoscope.cli.printing import print_json
    from otoscope.cli.progress import working
    from otoscope.corpora import convert as run

    with working(f"converting {path}"):
        written = run(path, output, to=to, split=split)
    if as_json:
        print_json({"written": written})
    else:
        print("\n".join(map(str, written)))


def synthesize(
    texts: Annotated[Path, typer.Argument(help="File of texts, one a line.")],
    output: Annotated[Path, typer.Argument(help="Folder of the corpus, made if need be.")],
    n_voices: Annotated[int, typer.Option(min=1, help="How many speakers.")] = 20,
    texts_per_voice: Annotated[int | None, typer.Option(min=1, help="Texts each says; all by default.")] = None,
    splits: Annotated[str, typer.Option(help="Names and shares of the voices.")] = "train=0.8,valid=0.1,test=0.1",
    seed: Annotated[int, typer.Option(min=0, help="Seed of everything random.")] = 0,
    rate_hz: Annotated[int, typer.Option(min=8000, help="Samples per second.")] = 16000,
    skip_unspeakable: Annotated[
        bool, typer.Option(help="Leave out texts whose words espeak-ng runs together, instead of stopping.")
    ] = False,
    noise: Annotated[Path | None, typer.Option(help="Add noises of this corpus (its split train).")] = None,
    snr_db: Annotated[tuple[float, float], typer.Option(help="Least and most signal-to-noise ratio.")] = (0.0, 25.0),
    rooms: Annotated[int, typer.Option(min=0, help="Let them speak in so many random rooms; 0 for none.")] = 0,
    telephone: Annotated[bool, typer.Option(help="Send everything through telephone lines.")] = False,
    n_workers: Annotated[int | None, typer.Option(min=1, help="Utterances made at once; all processors.")] = None,
    as_json: AsJson = False,
) -> None:
    """Let synthetic voices say texts.

    The corpus has the true words and phones in time (needs the extra synth). The same command makes the same bytes;
    interrupted, it goes on where it stopped.
    """
    from otoscope.cli.printing import print_json
    from otoscope.cli.progress import progress_bar
    from otoscope.corpora import SyntheticPlan
    from otoscope.corpora import synthesize as run

    plan = SyntheticPlan(
        n_voices=n_voices,
        texts_per_voice=texts_per_voice,
        splits=_shares(splits),
        seed=seed,
        rate_hz=rate_hz,
        skip_unspeakable=skip_unspeakable,
    )
    effects = _effects(noise, snr_db, rooms, telephone, seed=seed, rate_hz=rate_hz)
    lines = _lines(texts)
    with progress_bar("utterances spoken") as progress:
        made = run(lines, output, plan=plan, effects=effects, n_workers=n_workers, progress=progress)
    told: dict[str, Any] = {
        "manifest": output / "manifest.tsv",
        "n_utterances": len(made),
        "duration_s": round(sum(u.duration_s for u in made), 3),
        "skipped": output / "skipped.tsv" if (output / "skipped.tsv").is_file() else None,
    }
    if as_json:
        print_json(told)
    else:
        skipped = f"; texts left out are in {told['skipped']}" if told["skipped"] else ""
        print(f"{told['manifest']}: {len(made)} utterances, {told['duration_s'] / 3600:.3f} h{skipped}")


def _effects(
    noise: Path | None, snr_db: tuple[float, float], rooms: int, telephone: bool, *, seed: int, rate_hz: int
) -> SoundAugmentation | None:
    """Return what is laid over the speech, each part over all of it; `None` for nothing."""
    if noise is None and not rooms and not telephone:
        return None
    from otoscope.corpora import SoundAugmentation
    from otoscope.corpora.rooms import random_rooms
    from otoscope.corpora.sound_bank import noise_bank

    return SoundAugmentation(
        speeds=(1.0,),
        noise=None if noise is None else noise_bank(noise, rate_hz=rate_hz),
        noise_share=1.0,
        noise_snr_db=snr_db,
        hiss_share=0.0,
        rooms=random_rooms(rooms, seed=seed, rate_hz=rate_hz) if rooms else None,
        room_share=1.0,
        telephone_share=float(telephone),
        gain_db=(0.0, 0.0),
    )


def _shares(given: str) -> dict[str, float]:
    """Return the shares in `train=0.8,test=0.2`."""
    try:
        return {name.strip(): float(share) for name, share in (part.split("=") for part in given.split(","))}
    except ValueError:
        raise BadInput(f"--splits needs names and shares such as train=0.8,test=0.2, got {given!r}") from None


def _lines(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot read {path}: {error}") from error
    found = [line.strip() for line in lines if line.strip()]
    if not found:
        raise BadInput(f"{path} holds no text")
    return found


def _first_words(path: Path) -> set[str]:
    """Return the first word of each line, in lower case, without the `(2)` of further pronunciations."""
    return {line.split()[0].lower().partition("(")[0] for line in _lines(path)}
