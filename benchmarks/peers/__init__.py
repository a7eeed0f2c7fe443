"""The same job on this pipeline's engine and on its peers, on one broker in one run: `python -m benchmarks.peers`."""
