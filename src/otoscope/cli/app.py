"""The `otoscope` command: its verbs, and how errors and interruptions end."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from typer.exceptions import TyperException

from otoscope import __version__
from otoscope.core.errors import Interrupted, OtoscopeError

EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130

app = typer.Typer(
    name="otoscope",
    help="Look inside a speech recogniser: what it heard, why, and what a human listener would have heard.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"otoscope {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Look inside a speech recogniser: what it heard, why, and what a human listener would have heard."""


def _register_verbs() -> None:
    from otoscope.cli import (
        align,
        analyze,
        compare,
        corpus,
        diagnose,
        evaluate,
        experiment,
        explain,
        fit_listener,
        lexicon,
        listen,
        lm,
        models,
        recognizers,
        selftest,
        study,
        teach_probe,
        train,
        transcribe,
    )

    for verb in (
        explain,
        listen,
        experiment,
        fit_listener,
        analyze,
        transcribe,
        align,
        evaluate,
        compare,
        diagnose,
        teach_probe,
        recognizers,
        train,
        models,
        corpus,
        lexicon,
        lm,
        study,
        selftest,
    ):
        verb.register(app)


_register_verbs()


def _one_line(error: BaseException) -> str:
    text = error.format_message() if isinstance(error, TyperException) else str(error)
    return " ".join(text.split()) or type(error).__name__


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0 done, 2 bad input, 130 interrupted.

    Errors the user can mend come out as one line on stderr; anything else is our mistake and keeps its traceback.
    A character that the terminal's encoding lacks is printed as an escape, as Python does on stderr.
    """
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        result = app(args=None if arguments is None else list(arguments), standalone_mode=False, prog_name="otoscope")
    except Interrupted as error:
        return _interrupted(_one_line(error))
    except (OtoscopeError, TyperException) as error:
        print(f"otoscope: {_one_line(error)}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    if result == EXIT_INTERRUPTED:  # what typer makes of Ctrl-C
        return _interrupted()
    return result if isinstance(result, int) else 0


def _interrupted(kept: str = "files already written are kept") -> int:
    print(f"otoscope: interrupted; {kept}", file=sys.stderr)
    return EXIT_INTERRUPTED
