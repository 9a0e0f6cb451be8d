"""Figures beside those of others, taken in one run. `bench/acquisition` starts it."""
