"""What `running_speech.py` measures: words, decisions, how often probabilities are right, time and memory."""
