"""Runs espeak-ng for one request, in a process of its own; standard library only.

espeak-ng keeps state from one utterance to the next (repeats in one process differ) and aborts when two threads use
it. One short-lived process for each utterance gives the same samples every time, whatever the caller does.

A request is one JSON object on standard input: `library`, `data`, and for synthesis `text`, `voice`, `rate_wpm`,
`pitch`, `pitch_range`, and `phonemes` where the text holds espeak-ng's names of phones in `[[ ]]`. The answer on
standard output is one line of JSON, then raw 16-bit samples of this machine's byte order: `rate_hz`, and `events` as
`[type, sample, text_position, length, name]`; or `voices`; or `error`.
"""

from __future__ import annotations

import ctypes
import json
import sys
from typing import Any

SYNCHRONOUS, PHONEME_EVENTS, DO_NOT_EXIT = 2, 1, 0x8000
RATE, PITCH, PITCH_RANGE = 1, 3, 4
UTF8_WITH_END_PAUSE, NAMED_PHONES = 0x1001, 0x100
WORD, END, PHONEME = 1, 5, 7
NAMES = {WORD: "word", END: "end", PHONEME: "phone"}


class _Id(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    )


class _Voice(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("reserved", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


def _open(request: dict[str, Any]) -> tuple[Any, int]:
    library = ctypes.CDLL(request["library"])
    options = PHONEME_EVENTS | DO_NOT_EXIT
    rate_hz = library.espeak_Initialize(SYNCHRONOUS, 0, request["data"].encode(), options)
    if rate_hz <= 0:
        raise RuntimeError(f"espeak-ng could not start with the data in {request['data']}")
    return library, rate_hz


def _list_voices(library: Any) -> list[dict[str, Any]]:
    library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
    found = library.espeak_ListVoices(None)
    voices: list[dict[str, Any]] = []
    while found[len(voices)]:
        voice = found[len(voices)].contents
        language = ctypes.string_at(voice.languages + 1).decode() if voice.languages else ""
        voices.append({"id": voice.identifier.decode(), "name": voice.name.decode(), "language": language})
    return voices


def _synthesize(library: Any, request: dict[str, Any]) -> tuple[list[list[Any]], bytes]:
    chunks: list[bytes] = []
    events: list[list[Any]] = []

    def receive(samples: Any, n_samples: int, event: Any) -> int:
        if samples and n_samples > 0:
            chunks.append(ctypes.string_at(samples, 2 * n_samples))
        index = 0
        while event[index].type != 0:
            one = event[index]
            if one.type in NAMES:
                name = one.id.string.decode() if one.type == PHONEME else ""
                events.append([NAMES[one.type], one.sample, one.text_position, one.length, name])
            index += 1
        return 0

    callback = _CALLBACK(receive)
    library.espeak_SetSynthCallback(callback)
    if library.espeak_SetVoiceByName(request["voice"].encode()) != 0:
        raise LookupError(f"espeak-ng has no voice {request['voice']!r}")
    for parameter, name in ((RATE, "rate_wpm"), (PITCH, "pitch"), (PITCH_RANGE, "pitch_range")):
        library.espeak_SetParameter(parameter, int(request[name]), 0)
    text = request["text"].encode() + b"\0"
    library.espeak_ng_SetRandSeed(1)  # else breathy voices draw their noise by the clock
    flags = UTF8_WITH_END_PAUSE | (NAMED_PHONES if request.get("phonemes") else 0)
    library.espeak_Synth(text, ctypes.c_size_t(len(text)), 0, 1, 0, flags, None, None)
    library.espeak_Synchronize()
    return events, b"".join(chunks)


def main() -> int:
    """Answer the request on standard input; errors are answers too."""
    request = json.load(sys.stdin)
    samples = b""
    try:
        library, rate_hz = _open(request)
        if "text" in request:
            events, samples = _synthesize(library, request)
            answer: dict[str, Any] = {"rate_hz": rate_hz, "events": events}
        else:
            answer = {"voices": _list_voices(library)}
    except (OSError, RuntimeError, LookupError) as error:
        answer = {"error": str(error)}
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n" + samples)
    return 0


if __name__ == "__main__":
    sys.exit(main())
