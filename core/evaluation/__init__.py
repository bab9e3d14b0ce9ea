"""Evaluation of runs: frame metrics, paired comparisons and the competition's score."""
