"""Audio files in; tiers, transcripts and Traces in and out."""
