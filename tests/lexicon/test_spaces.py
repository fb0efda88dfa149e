"""Words as they are written out."""

from __future__ import annotations

import pytest

from otoscope.lexicon.spaces import written


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["four", "two"], "four two"),
        (["你", "好。", "再", "见"], "你好。再见"),
        (["ドレミ", "と", "jazz", "を"], "ドレミと jazz を"),
        (["สวัส", "ดี"], "สวัสดี"),
        (["안녕", "하세요"], "안녕 하세요"),
        ([], ""),
    ],
)
def test_only_scripts_without_spaces_have_none(words, text):
    assert written(words) == text


def test_a_text_file_has_the_words_as_they_are_written(tmp_path):
    from otoscope.cli.transcribe import _write
    from otoscope.core import Interval, Tier
    from otoscope.io.annotation import Annotation

    words = Tier("words", (Interval(0.0, 0.4, "你"), Interval(0.4, 0.9, "好")))
    _write(Annotation("greeting", 1.0, (words,)), tmp_path / "greeting.wav", "txt", tmp_path)
    assert (tmp_path / "greeting.txt").read_text(encoding="utf-8") == "你好\n"
