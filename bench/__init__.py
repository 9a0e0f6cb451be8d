"""Figures beside those of others, taken in one run. `bench/run` starts it."""
