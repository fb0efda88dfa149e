"""Text normalisation, tokenizers, pronunciations, word frequency, language models."""
