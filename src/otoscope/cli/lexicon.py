"""`otoscope lexicon …`: what a lexicon says of items, what is near a word, and pseudowords matched to words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from otoscope.core import BadInput

if TYPE_CHECKING:
    from otoscope.lexicon.mental_lexicon import MentalLexicon
    from otoscope.lexicon.pronunciations import Phones
    from otoscope.lexicon.pseudowords import Pseudoword

Items = Annotated[
    list[str] | None, typer.Argument(metavar="[ITEM]...", help='Words, or phones in one argument: "B L IH K".')
]
Table = Annotated[Path | None, typer.Option(help="A CSV or TSV of items instead: a column word or phones.")]
Lexicon = Annotated[
    Path | None, typer.Option(help="The words: a table of word, phones, frequency; English if left out.")
]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="A CSV or TSV to write instead of printing.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
SHOWN = {
    "label": "item", "is_word": "word", "zipf": "Zipf", "n_phones": "phones", "n_syllables": "syllables",
    "density": "density", "weighted_density": "weighted", "onset_density": "onset", "uniqueness_point": "unique at",
    "n_embedded": "inside", "n_carriers": "around", "n_rhymes": "rhymes", "segment_probability": "segments",
    "biphone_probability": "biphones",
}  # fmt: skip
"""Columns that are printed, and their headings; files and JSON have all."""


def register(app: typer.Typer) -> None:
    """Add the verbs to the command line."""
    group = typer.Typer(
        no_args_is_help=True, rich_markup_mode=None, help="Measure words, find what is near, make none."
    )
    for verb in (measure, near, pseudowords):
        group.command()(verb)
    app.add_typer(group, name="lexicon")


def measure(
    items: Items = None,
    table: Table = None,
    lexicon: Lexicon = None,
    output: Output = None,
    as_json: Json = False,
) -> None:
    """Tell frequency, neighbours, cohort, uniqueness point, words inside and around, and phonotactics of items."""
    from otoscope.lexicon.item_measures import measured

    words = _words(lexicon)
    named = _items(items, table, words)
    rows = [{**one.row(), "label": k} for k, one in zip(named, measured(named.values(), words), strict=True)]
    if table is None or output is None:
        _tell(rows, output, as_json)
    else:
        _write_back(table, rows, output)


def near(
    item: Annotated[str, typer.Argument(help='A word, or phones: "B L IH K".')],
    lexicon: Lexicon = None,
    n: Annotated[int, typer.Option("-n", help="How many of each sort at most, the most frequent first.")] = 20,
    as_json: Json = False,
) -> None:
    """Name a word's neighbours, the words that begin like it, rhyme with it, lie in it or around it."""
    from otoscope.cli.printing import print_json, print_table

    if n < 1:
        raise BadInput(f"-n must be 1 or more, got {n}")
    words = _words(lexicon)
    sorts = _near(_item(item, words), words, n)
    if as_json:
        print_json({"item": item, **{name: {"n": count, "words": said} for name, (count, said) in sorts.items()}})
        return
    print_table(["sort", "n", "words"], [[name, str(count), ", ".join(said)] for name, (count, said) in sorts.items()])


def pseudowords(
    items: Items = None,
    table: Table = None,
    lexicon: Lexicon = None,
    way: Annotated[
        Literal["change", "recombine"], typer.Option(help="Change one phone, or exchange onsets, nuclei and codas.")
    ] = "change",
    position: Annotated[
        int | None, typer.Option(help="Which phone is changed, from 0, negative from the end; drawn if left out.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of what is drawn.")] = 0,
    output: Output = None,
    as_json: Json = False,
) -> None:
    """Make a pseudoword for each word: legal, as long, and as likely in its phonotactics."""
    from otoscope.lexicon.pseudowords import PseudowordMaker

    words = _words(lexicon)
    named = list(_items(items, table, words).values())
    maker = PseudowordMaker(words.as_usually_said(), known=words)
    if way == "change":
        made = maker.one_for_each(named, seed=seed, position=position)
    elif position is not None:
        raise BadInput("--position belongs to --way change")
    else:
        made = tuple(_first(maker.recombined(one, seed=seed, n_candidates=1), one) for one in named)
    rows = [
        {
            "word": one if isinstance(one, str) else "", "base": " ".join(new.base), "phones": " ".join(new.phones),
            "kind": "pseudoword", "changed": " ".join(map(str, new.changed)), "deviation_point": new.deviation_point,
            "mismatch": new.mismatch,
        }
        for one, new in zip(named, made, strict=True)
    ]  # fmt: skip
    _tell(rows, output, as_json)


def _near(item: str | Phones, lexicon: MentalLexicon, n: int) -> dict[str, tuple[int, list[str]]]:
    """Return for each sort of relation how many forms there are and the words of the most frequent."""
    from otoscope.lexicon.embedding import anadromes, carriers, embedded
    from otoscope.lexicon.form_index import items_as_phones
    from otoscope.lexicon.neighbours import neighbours
    from otoscope.lexicon.rhymes import rhymes

    (said,) = items_as_phones([item], lexicon)
    forms = lexicon.forms
    begins = [form for form, phones in enumerate(forms.phones) if phones[:2] == said[:2] and phones != said]
    begins.sort(key=lambda form: -forms.log_prior[form])
    (rhyming,), (backwards,) = rhymes([said], lexicon), anadromes([said], lexicon)
    by_sort = {
        "neighbours": [one.label for one in neighbours([said], lexicon).of(0)],
        "begin alike": [lexicon.label(form) for form in begins],
        "rhymes": [lexicon.label(form) for form in rhyming],
        "inside": list(embedded([said], lexicon).of(0)),
        "around": list(carriers([said], lexicon).of(0)),
        "backwards": [] if backwards is None else [lexicon.label(backwards)],
    }
    return {name: (len(labels), labels[:n]) for name, labels in by_sort.items()}


def _words(lexicon: Path | None) -> MentalLexicon:
    from otoscope.lexicon.mental_lexicon import MentalLexicon

    return MentalLexicon.english() if lexicon is None else MentalLexicon.read(_there(lexicon))


def _there(path: Path) -> Path:
    if not path.is_file():
        raise BadInput(f"there is no file {path}")
    return path


def _item(written: str, lexicon: MentalLexicon) -> str | Phones:
    """Return a word, or the phones of an argument with a space in it."""
    parts = tuple(written.split())
    if not parts:
        raise BadInput("an item is empty")
    return _said(parts, lexicon) if len(parts) > 1 else parts[0]


def _items(written: Sequence[str] | None, table: Path | None, lexicon: MentalLexicon) -> dict[str, str | Phones]:
    """Return words or phones by their labels: of arguments, or of the rows of a table."""
    from otoscope.listener.stimuli.tables import read_items

    if bool(written) == (table is not None):
        raise BadInput('name words, phones ("B L IH K"), or a --table of them, and not both')
    if table is None:
        return {one: _item(one, lexicon) for one in written or ()}
    rows = read_items(_there(table), sounds=False).items
    return {one.label: _said(one.phones, lexicon) if one.phones else one.word or one.label for one in rows}


def _said(phones: Phones, lexicon: MentalLexicon) -> Phones:
    strange = [phone for phone in phones if phone not in lexicon.phones]
    if strange:
        raise BadInput(f"no word of the lexicon has the phone {strange[0]!r}; it knows {' '.join(lexicon.phones)}")
    return phones


def _first(found: Sequence[Pseudoword], item: str | Phones) -> Pseudoword:
    if not found:
        raise BadInput(
            f"no legal pseudoword of {item if isinstance(item, str) else ' '.join(item)} can be put together"
        )
    return found[0]


def _write_back(table: Path, rows: Sequence[Mapping[str, Any]], output: Path) -> None:
    """Write the user's table with the measures behind its own columns; a column it has already stays the user's."""
    from otoscope.cli.inputs import check_writable
    from otoscope.listener.stimuli.tables import read_items

    check_writable(output)
    read = read_items(table, sounds=False)
    taken = {"label", *(name.lower() for name in read.table.header)}
    new = {row["label"]: {name: v for name, v in _fields(row).items() if name not in taken} for row in rows}
    read.write(output, new)
    print(f"{len(read.table.rows)} rows of {len(new)} items: {output}")


def _fields(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row for a file: sizes of cohorts in one field."""
    return {name: " ".join(map(str, value)) if isinstance(value, tuple) else value for name, value in row.items()}


def _tell(rows: Sequence[Mapping[str, Any]], output: Path | None, as_json: bool) -> None:
    from otoscope.cli.inputs import check_writable
    from otoscope.cli.printing import print_json, print_table
    from otoscope.io.delimited import write_delimited

    if output is not None:
        check_writable(output)
        write_delimited(output, [_fields(row) for row in rows])
        print(f"{len(rows)} rows: {output}" if len(rows) > 1 else f"1 row: {output}")
    elif as_json:
        print_json(list(rows))
    else:
        shown = {name: SHOWN.get(name, name) for name in rows[0] if name in SHOWN or "label" not in rows[0]}
        print_table(list(shown.values()), [[_cell(row[name]) for name in shown] for row in rows])


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    return "" if value is None else str(value)
