"""How good a run is: frame metrics, paired comparisons and the competition's own score."""
