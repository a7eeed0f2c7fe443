"""Measurements of this pipeline; `python -m benchmarks` prints them."""
