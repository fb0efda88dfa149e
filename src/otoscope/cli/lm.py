"""`otoscope lm …`: n-gram language models estimated from text, measured, pruned and mixed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from otoscope.core import BadInput

if TYPE_CHECKING:
    from otoscope.lexicon.ngram import NGramModel

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Out = Annotated[Path, typer.Option(help="Model to write: ARPA if it ends in .arpa (.gz, .xz), else compact.")]
Model = Annotated[Path, typer.Argument(help="A model: an ARPA file (.arpa, .gz, .xz) or what --out wrote.")]


def register(app: typer.Typer) -> None:
    """Add the verbs to the command line."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Make and measure n-gram language models.")
    for verb in (estimate, perplexity, prune, interpolate):
        group.command()(verb)
    app.add_typer(group, name="lm")


def estimate(
    text: Annotated[list[Path], typer.Argument(help="Text files, one sentence a line; .gz and .xz are unpacked.")],
    out: Out,
    order: Annotated[int, typer.Option(help="Length of the longest n-grams.")] = 3,
    smoothing: Annotated[str, typer.Option(help="kneser-ney or witten-bell (for little text).")] = "kneser-ney",
    vocabulary: Annotated[Path | None, typer.Option(help="File with the words, one a line; all by default.")] = None,
    vocabulary_size: Annotated[int | None, typer.Option(help="Take so many of the most frequent words.")] = None,
    prune: Annotated[float, typer.Option(help="Drop what raises perplexity by less than this share.")] = 0.0,
    normalize: Annotated[bool, typer.Option(help="Spell out numbers and drop punctuation first.")] = False,
    as_json: Json = False,
) -> None:
    """Estimate a model from text."""
    from otoscope.cli.inputs import check_writable
    from otoscope.cli.progress import working
    from otoscope.lexicon.ngram.estimation import estimate as run
    from otoscope.lexicon.ngram.files import write_model
    from otoscope.lexicon.ngram.pruning import prune as smaller
    from otoscope.lexicon.ngram.recipes import most_frequent

    if vocabulary is not None and vocabulary_size is not None:
        raise BadInput("give --vocabulary or --vocabulary-size, not both")
    check_writable(out)
    sentences = _Text(text, normalize)
    with working("estimating"):
        words = _vocabulary(vocabulary)
        if vocabulary_size is not None:
            words = most_frequent(sentences, vocabulary_size)
        model = run(sentences, order=order, smoothing=smoothing, vocabulary=words)
        model = smaller(model, prune) if prune else model
        write_model(model, out)
    _report(model, out, as_json)


def perplexity(
    model: Model,
    text: Annotated[list[Path], typer.Argument(help="Text files, one sentence a line.")],
    normalize: Annotated[bool, typer.Option(help="Spell out numbers and drop punctuation first.")] = False,
    as_json: Json = False,
) -> None:
    """Measure how well a model foretells each text."""
    from otoscope.cli.printing import print_json, print_table
    from otoscope.lexicon.ngram.files import read_model

    engine = read_model(model)
    rows: list[dict[str, Any]] = []
    for path in text:
        score = engine.score(_Text([path], normalize))
        rows.append({
            "text": str(path),
            "perplexity": score.perplexity,
            "perplexity_known": score.perplexity_known,
            "unknown_rate": score.unknown_rate,
            "n_sentences": score.n_sentences,
            "n_words": score.n_words,
        })  # fmt: skip
    if as_json:
        print_json(rows)
        return
    header = ["text", "perplexity", "known words only", "unknown", "sentences", "words"]
    print_table(header, [[_cell(name, value) for name, value in row.items()] for row in rows])


def prune(
    model: Model,
    out: Out,
    threshold: Annotated[float | None, typer.Option(help="Drop what raises perplexity by less than this.")] = None,
    n_ngrams: Annotated[int | None, typer.Option(help="Keep so many n-grams of order 2 or more.")] = None,
    histories: Annotated[Path | None, typer.Option(help="Model that says how likely histories are.")] = None,
    as_json: Json = False,
) -> None:
    """Make a model smaller by entropy pruning."""
    from otoscope.cli.inputs import check_writable
    from otoscope.cli.progress import working
    from otoscope.lexicon.ngram.files import read_model, write_model
    from otoscope.lexicon.ngram.pruning import prune as by_threshold
    from otoscope.lexicon.ngram.pruning import prune_to

    if (threshold is None) == (n_ngrams is None):
        raise BadInput("give one of --threshold, such as 1e-8, and --n-ngrams, such as 2000000")
    check_writable(out)
    with working("pruning"):
        engine = read_model(model)
        weigher = None if histories is None else read_model(histories)
        if threshold is not None:
            smaller = by_threshold(engine, threshold, histories=weigher)
        else:
            smaller = prune_to(engine, n_ngrams or 0, histories=weigher)
        write_model(smaller, out)
    _report(smaller, out, as_json)


def interpolate(
    models: Annotated[list[Path], typer.Argument(help="Two models or more.")],
    out: Out,
    weight: Annotated[list[float] | None, typer.Option(help="One for each model, in their order.")] = None,
    held_out: Annotated[Path | None, typer.Option(help="Text to find the weights by instead.")] = None,
    weighing: Annotated[str, typer.Option(help="fixed, or history: weights follow what was said.")] = "fixed",
    as_json: Json = False,
) -> None:
    """Mix models into one."""
    from otoscope.cli.inputs import check_writable
    from otoscope.cli.progress import working
    from otoscope.lexicon.ngram.files import read_model, write_model
    from otoscope.lexicon.ngram.mixing import check_weighing, tune_weights
    from otoscope.lexicon.ngram.mixing import interpolate as run

    if bool(weight) == (held_out is not None):
        raise BadInput("give --weight for each model, or --held-out text to find the weights by")
    check_writable(out)
    how = check_weighing(weighing)
    with working("mixing"):
        engines = [read_model(path) for path in models]
        weights = tuple(weight) if weight else tune_weights(engines, held_out or "", weighing=how)
        mixed = run(engines, weights, weighing=how)
        write_model(mixed, out)
    _report(mixed, out, as_json, weights=list(weights))


class _Text:
    """Sentences of several files, read anew each time they are asked for."""

    def __init__(self, paths: list[Path], normalize: bool) -> None:
        self.paths, self.normalize = paths, normalize

    def __iter__(self) -> Any:
        from otoscope.lexicon.ngram.sentences import read_sentences
        from otoscope.lexicon.normalization import normalize_words

        for path in self.paths:
            for words in read_sentences(path):
                sentence = list(normalize_words(" ".join(words))) if self.normalize else words
                if sentence:
                    yield sentence


def _vocabulary(path: Path | None) -> tuple[str, ...] | None:
    from otoscope.lexicon.ngram.sentences import read_sentences

    return None if path is None else tuple(word for words in read_sentences(path) for word in words)


def _report(model: NGramModel, out: Path, as_json: bool, **more: Any) -> None:
    from otoscope.cli.printing import print_json

    found = {"model": str(out), "n_ngrams": list(model.counts), "size_bytes": out.stat().st_size, **more}
    if as_json:
        print_json(found)
        return
    counts = ", ".join(f"{count:,} {order}-grams" for order, count in enumerate(model.counts, start=1))
    weights = "".join(f", weight {weight:.4f}" for weight in more.get("weights", ()))
    print(f"{out}: {counts}; {found['size_bytes'] / 1e6:.1f} MB{weights}")


def _cell(name: str, value: Any) -> str:
    if name == "unknown_rate":
        return f"{value:.2%}"
    return f"{value:.1f}" if isinstance(value, float) else str(value)
