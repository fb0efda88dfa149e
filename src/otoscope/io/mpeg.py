"""What must be known of an MPEG audio file before libsndfile opens it, read from its first bytes.

libsndfile takes any file named `.mp3`, and any that begins with 11 set bits, for MPEG audio, and the decoder then
prints its troubles on standard error; and it guesses the length of a file that does not state it.

Source: ISO/IEC 11172-3, section 2.4.1.3 (frame header); id3.org, ID3v2.4, section 3.1 (size of a tag).
"""

from __future__ import annotations

import os

_OTHER_MAGIC = (b"RIFF", b"RIFX", b"RF64", b"FORM", b"fLaC", b"OggS", b"caff", b"riff", b".snd", b"NIST")
_SEARCHED = 1 << 16

_KILOBITS = {  # by whether it is MPEG-1, and layer
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_HALVINGS = {3: 0, 2: 1, 0: 2}
"""Of the sampling rate, by the version bits of MPEG-1, MPEG-2 and MPEG-2.5."""


def is_false_mpeg(name: str) -> bool:
    """Whether libsndfile would take a file for MPEG audio that has no row of MPEG frames near its beginning."""
    with open(name, "rb") as file:
        head = file.read(10)
    named_so = os.path.splitext(name)[1].lower() in (".mp1", ".mp2", ".mp3")
    begins_so = head[:3] == b"ID3" or (head[:1] == b"\xff" and head[1:2] >= b"\xe0")
    if not (named_so or begins_so) or head.startswith(_OTHER_MAGIC):
        return False
    first = _after_tag(name, _SEARCHED)
    return not any(_begins_row(first, at) for at in range(len(first)) if first[at] == 0xFF)


def has_length_tag(name: str) -> bool:
    """Whether an MP3 begins with a frame that counts its frames (Xing, Info or VBRI), behind any ID3v2 tag."""
    first = _after_tag(name, 512)
    return any(tag in first for tag in (b"Xing", b"Info", b"VBRI"))


def _after_tag(name: str, n_bytes: int) -> bytes:
    with open(name, "rb") as file:
        head = file.read(10)
        if head[:3] == b"ID3" and len(head) == 10:
            size = sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
            file.seek(10 + size)
        else:
            file.seek(0)
        return file.read(n_bytes)


def _frame_length(data: bytes, at: int) -> int | None:
    """Return the length in bytes of the frame whose header stands at `at`, `None` where there is no header."""
    if len(data) < at + 4 or data[at] != 0xFF or data[at + 1] < 0xE0:
        return None
    version, layer = data[at + 1] >> 3 & 3, 4 - (data[at + 1] >> 1 & 3)
    rate_index, hz_index, padding = data[at + 2] >> 4, data[at + 2] >> 2 & 3, data[at + 2] >> 1 & 1
    if version == 1 or layer == 4 or rate_index in (0, 15) or hz_index == 3:
        return None
    bits_per_s = 1000 * _KILOBITS[(version == 3, layer)][rate_index - 1]
    rate_hz = (44100, 48000, 32000)[hz_index] >> _HALVINGS[version]
    if layer == 1:
        return (12 * bits_per_s // rate_hz + padding) * 4
    return (72 if layer == 3 and version != 3 else 144) * bits_per_s // rate_hz + padding


def _begins_row(data: bytes, at: int) -> bool:
    """Whether a frame stands at `at` and, right behind it, another of the same version, layer and rate."""
    length = _frame_length(data, at)
    if length is None or _frame_length(data, at + length) is None:
        return False
    follower = at + length
    return (data[at + 1] ^ data[follower + 1]) & 0xFE == 0 and (data[at + 2] ^ data[follower + 2]) & 0x0C == 0
