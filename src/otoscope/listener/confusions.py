"""Which consonant people take for which, in quiet: counts of Wang and Bilger (1973).

Wang and Bilger (Journal of the Acoustical Society of America 54, 1248-1266), Table VI: sixteen consonants before three
vowels, said by one talker, without noise, answers at all levels from 20 to 115 dB SPL together; so 30 % are wrong, more
than at a level one would choose.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

CONSONANTS = ("P", "T", "K", "B", "D", "G", "F", "TH", "S", "SH", "V", "DH", "Z", "ZH", "CH", "JH")
COUNTS = (
    (773, 38, 35, 9, 14, 6, 16, 8, 9, 2, 2, 2, 4, 7, 1, 4),
    (33, 783, 27, 7, 19, 6, 0, 3, 8, 3, 3, 4, 11, 8, 6, 9),
    (71, 89, 585, 11, 14, 18, 14, 2, 4, 15, 9, 2, 6, 9, 37, 47),
    (21, 11, 8, 587, 28, 17, 33, 28, 8, 1, 133, 47, 5, 3, 0, 3),
    (9, 10, 4, 32, 771, 24, 1, 9, 12, 3, 18, 8, 12, 5, 3, 9),
    (4, 4, 8, 27, 41, 764, 3, 3, 5, 1, 21, 3, 8, 14, 2, 19),
    (43, 7, 13, 44, 4, 4, 681, 63, 17, 3, 20, 11, 13, 4, 2, 4),
    (22, 15, 13, 64, 11, 2, 321, 355, 34, 2, 27, 38, 14, 0, 1, 2),
    (10, 4, 4, 23, 7, 3, 31, 26, 732, 7, 13, 5, 60, 4, 0, 1),
    (5, 4, 7, 3, 5, 6, 0, 1, 7, 745, 2, 0, 9, 19, 93, 21),
    (7, 10, 9, 128, 11, 2, 23, 31, 6, 3, 567, 38, 50, 6, 4, 6),
    (11, 1, 5, 88, 24, 14, 21, 57, 18, 7, 407, 204, 58, 9, 2, 7),
    (7, 8, 9, 15, 9, 2, 10, 9, 20, 5, 28, 70, 756, 15, 2, 7),
    (6, 9, 8, 10, 16, 48, 4, 4, 5, 21, 7, 34, 17, 612, 8, 149),
    (3, 17, 4, 7, 5, 3, 9, 6, 13, 37, 3, 3, 4, 11, 794, 14),
    (3, 6, 4, 2, 8, 40, 3, 4, 8, 12, 5, 0, 25, 76, 3, 734),
)
"""Rows are what was said, columns what was answered."""


def consonant_confusions() -> Mapping[tuple[str, str], float]:
    """Return how often each consonant (first) was taken for each other; pairs never met are at half an answer.

    Examples
    --------
    >>> rates = consonant_confusions()
    >>> round(rates["P", "T"], 3), rates["TH", "F"] > rates["TH", "K"]
    (0.041, True)
    """
    found = {}
    for said, row in zip(CONSONANTS, COUNTS, strict=True):
        for heard, count in zip(CONSONANTS, row, strict=True):
            if heard != said:
                found[said, heard] = max(count, 0.5) / sum(row)
    return MappingProxyType(found)
