"""`python -m bench.analysis`: the analysis beside Polars, DuckDB and pandas, in one run on the generator's data.

It prints ratios to peers and what of the design's targets is reached. Each part runs in a process of its own, so that none
shares its memory or its caches with another; all use two threads at most.
"""
