"""Figures of merit: word error rate, boundary error, faithfulness, plausibility, reliability."""
