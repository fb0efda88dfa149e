"""Sentences that the tiny tokenizers learn their byte pairs from: several scripts, digits, punctuation."""

from __future__ import annotations

TEXTS: tuple[str, ...] = (
    " The quick brown fox jumps over the lazy dog.",
    " zero one two three four five six seven eight nine",
    " nine eight seven six five four three two one zero",
    " null eins zwei drei vier fünf sechs sieben acht neun",
    " zéro un deux trois quatre cinq six sept huit neuf",
    " An otoscope looks inside an ear; this one looks inside a speech recogniser.",
    " What did it hear, and why? What would a human listener have heard?",
    " A waveform is cut into frames; every frame has a window, a hop and a time.",
    " Thank you for watching! Please subscribe to the channel.",
    " Mr. Brown paid $3.50 for 12 apples at 10:45, didn't he?",
    " It's raining (again) - and that's \"fine\" by me...",
    " Der Hund läuft über die Straße, und die Katze schläft.",
    " Où est la bibliothèque ? Elle est près de l'église.",
    " El niño comió una manzana en la mañana.",
    " Привет, как дела? Всё хорошо, спасибо.",
    " こんにちは、世界。今日はいい天気ですね。",
    " 你好，世界。我们在听录音。",
    " مرحبا بالعالم",
    " नमस्ते दुनिया",
    " The words of a hypothesis are compared with the words of the reference.",
    " Someone said: listen to the noise, then listen to the silence.",
    " music playing and people laughing, ♪ la la la ♪",
)
"""Each begins with a blank, as Whisper's texts do."""
