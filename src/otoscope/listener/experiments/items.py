"""Default items, drawn from a lexicon by the rules of `stimuli.sets`: rows as a user's table would have them."""

from __future__ import annotations

from otoscope.lexicon.mental_lexicon import MentalLexicon
from otoscope.listener.stimuli.items import Item
from otoscope.listener.stimuli.sets.ambiguous import EMBEDDED, GANONG, MISMATCH
from otoscope.listener.stimuli.sets.chosen import embedded_pairs, ganong_pairs, mismatch_triples
from otoscope.listener.stimuli.sets.designs import frequency_by_density, lexical_decision_list, mispronunciations
from otoscope.listener.stimuli.sets.displays import ALLOPENNA_1998

Rows = list[dict[str, str]]


def _words(lexicon: MentalLexicon, n: int, seed: int, zipf: tuple[float, float], phones: tuple[int, int]) -> list[Item]:
    usual = lexicon.as_usually_said()
    made = lexical_decision_list(usual, n, seed=seed, known=lexicon, zipf=zipf, phones=phones)
    return [item for item in made if item.kind == "word"]


def plain_words(lexicon: MentalLexicon, n: int, seed: int) -> Rows:
    """Return words spread over frequency."""
    return [{"word": item.label} for item in _words(lexicon, n, seed, (2.5, 5.5), (3, 9))]


def common_words(lexicon: MentalLexicon, n: int, seed: int) -> Rows:
    """Return common words."""
    return [{"word": item.label} for item in _words(lexicon, n, seed, (4.0, 5.5), (3, 9))]


def long_words(lexicon: MentalLexicon, n: int, seed: int) -> Rows:
    """Return words of six phones or more."""
    return [{"word": item.label} for item in _words(lexicon, n, seed, (3.0, 5.0), (6, 9))]


def displays(lexicon: MentalLexicon, n: int, seed: int) -> Rows:
    """Return sets of Allopenna et al. (1998), eight at most."""
    known = [one for one in ALLOPENNA_1998 if all(word in lexicon for word in one.words)]
    return [dict(zip(("word", "cohort", "rhyme", "unrelated"), one.words, strict=True)) for one in known[:n]]


def lexical_decisions(lexicon: MentalLexicon, n: int, seed: int) -> Rows:
    """Return words, and for each a pseudoword with one phone changed."""
    made = lexical_decision_list(lexicon.as_usually_said(), n, seed=seed, known=lexicon)
    return [
        {"word": item.label, "kind": "word"} if item.kind == "word"
        else {"pronunciation": " ".join(item.phones or ()), "kind": "pseudoword"}
        for item in made
    ]  # fmt: skip


def frequency_density(lexicon: MentalLexicon, n: int, seed: int) -> Rows:
    """Return words of four phones in four cells: frequent or rare, of many or few neighbours."""
    made = frequency_by_density(lexicon.as_usually_said(), max(2, n // 4), seed=seed)
    return [{"word": item.label, "condition": item.condition} for item in made]


def carriers(lexicon: MentalLexicon, n: int, seed: int) -> Rows:
    """Return carriers of continua, two a pair with the same sounds: a word at the first end, and at the second."""
    more = max(0, n // 2 - len(GANONG))
    drawn = ganong_pairs(lexicon.as_usually_said(), more, position=-1, seed=seed) if more else ()
    rows: Rows = []
    for pair in (*GANONG, *drawn)[: max(1, n // 2)]:
        donors = {f"donor_{name}": " ".join(said) for name, said in zip(("first", "second"), pair.first, strict=True)}
        for ends, condition in ((pair.first, "first is a word"), (pair.second, "second is a word")):
            first, second = (" ".join(phones) for phones in ends)
            rows.append({"first": first, "second": second, "condition": condition, **donors})
    return rows


def embedded(lexicon: MentalLexicon, n: int, seed: int) -> Rows:
    """Return long words and the words they begin with."""
    drawn = embedded_pairs(lexicon.as_usually_said(), n - len(EMBEDDED), seed=seed) if n > len(EMBEDDED) else ()
    return [{"word": long, "embedded": short} for short, long in (*EMBEDDED, *drawn)[:n]]


def mispronounced(lexicon: MentalLexicon, n: int, seed: int) -> Rows:
    """Return words as said, with their first phone changed in few features, and in many."""
    rows: Rows = []
    usual = lexicon.as_usually_said()
    for item in _words(lexicon, 2 * n, seed, (3.5, 5.0), (5, 8)):
        made = mispronunciations(item.label, usual)
        if len(rows) == 3 * n or not made or item.phones is None or made[0][1] == made[-1][1]:
            continue
        for condition, phones in (("as said", item.phones), ("near", made[0][0]), ("far", made[-1][0])):
            rows.append({"word": item.label, "pronunciation": " ".join(phones), "condition": condition})
    return rows


def spliced(lexicon: MentalLexicon, n: int, seed: int) -> Rows:
    """Return words whose beginning is their own, that of a pseudoword, or that of another word."""
    more = max(0, n - len(MISMATCH))
    drawn = mismatch_triples(lexicon.as_usually_said(), more, seed=seed) if more else ()
    rows: Rows = []
    for triple in (*MISMATCH, *drawn)[:n]:
        word = " ".join(triple.word)
        for condition, said in (("W1W1", triple.word), ("N3W1", triple.pseudoword), ("W2W1", triple.rival)):
            rows.append({"word": triple.label.split("/")[0], "pronunciation": word, "first": " ".join(said),
                         "condition": condition})  # fmt: skip
    return rows
