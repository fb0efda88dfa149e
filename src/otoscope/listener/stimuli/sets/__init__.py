"""Words of published experiments, and words chosen from a lexicon by the rules those experiments followed."""
