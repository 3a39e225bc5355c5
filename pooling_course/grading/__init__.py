"""A class's work: the assignments, and the way from submissions to marks."""
