"""Sound files against libsndfile read directly, resampling against closed forms, and every way a file can be bad."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import tracemalloc
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile

from otoscope.core import BadAudio, BadInput, CannotWrite, Recording
from otoscope.io import audio
from otoscope.io.audio import audio_info, read_recording, stream_recording, wav_bytes, write_recording


def _tone(n: int, rate_hz: int, hz: float = 440.0) -> np.ndarray:
    return (0.4 * np.sin(2 * np.pi * hz * np.arange(n) / rate_hz)).astype(np.float32)


@pytest.mark.parametrize(
    ("suffix", "form", "subtype", "tolerance"),
    [
        ("wav", "WAV", "PCM_U8", 1 / 128),
        ("wav", "WAV", "PCM_16", 1 / 32768),
        ("wav", "WAV", "PCM_24", 1e-6),
        ("wav", "WAV", "PCM_32", 1e-7),
        ("wav", "WAV", "FLOAT", 0),
        ("wav", "WAV", "DOUBLE", 0),
        ("wav", "WAV", "ULAW", 0.02),
        ("wav", "WAVEX", "PCM_16", 1 / 32768),
        ("wav", "RF64", "PCM_16", 1 / 32768),
        ("flac", "FLAC", "PCM_16", 1 / 32768),
        ("flac", "FLAC", "PCM_24", 1e-6),
        ("aiff", "AIFF", "PCM_16", 1 / 32768),
        ("au", "AU", "PCM_16", 1 / 32768),
        ("w64", "W64", "PCM_16", 1 / 32768),
        ("caf", "CAF", "PCM_16", 1 / 32768),
        ("sph", "NIST", "PCM_16", 1 / 32768),
        ("ogg", "OGG", "VORBIS", 0.05),
        ("opus", "OGG", "OPUS", 0.05),
        ("mp3", "MP3", "MPEG_LAYER_III", 0.05),
    ],
)
def test_reads_every_coding(tmp_path, suffix, form, subtype, tolerance):
    samples = _tone(16000, 16000)
    path = tmp_path / f"tone.{suffix}"
    soundfile.write(path, samples, 16000, format=form, subtype=subtype)
    recording = read_recording(path)
    assert (recording.rate_hz, recording.n_samples, recording.source) == (16000, 16000, str(path))
    inner = slice(2000, -2000)  # codecs smear the abrupt ends
    assert np.abs(recording.samples[inner] - samples[inner]).max() <= tolerance
    assert audio_info(path) == audio.AudioInfo(1.0, 16000, 1, subtype)


def test_channels_become_their_mean(tmp_path):
    left, right = _tone(800, 16000), _tone(800, 16000, 1000)
    soundfile.write(tmp_path / "a.wav", np.stack([left, right, left * 0], axis=1), 16000, subtype="FLOAT")
    np.testing.assert_allclose(read_recording(tmp_path / "a.wav").samples, (left + right) / 3, atol=1e-7)
    assert audio_info(tmp_path / "a.wav").n_channels == 3


def test_beyond_full_scale_is_kept(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.array([0.5, -2.5, 3.0]), 16000, subtype="FLOAT")
    assert read_recording(tmp_path / "a.wav").samples.tolist() == [0.5, -2.5, 3.0]


@pytest.mark.parametrize("rate_hz", [8000, 11025, 22050, 44100, 48000, 96000])
def test_resampled_tone_is_the_tone_at_the_new_rate(tmp_path, rate_hz):
    n = rate_hz + 37
    soundfile.write(tmp_path / "a.wav", _tone(n, rate_hz, 1000), rate_hz, subtype="FLOAT")
    recording = read_recording(tmp_path / "a.wav", rate_hz=16000)
    assert abs(recording.n_samples - n * 16000 / rate_hz) <= 1
    expected = _tone(recording.n_samples, 16000, 1000)
    inner = slice(500, -500)
    assert np.abs(recording.samples[inner] - expected[inner]).max() < 1e-4, "wrong gain, or delayed"


def test_own_rate_is_kept_when_asked(tmp_path):
    soundfile.write(tmp_path / "a.wav", _tone(960, 96000), 96000)
    assert read_recording(tmp_path / "a.wav", rate_hz=None).rate_hz == 96000


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
@pytest.mark.parametrize("rate_hz", [None, 16000, 44100])
@pytest.mark.parametrize("block_s", [0.0337, 1.0, 100.0])
def test_joined_blocks_are_the_whole(tmp_path, suffix, rate_hz, block_s):
    rng = np.random.default_rng(5)
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, 0.1 * rng.standard_normal((150_001, 2)), 44100)
    whole = read_recording(path, rate_hz=rate_hz)
    blocks = list(stream_recording(path, block_s=block_s, rate_hz=rate_hz))
    assert {block.rate_hz for block in blocks} == {whole.rate_hz}
    assert {block.n_samples for block in blocks[:-1]} <= {round(block_s * whole.rate_hz)}
    joined = np.concatenate([block.samples for block in blocks])
    assert joined.size == whole.n_samples
    np.testing.assert_allclose(joined, whole.samples, atol=1e-6, rtol=0)


def test_two_hours_stream_in_bounded_memory(tmp_path):
    """A sparse file of two hours of silence: 230 MB of samples must not be held at once."""
    path = tmp_path / "long.wav"
    rate_hz, n_bytes = 16000, 2 * 3600 * 16000 * 2
    with open(path, "wb") as file:
        file.write(b"RIFF" + struct.pack("<I", 36 + n_bytes) + b"WAVEfmt ")
        file.write(
            struct.pack("<IHHIIHH", 16, 1, 1, rate_hz, 2 * rate_hz, 2, 16) + b"data" + struct.pack("<I", n_bytes)
        )
        file.truncate(44 + n_bytes)
    tracemalloc.start()
    try:
        duration_s = sum(block.duration_s for block in stream_recording(path, block_s=30, rate_hz=8000))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert duration_s == 7200
    assert peak < 20e6


def _good_bytes(tmp_path: Path, suffix: str, n: int = 441_000) -> bytes:
    path = tmp_path / f"good.{suffix}"
    rng = np.random.default_rng(0)
    soundfile.write(path, 0.1 * rng.standard_normal(n), 48000 if suffix == "opus" else 44100)
    return path.read_bytes()


def _one_line(error: pytest.ExceptionInfo[BadAudio], path: Path) -> None:
    message = str(error.value)
    assert "\n" not in message
    assert message.startswith(str(path)), "the line must begin with the file"


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("empty.wav", b"", "empty"),
        ("text.wav", b"Dear Sir, please find attached the talk.\n" * 50, "not a sound file"),
        ("text.mp3", b"Dear Sir, please find attached the talk.\n" * 50, "not a sound file"),
        ("random.wav", np.random.default_rng(1).bytes(20_000), "not a sound file"),
        ("random.mp3", np.random.default_rng(3).bytes(60_000), "not a sound file"),
        ("sync.wav", b"\xff\xfb\x90\xc4" + np.random.default_rng(2).bytes(20_000), "not a sound file"),
        ("tag.mp3", b"ID3\x04\0\0\0\0\1\0" + b"\0" * 500, "not a sound file"),
        ("samples.raw", b"\0" * 100, "headerless"),
        ("short.wav", b"RI", "not a sound file"),
    ],
)
def test_bad_content_is_one_line(tmp_path, capfd, name, content, match):
    path = tmp_path / name
    path.write_bytes(content)
    for use in (read_recording, audio_info, stream_recording):
        with pytest.raises(BadAudio, match=match) as error:
            use(path)
        _one_line(error, path)
    assert capfd.readouterr().err == "", "the decoder talks on standard error"


@pytest.mark.parametrize(("name", "match"), [("nothing.wav", "no such file"), (".", "is a folder"), ("a\0b", "null")])
def test_no_file_is_one_line(tmp_path, name, match):
    with pytest.raises(BadAudio, match=match):
        read_recording(f"{tmp_path}/{name}")


def test_pipes_are_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.wav")
    with pytest.raises(BadAudio, match="not a regular file"):
        read_recording(tmp_path / "a.wav")


def test_no_permission(tmp_path, monkeypatch):
    path = tmp_path / "a.wav"
    soundfile.write(path, _tone(100, 16000), 16000)

    def refuse(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(BadAudio, match="no permission"):
        read_recording(path)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "opus", "mp3", "aiff", "au", "caf", "sph"])
@pytest.mark.parametrize("share", [0.001, 0.3, 0.7, 0.99])
def test_a_file_that_breaks_off_is_refused(tmp_path, suffix, share):
    forms = {"opus": ("OGG", "OPUS"), "sph": ("NIST", "PCM_16")}
    whole = tmp_path / f"whole.{suffix}"
    form, subtype = forms.get(suffix, (None, None))
    rate_hz = 48000 if suffix == "opus" else 44100
    samples = 0.1 * np.random.default_rng(0).standard_normal(441_000)
    soundfile.write(whole, samples, rate_hz, format=form, subtype=subtype)
    data = whole.read_bytes()
    path = tmp_path / f"cut.{suffix}"
    path.write_bytes(data[: max(60, int(share * len(data)))])
    for use in (read_recording, lambda p: list(stream_recording(p))):
        with pytest.raises(BadAudio) as error:
            use(path)
        _one_line(error, path)
    assert read_recording(whole).n_samples == pytest.approx(441_000 * 16000 / rate_hz, abs=1)


@pytest.mark.parametrize("n_bytes", [4, 12, 20, 30, 43, 44])
def test_truncated_wav_header(tmp_path, n_bytes):
    path = tmp_path / "cut.wav"
    path.write_bytes(_good_bytes(tmp_path, "wav")[:n_bytes])
    with pytest.raises(BadAudio) as error:
        read_recording(path)
    _one_line(error, path)


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFF000])
def test_a_streamed_wav_without_a_length_is_read_whole(tmp_path, size):
    data = bytearray(_good_bytes(tmp_path, "wav"))
    data[4:8] = data[40:44] = struct.pack("<I", size)
    (tmp_path / "piped.wav").write_bytes(data)
    assert read_recording(tmp_path / "piped.wav", rate_hz=None).n_samples == 441_000


def test_a_flac_without_a_length_is_read_whole(tmp_path):
    data = bytearray(_good_bytes(tmp_path, "flac"))
    data[21] &= 0xF0  # the low 36 bits of these bytes are the count of samples (RFC 9639, section 8.2)
    data[22:26] = bytes(4)
    (tmp_path / "piped.flac").write_bytes(data)
    assert read_recording(tmp_path / "piped.flac", rate_hz=None).n_samples == 441_000
    assert audio_info(tmp_path / "piped.flac").duration_s == 10.0


def test_an_mp3_without_a_length_is_read_whole(tmp_path):
    """Of a seekable one, libsndfile guesses the length from the first frame: 6 of these 20 s."""
    phase = np.cumsum(0.05 + 0.03 * np.sin(np.arange(882_000) / 3000))
    samples = 0.5 * np.sin(phase) + 0.05 * np.random.default_rng(0).standard_normal(882_000)
    soundfile.write(tmp_path / "tagged.mp3", samples, 44100)
    data = (tmp_path / "tagged.mp3").read_bytes()
    second_frame = data.index(data[:2], 100)
    path = tmp_path / "bare.mp3"
    path.write_bytes(data[second_frame:])
    assert soundfile.info(path).duration < 10
    assert audio_info(path).duration_s == pytest.approx(20, abs=0.1)
    assert read_recording(path).duration_s == pytest.approx(20, abs=0.1)
    first = next(stream_recording(path, block_s=0.1))  # the rest is never read: nothing may hang
    assert first.n_samples == 1600


@pytest.mark.parametrize("rate_hz", [8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000])
@pytest.mark.parametrize("tag", [b"", b"ID3\x04\0\0\0\0\x02\x00" + bytes(256)])
def test_mp3_of_every_version_is_known_as_such(tmp_path, rate_hz, tag):
    path = tmp_path / "a.mp3"
    soundfile.write(path, 0.1 * np.random.default_rng(0).standard_normal(rate_hz), rate_hz)
    path.write_bytes(tag + path.read_bytes())
    assert read_recording(path, rate_hz=None).n_samples == rate_hz


def test_no_samples(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(0), 16000)
    with pytest.raises(BadAudio, match="no samples"):
        read_recording(tmp_path / "a.wav")
    soundfile.write(tmp_path / "b.wav", np.zeros(1), 96000)
    with pytest.raises(BadAudio, match="too short"):
        read_recording(tmp_path / "b.wav")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_not_finite_samples_are_placed(tmp_path, bad):
    samples = np.stack([_tone(100_000, 16000)] * 2, axis=1)
    samples[80_000, 1] = bad
    soundfile.write(tmp_path / "a.wav", samples, 16000, subtype="FLOAT")
    for rate_hz in (8000, 16000):
        with pytest.raises(BadAudio, match=r"NaN or infinite.*5\.000 s"):
            read_recording(tmp_path / "a.wav", rate_hz=rate_hz)


@pytest.mark.parametrize("rate_hz", [0, -1, 0.5, float("nan")])
def test_bad_rate(tmp_path, rate_hz):
    with pytest.raises(BadInput, match="rate_hz"):
        read_recording(tmp_path / "a.wav", rate_hz=rate_hz)


def test_bad_block(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(10), 16000)
    with pytest.raises(BadInput, match="block_s"):
        stream_recording(tmp_path / "a.wav", block_s=0)


@pytest.mark.parametrize(("suffix", "tolerance"), [("wav", 0), ("aif", 0), ("au", 0), ("flac", 2**-23), ("mp3", 0.1)])
def test_written_recordings_come_back(tmp_path, suffix, tolerance):
    recording = Recording(_tone(16000, 16000), 16000)
    path = tmp_path / f"a.{suffix}"
    write_recording(recording, path)
    assert np.abs(read_recording(path).samples - recording.samples).max() <= tolerance


def test_what_cannot_be_written(tmp_path):
    loud = Recording(np.array([1.5, 0.0]), 16000)
    write_recording(loud, tmp_path / "a.wav")
    assert read_recording(tmp_path / "a.wav") == loud
    with pytest.raises(CannotWrite, match=r"peak of 1\.5 would be clipped"):
        write_recording(loud, tmp_path / "a.flac")
    with pytest.raises(CannotWrite, match=r"unknown suffix '\.m4a'"):
        write_recording(loud, tmp_path / "a.m4a")
    with pytest.raises(CannotWrite, match="at 11111 Hz"):
        write_recording(Recording(np.zeros(9), 11111), tmp_path / "a.opus")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.wav"]


def test_wav_bytes_keep_16_bit_samples_and_clip(tmp_path):
    whole = np.arange(-32768, 32768, dtype=np.int16)
    recording = Recording(whole / 32768, 8000)
    with wave.open(io.BytesIO(wav_bytes(recording))) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2)
        assert np.array_equal(np.frombuffer(file.readframes(70_000), "<i2"), whole)
    (tmp_path / "a.wav").write_bytes(wav_bytes(Recording(np.array([2.0, -2.0]), 8000)))
    assert read_recording(tmp_path / "a.wav", rate_hz=None).samples.tolist() == [32767 / 32768, -1.0]


def test_importing_io_loads_no_sound_library():
    check = (
        "import sys, otoscope.io, otoscope.io.audio, otoscope.io.formats, otoscope.io.traces\n"
        "from otoscope.io.formats import FORMATS; list(FORMATS)\n"
        "assert not {'soundfile', 'soxr', 'torch', 'safetensors', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", check], check=True)


def test_real_speech(shared_data):
    flac = sorted((shared_data / "librispeech-mini").rglob("*.flac"))[0]
    samples, rate_hz = soundfile.read(flac, dtype="float32")
    assert np.array_equal(read_recording(flac, rate_hz=rate_hz).samples, samples)
