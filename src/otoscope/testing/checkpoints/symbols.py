"""What the tiny CTC models write: letters in the order of `facebook/wav2vec2-base-960h`, phones, other alphabets."""

from __future__ import annotations

SPECIAL = ("<pad>", "<s>", "</s>", "<unk>")
"""The blank first; ids 0 to 3 in the published models."""

LETTERS = (*SPECIAL, "|", *"ETAONIHSRDLUMWCFGYPBVK'XJQZ")
"""In the order of `facebook/wav2vec2-base-960h`."""

_IPA = """
n s t ə l a i k d m ɛ ɾ e ɪ p o ɐ z ð f j v b ɹ ʁ ʊ iː r w ʌ u ɡ æ aɪ ʃ h ɔ ɑː
ŋ ɚ eɪ β uː y ɑ̃ oʊ ᵻ eː θ aʊ ts oː ɔ̃ ɣ ɜ ɑ dʒ əl x ɜː ç ʒ tʃ ɔː ɑːɹ ɛ̃ ʎ ɔːɹ ʋ aː ɕ œ ø
"""
_ARPABET = "aa ae ah ao aw ay b ch d dh eh er ey f g hh ih iy jh k l m n ng ow oy p r s sh t th uh uw v w y z zh"

IPA = ("<s>", "<pad>", "</s>", "<unk>", *_IPA.split())
"""The commonest phones of espeak-ng, some of several letters; `<pad>` is 1, as in `wav2vec2-lv-60-espeak-cv-ft`."""

ARPABET = (*SPECIAL, "|", "sil", *_ARPABET.split())
"""The 39 phones of CMUdict in small letters, with silence."""

LANGUAGE_LETTERS = {
    "eng": (*SPECIAL, "|", *"etaonihsrdlumwcfgypbvkxjqz'"),
    "deu": (*SPECIAL, "|", *"enirtsahdulcgmobwfkzvpüäößjyqx"),
    "fra": (*SPECIAL, "|", *"esaitnrulodcmpévqfbghjàxèyêzçâîô'"),
    "nld": (*SPECIAL, "|", *"enatirodslghvkmubpwjzcfxyqëé"),
}
"""Letters of each language that an adapter can be made for, under its ISO 639-3 code; each its own order."""
