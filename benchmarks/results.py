"""Run the studies and benchmarks behind docs/results.md, and write that page from what they returned.

    python benchmarks/results.py run [NAME ...] --data FOLDER [--work FOLDER]    # keeps JSON in docs/results/
    python benchmarks/results.py render                          # writes docs/results.md from the JSON alone

No figure on the page is typed by hand: each table is the JSON of the command printed above it.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "docs" / "results"
PAGE = ROOT / "docs" / "results.md"


@dataclass(frozen=True)
class Entry:
    """One section of the page: `command` as a reader would type it, DATA standing for the folder of real speech, WORK
    for one of trained recognisers and of answers that an interrupted study goes on from.
    """

    name: str
    title: str
    command: str
    question: str


LADDER = (
    *("audrey", "audrey-formants", "hmm-word", "hmm-mono", "hmm-tri", "mlp-hmm", "tdnn-hmm", "lstm-hmm", "deepspeech"),
    *("deepspeech2", "wav2letter", "las", "speech-transformer", "joint-ctc-attention", "conformer", "rnnt"),
)
DIGITS = ",".join(f"WORK/ladder-digits/{name}" for name in LADDER)
"""What the ladder of digits leaves."""
SPOKEN = (
    """hmm-word,hmm-mono,hmm-tri,mlp-hmm,tdnn-hmm,wav2letter{"epochs": 50},las{"epochs": 40},rnnt{"epochs": 40},"""
    """joint-ctc-attention{"epochs": 40}"""
)
STRINGS = ",".join(
    f"WORK/ladder-strings/{name}"
    for name in (
        *("hmm-word", "hmm-mono", "hmm-tri", "mlp-hmm", "tdnn-hmm", "wav2letter-epochs-50", "las-epochs-40"),
        *("rnnt-epochs-40", "joint-ctc-attention-epochs-40"),
    )
)
"""What the ladder of synthetic strings leaves."""

RUNNING = (
    "python benchmarks/running_speech.py --corpus DATA/librispeech-mini --context-model WORK/books3.lm --json FILE "
    "--jobs "
)
"""Running speech; the model: `otoscope lm estimate DATA/text/books.txt.xz --order 3 --vocabulary-size 60000 …`."""
ENTRIES = (
    Entry(
        "embedded",
        "The embedded recogniser on speech it was not taught",
        "python benchmarks/embedded.py --data DATA --recognizers otoscope-en --json FILE",
        "How many words does otoscope-en get wrong in books, from learners and on the telephone?",
    ),
    Entry(
        "deep-vs-classical",
        "Deep against classical",
        "otoscope study deep-vs-classical --corpus DATA/librispeech-mini --set classical=WORK/hmm-mono,WORK/hmm-tri "
        "--set deep=WORK/lf-mmi --output WORK/deep-vs-classical --json",
        "Trained on the same speech, deciding with the same language model: how many word errors of the best Gaussian "
        "mixtures does the best network avoid?",
    ),
    Entry(
        "ladder-digits",
        "The ladder: digits",
        f"""otoscope study ladder --corpus DATA/fsdd --set 'presets=shoebox,{",".join(LADDER)},"""
        """deepspeech2{"streaming": true}' --set out=WORK/ladder-digits --json""",
        "All families trained on the digits of three speakers; a fourth chose the weights, a fifth is the test.",
    ),
    Entry(
        "ladder-strings",
        "The ladder: synthetic strings of digits",
        f"otoscope study ladder --corpus WORK/strings --set 'presets={SPOKEN}' --set out=WORK/ladder-strings --json",
        "One to four digits by synthetic voices, a quarter of an hour of them, so that boundaries can be compared: "
        "`otoscope corpus synthesize benchmarks/strings.txt WORK/strings --n-voices 24 --texts-per-voice 28 --splits "
        "train=0.75,valid=0.125,test=0.125 --noise DATA/esc10-noise --snr-db 25 50 --seed 6` made the corpus.",
    ),
    Entry(
        "ladder-features",
        "The ladder: families × features",
        "otoscope study ladder --corpus DATA/fsdd --set presets=hmm-mono,deepspeech,wav2letter "
        "--set features=own,mfcc,spectrogram,waveform --set out=WORK/ladder-digits --json",
        "The same digits, heard through 80 filters, 40 cepstra, the 256 bins of a spectrogram or learnt filters.",
    ),
    Entry(
        "ladder-telephone",
        "The ladder: sentences on the telephone",
        """otoscope study ladder --corpus DATA/wuw-corpus-ii --set 'presets=hmm-word,hmm-mono,hmm-tri,mlp-hmm,"""
        """tdnn-hmm,deepspeech2{"epochs": 8, "streaming": true},las{"epochs": 8},joint-ctc-attention{"epochs": 6},"""
        """rnnt{"epochs": 6}' """
        """--set recognizers=otoscope-en --set out=WORK/ladder-telephone --json""",
        "Families trained on 1.4 hours of telephone calls; other callers chose the weights, others again are the test. "
        "The networks end to end made six or eight passes, far too few. otoscope-en knows calls among nine hours.",
    ),
    Entry(
        "audrey",
        "Audrey's bar",
        "otoscope study audrey --corpus DATA/fsdd --json",
        "Digits of one speaker from a few templates each: 99 % for every speaker (Audrey: 97 %).",
    ),
    Entry(
        "shoebox",
        "The Shoebox",
        "otoscope study shoebox --json",
        "Sixteen words of synthetic voices that gave no template, and sums worked out by the calculator: 97 %.",
    ),
    Entry(
        "boundaries",
        "Boundaries",
        "otoscope study boundaries --recognizers otoscope-en,pocketsphinx,WORK/hmm-tri,WORK/hmm-mono --json",
        "How near are the times to the truth, which share of boundaries receives one, and are wrong transcripts "
        "noticed?",
    ),
    Entry(
        "boundaries-digits",
        "Boundaries: every family",
        "otoscope study boundaries --corpus WORK/strings --split test --recognizers "
        f"otoscope-en,pocketsphinx,WORK/ladder-digits/audrey,{STRINGS} --set n_utterances=40 --json",
        "Strings of one to four digits by synthetic voices that no family was taught: how near is each to the true "
        "times? Audrey learnt from people, the families of the ladder from other synthetic voices.",
    ),
    Entry(
        "robustness",
        "Robustness: every family",
        f"otoscope study robustness --corpus DATA/fsdd --split test --recognizers otoscope-en,pocketsphinx,{DIGITS} "
        "--set limit=40 --set out=WORK/robustness --json",
        "The digits of the test speaker in noise, rooms, over the telephone, and at other speeds.",
    ),
    Entry(
        "checkpoint-agreement",
        "Models of the hub beside transformers",
        "otoscope study checkpoint-agreement --json",
        "Every architecture in small, with random weights, fifty sounds each: are the texts those of transformers, and "
        "how far are logits (CTC) or mean log probabilities (Whisper) apart? CTranslate2 is our fast engine.",
    ),
    Entry(
        "pretrained",
        "Models of the hub beside their peers",
        "python benchmarks/pretrained.py --threads 1 --json FILE",
        "Layouts of whisper-base (30 s, 64 tokens) and wav2vec2-base (10 s) with random weights: text only beside "
        "faster-whisper (1.05 times at most), all that is inside beside generate with attentions (1.5), and which way "
        "to run wav2vec 2.0 is fastest (half the time of transformers in float32).",
    ),
    Entry(
        "attention-times",
        "Word times of a Whisper",
        "otoscope study attention-times --set recognizer=tests/recognizers/samples/whisper-digits "
        "--corpus WORK/digits/en --split test --json",
        "Synthetic digits by voices it never heard (of `otoscope.testing.checkpoints.digits.digit_corpora`): "
        "how far are edges of words from the truth, by which heads and which way? At most 40 ms, and no more than by "
        "the heads of the later half and warping, as openai/whisper does it.",
    ),
    Entry(
        "too-robust",
        "Words that nobody said",
        "otoscope study too-robust --set recognizer=tests/recognizers/samples/whisper-digits --corpus DATA/fsdd "
        "--set noises=DATA/esc10-noise --split test --json",
        "A tiny Whisper is made to write about silence, noises and repeated sound, and hears real digits: how many of "
        "the words that nobody said are flagged (95 %), and how many of those somebody said (at most 5 %)?",
    ),
    Entry(
        "labels-needed",
        "Labels needed, with and without pretraining",
        "otoscope study labels-needed --corpus DATA/fsdd --set pretrained=WORK/pretraining --set amounts=50,200,750 "
        "--set out=WORK/labels-needed --json",
        "A wav2vec 2.0 of a million weights, pretrained for 2,259 updates on three hours of books, and the same "
        "network with random weights learn to write digits of the telephone's band: how many recordings with texts "
        "does pretraining save? At this size, none: it tells the right frame among 101 in 9.5 % of cases (chance 1 %), "
        "which is too little to be of use.",
    ),
    Entry(
        "attribution-methods",
        "Methods of explanation on real speech",
        "otoscope study attribution-methods --corpus DATA/librispeech-mini --split test --set n_words=30 --json",
        "Words of read books, otoscope-en, the same segments and fills for all: how fast does the score fall, how much "
        "relevance lies in the word (0.8 or more, chance about 0.1), how long does a word take (2 s at most)? "
        "deletion-path looks for the order by which it is judged. Times were taken beside other work; alone on both "
        "cores deletion-path took 0.79 s a word (--set methods=deletion-path).",
    ),
    Entry(
        "information-plane",
        "The information plane",
        "otoscope study information-plane --set n_seeds=5 --json",
        "Saxe et al. 2018: do tanh networks compress (3 bit or more between the peak of I(X;T) and its end), and do "
        "ReLU networks not (0.5 bit at most)?",
    ),
    Entry(
        "acoustic-cues",
        "Echoes of phonetics",
        "otoscope study acoustic-cues --set voices=en-us,en-us+f2 --set "
        "methods=expected-gradients,integrated-gradients,saliency --json",
        "Asked why it hears bit rather than bet, sip rather than ship, tie rather than pie: does otoscope-en look "
        "where phonetics says, at F1 and F2, above 4 kHz, at closure and burst?",
    ),
    Entry(
        "vowels",
        "Vowels: machine and listeners",
        "otoscope study vowels --corpus DATA/hillenbrand-listeners --json",
        "Twenty people and a quadratic discriminant heard the same vowels: do they doubt the same tokens? (111 of the "
        "139 talkers of Hillenbrand et al. 1995; figures of all of them differ by up to a few hundredths.)",
    ),
    Entry(
        "listener-speed",
        "Sixty thousand words every ten milliseconds",
        "python benchmarks/listener.py --words 60000 --spoken elephant --json FILE",
        "A word through the listener's own ears, exact, all word scores and the best 200 at each frame: what of real "
        "time does it take on one core (0.03 is the aim; plain numpy in the same run)?",
    ),
    Entry(
        "running-speech",
        "The listener on running speech",
        RUNNING + "words",
        "Valid speech of three speakers, by frequency alone and in the context of a trigram model: word errors with "
        "homophones as one, winners a second, words that won first and were given up. λ and the rule of winners were "
        "chosen on the same speech.",
    ),
    Entry(
        "running-calibration",
        "Are decided words of running speech right as often as they say?",
        RUNNING + "calibration",
        "Fitted on some speakers and judged on others; expected calibration error before (κ of single words) and "
        "after.",
    ),
    Entry(
        "running-bins",
        "Decided words of running speech, by how sure they were",
        RUNNING + "bins",
        "Each speaker by what was fitted to the others: what was said, and how often it was right.",
    ),
    Entry(
        "running-memory",
        "Memory of long recordings",
        RUNNING + "memory --seconds 600",
        "Ten minutes by the chunk, in pieces, and as one recording: megabytes beyond those of the listener itself.",
    ),
    Entry(
        "listener-effects",
        "Effects of human word recognition",
        "otoscope study listener-effects --json",
        "Does the listener show what people show, by its direction and beyond its 95 % interval? Misses are told too.",
    ),
    Entry(
        "listener-recognition",
        "How often the listener finds the word",
        "otoscope study listener-recognition --set data=DATA --json",
        "Words said by twenty synthetic voices that nothing was trained on or chosen by, and by people, against all "
        "words of the lexicon (90 % or more on synthetic speech is the aim; DIANA about 90 % of 5,000 words against "
        "26,000).",
    ),
    Entry(
        "lexical-decision",
        "Words and pseudowords told apart, and how fast",
        "otoscope study lexical-decision --json",
        "Is d' above DIANA's 1.88, are pseudowords slower, frequent words faster, and does the time after the end of a "
        "word fall with its length, as in people? Parameters come from voices that are not judged here.",
    ),
    Entry(
        "visual-world",
        "Where people look while a picture is named",
        "otoscope study visual-world --set data=DATA --json",
        "Do simulated looks at target, cohort, rhyme and unrelated picture follow those of Allopenna et al. (1998) "
        "nearer than the best published model (0.0803), with parameters set elsewhere?",
    ),
    Entry(
        "trace-tisk",
        "TRACE, TISK and the listener on the same 212 words",
        "otoscope study trace-tisk --corpus DATA/trace-tisk --json",
        "Do TRACE and TISK, written again, give the published times, and does the listener agree with TRACE as well as "
        "TISK does (0.89)? The rule for phones still to come was decided with TRACE's times in sight, its size was not "
        "fitted.",
    ),
    Entry(
        "planted-circuits",
        "Circuits set by hand",
        "otoscope study planted-circuits --json",
        "Networks whose circuit is known, some with a last layer that exchanges two letters: does discovery find "
        "exactly the planted heads and units, and does the lens say until which layer the word was right?",
    ),
    Entry(
        "planted-cue",
        "Planted cue",
        "otoscope study planted-cue --json",
        "Does every method find the one tone burst that tells two words apart? Relevance mass inside the burst should "
        "be three times chance or more, and deletion should order oracle < method < random.",
    ),
    Entry(
        "digits",
        "Digits of a speaker never heard",
        "otoscope study digits --corpus DATA/fsdd --json",
        "How well does the small CTC network know the digits of an unseen speaker, and how long does it train?",
    ),
    Entry(
        "attribution",
        "Masked once, explained for all",
        "python benchmarks/attribution.py --json FILE",
        "One set of masked recordings for all words against captum's ShapleyValueSampling run word by word: same "
        "network, same evaluations a word, in turn.",
    ),
    Entry(
        "kernels",
        "Kernels beside their peers",
        "python benchmarks/kernels.py --json FILE",
        "Each kernel and its peers on the same input, in turn, in one run; their answers are compared before that.",
    ),
    Entry(
        "decoder",
        "The large-vocabulary search",
        "python benchmarks/decoder.py --text DATA/text/books.txt.xz --data DATA --json FILE",
        "60,000 words and a trigram of books: how fast is the search by itself, beside pyctcdecode with kenlm on the "
        "same letters, and otoscope-en beside pocketsphinx on read speech?",
    ),
    Entry(
        "explain",
        "The main job on real recordings",
        "python benchmarks/explain.py --data DATA --json FILE",
        "How long does a full explanation take, are all words explained, does every word lie inside its recording, and "
        "how many maps pass their checks?",
    ),
    Entry(
        "memory-of-explaining",
        "Looking inside ten minutes",
        "python benchmarks/memory_of_explaining.py --corpus DATA/librispeech-mini --seconds 60 600 "
        "--jobs trace 'trace, all sites' 'gradient of a word' --json FILE",
        "How much memory do a trace, all that passes inside, and a slope take of one and of ten minutes of speech?",
    ),
    Entry(
        "startup",
        "Start-up",
        "python benchmarks/startup.py --json FILE",
        "How long does a user wait before anything happens?",
    ),
    Entry("selftest", "Self-test", "otoscope selftest --json", "Answers known in advance."),
)


def machine() -> str:
    """What the figures were taken on, in words that identify no one."""
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"


def run(entry: Entry, places: dict[str, Path | None]) -> None:
    """Run one entry and keep its JSON; `places` says where DATA and WORK are."""
    for name, place in places.items():
        if name in entry.command and place is None:
            sys.exit(f"{entry.name} needs --{name.lower()} FOLDER")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "result.json"
        words = [_filled(word, {**places, "FILE": file}) for word in shlex.split(entry.command)]
        words[:1] = [sys.executable] if words[0] == "python" else [sys.executable, "-m", "otoscope"]
        print(f"{entry.name} …", flush=True)
        done = subprocess.run(words, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
        text = file.read_text(encoding="utf-8") if file.exists() else done.stdout
    for name, place in places.items():
        text = text if place is None else text.replace(str(place), name)
    result = json.loads(text)
    kept = {
        "command": entry.command,
        "date": datetime.date.today().isoformat(),
        "machine": machine(),
        "summary": result.get("summary", ""),
        "provenance": result.get("provenance", {}),
        "table": result["table"],
    }
    KEPT.mkdir(exist_ok=True)
    (KEPT / f"{entry.name}.json").write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _filled(word: str, places: dict[str, Path | None]) -> str:
    for name, place in places.items():
        word = word.replace(name, str(place))
    return word


def cell(value: Any) -> str:
    """One table cell: four significant digits, no bar that would break the table."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return ", ".join(cell(item) for item in value)
    return str(value).replace("|", "\\|")


def section(entry: Entry) -> str:
    """The Markdown of one entry, from its kept JSON."""
    kept = json.loads((KEPT / f"{entry.name}.json").read_text(encoding="utf-8"))
    columns = list(dict.fromkeys(key for row in kept["table"] for key in row))
    lines = [
        f"## {entry.title}",
        "",
        entry.question,
        "",
        f"`{kept['command']}` · {kept['date']} · {kept['machine']}",
        "",
        "| " + " | ".join(column.replace("_", " ") for column in columns) + " |",
        "|" + "---|" * len(columns),
        *("| " + " | ".join(cell(row.get(column)) for column in columns) + " |" for row in kept["table"]),
        "",
    ]
    return "\n".join([*lines, kept["summary"], ""] if kept["summary"] else lines)


def render() -> str:
    """The whole page."""
    head = (
        "# Results\n\nEvery table is what the command above it printed as JSON (`DATA` is a folder of real speech, "
        "`FILE` where the JSON goes); `python benchmarks/results.py` runs them and writes this page. Times are of one "
        "machine: trust the ratios within a table.\n"
    )
    return "\n".join([head, *(section(entry) for entry in ENTRIES if (KEPT / f"{entry.name}.json").exists())])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["run", "render"])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--data", type=Path, help="folder of real speech")
    parser.add_argument("--work", type=Path, help="folder of trained recognisers and kept answers")
    arguments = parser.parse_args()
    if arguments.action == "run":
        for entry in ENTRIES:
            if not arguments.names or entry.name in arguments.names:
                run(entry, {"DATA": arguments.data, "WORK": arguments.work})
    PAGE.write_text(render(), encoding="utf-8")


if __name__ == "__main__":
    main()
