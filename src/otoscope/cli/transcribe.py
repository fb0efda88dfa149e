"""`otoscope transcribe FILES`: what was said, in the format of your choice."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from otoscope.core import BadInput, Interrupted, OtoscopeError, UnknownName
from otoscope.recognizers.registry import DEFAULT

TEXT_FORMATS = ("txt", "ctm", "stm")
"""Formats in which several recordings can follow one another on stdout."""


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command()(transcribe)


def transcribe(
    files: Annotated[list[Path], typer.Argument(help="Audio files.")],
    recognizer: Annotated[str, typer.Option(help="A name from `otoscope recognizers`, or a saved folder.")] = DEFAULT,
    language: Annotated[
        str | None, typer.Option(help="Language that is spoken, for models of several; detected by default.")
    ] = None,
    task: Annotated[str | None, typer.Option(help="transcribe, or translate into English (Whisper).")] = None,
    prompt: Annotated[
        str | None, typer.Option(help="Text as if said before: names, spelling, style (Whisper).")
    ] = None,
    doubts: Annotated[
        bool, typer.Option("--doubts", help="Add a tier of the words that nobody may have said, and why (Whisper).")
    ] = False,
    format: Annotated[str, typer.Option(help="txt, json, srt, vtt, textgrid, ctm, stm, rttm or eaf.")] = "txt",
    output: Annotated[
        Path | None, typer.Option(help="Folder to write one file a recording into, made if need be; stdout by default.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As --format json; one line a recording.")] = False,
) -> None:
    """Write down what was said, with times, in a format that other tools read.

    Long recordings are read in blocks and cut at pauses. Each file is written as soon as it is done.
    """
    from otoscope.cli.opening import open_recognizer
    from otoscope.cli.progress import progress_bar
    from otoscope.recognizers.files import transcribe_file

    format = "json" if as_json else format
    _check(format, files, output)
    engine = open_recognizer(recognizer, language=language, task=task, prompt=prompt)
    with progress_bar("seconds heard") as progress:
        for index, path in enumerate(files):
            try:
                _write(transcribe_file(engine, path, doubts=doubts, progress=progress), path, format, output)
            except KeyboardInterrupt:
                raise Interrupted(f"{index} of {len(files)} recordings were finished and are kept") from None
            except OtoscopeError as error:
                kept = f"; {index} of {len(files)} recordings were finished and are kept" if len(files) > 1 else ""
                raise BadInput(f"{error}{kept}") from error


def _check(format: str, files: Sequence[Path], output: Path | None) -> None:
    from otoscope.cli.inputs import check_writable
    from otoscope.io.formats import FORMATS, SUFFIXES
    from otoscope.io.writing import make_folder

    if format != "txt" and format not in FORMATS:
        raise UnknownName("format", format, ["txt", *FORMATS])
    if output is None:
        if len(files) > 1 and format not in (*TEXT_FORMATS, "json"):
            raise BadInput(f"{len(files)} recordings in format {format} need a folder: add --output FOLDER")
        return
    if not output.exists() and output.suffix in {".txt", *SUFFIXES.values()}:
        raise BadInput(f"--output {output} looks like a file; name a folder, or leave --output out and use > {output}")
    names = [path.stem for path in files]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise BadInput(f"two of the recordings are called {twice!r} and would overwrite each other in {output}")
    make_folder(output)
    check_writable(output / "probe")


def _write(annotation: Any, path: Path, format: str, output: Path | None) -> None:
    from otoscope.io.annotation import WORDS
    from otoscope.io.formats import SUFFIXES, dumps
    from otoscope.io.writing import write_text
    from otoscope.lexicon.spaces import written

    text = written(annotation.tier(WORDS).labels) + "\n" if format == "txt" else dumps(annotation, format)
    if output is None and format == "json":
        print(json.dumps(json.loads(text), ensure_ascii=False), flush=True)
    elif output is None:
        print(text, end="" if text.endswith("\n") else "\n", flush=True)
    else:
        write_text(output / f"{path.stem}{SUFFIXES.get(format, '.txt')}", text)
