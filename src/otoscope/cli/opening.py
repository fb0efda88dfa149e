"""Opening a recogniser with what the command line was told of language, task and prompt."""

from __future__ import annotations

from otoscope.core import BadInput, OtoscopeError, Recognizer


def open_recognizer(name: str, **asked: str | None) -> Recognizer:
    """Return a recogniser opened with the options that were given; `None` was not given.

    Raises
    ------
    BadInput
        The recogniser knows no such option.
    OtoscopeError
        It cannot be opened.
    """
    from otoscope.recognizers import load

    given = {option: value for option, value in asked.items() if value is not None}
    try:
        return load(name, **given)
    except OtoscopeError as error:
        unknown = [option for option in given if f"unexpected keyword argument {option!r}" in str(error)]
        if not unknown:
            raise
        raise BadInput(f"recogniser {name!r} takes no --{unknown[0]}; leave it out, or use a Whisper model") from None
