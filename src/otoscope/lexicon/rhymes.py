"""Words that rhyme: alike from the first vowel on, as `speaker` and `beaker`."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from otoscope.lexicon.form_index import items_as_phones
from otoscope.lexicon.mental_lexicon import MentalLexicon
from otoscope.lexicon.pronunciations import Phones
from otoscope.lexicon.syllables import rhyming_part


def rhymes(
    items: Iterable[str | Phones], lexicon: MentalLexicon, *, vowels: Collection[str] | None = None
) -> tuple[tuple[int, ...], ...]:
    """Return for each item the forms that differ from it only in what precedes the first vowel, most frequent first.

    The rhymes of Allopenna, Magnuson and Tanenhaus (1998). Forms that share a word with the item are left out; items
    without a vowel have no rhymes.

    Parameters
    ----------
    items
        Words or phone strings.
    lexicon
        Where the forms are from.
    vowels
        The vowels of a phone set other than ARPAbet and IPA.
    """
    phones = items_as_phones(items, lexicon)
    forms = lexicon.forms
    by_tail: dict[Phones, list[int]] = {}
    for form, said in enumerate(forms.phones):
        by_tail.setdefault(rhyming_part(said, vowels), []).append(form)
    by_tail.pop((), None)
    found: list[tuple[int, ...]] = []
    for item in phones:
        own = forms.index.get(item)
        alike = (form for form in by_tail.get(rhyming_part(item, vowels), ()) if forms.phones[form] != item)
        rivals = (form for form in alike if own is None or forms.are_rivals(own, form))
        found.append(tuple(sorted(rivals, key=lambda form: -forms.log_prior[form])))
    return tuple(found)
