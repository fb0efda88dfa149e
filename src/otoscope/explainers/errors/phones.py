"""In which phones do two ways to say something differ?"""

from __future__ import annotations

from otoscope.decoding.edit_distance import align_sequences


def phone_changes(canonical: tuple[str, ...], said: tuple[str, ...]) -> tuple[tuple[str | None, str | None], ...]:
    """Return the phones that differ between two pronunciations, as (canonical, said) with `None` for nothing.

    Examples
    --------
    >>> phone_changes(("K", "AE", "T"), ("K", "AH"))
    (('AE', 'AH'), ('T', None))
    """
    return tuple(
        (
            None if step.reference_index is None else canonical[step.reference_index],
            None if step.hypothesis_index is None else said[step.hypothesis_index],
        )
        for step in align_sequences(canonical, said).operations
        if step.kind != "match"
    )
