"""Metrics of the whole release for Prometheus, built at each scrape from what Redis keeps: the API serves them on `/metrics`.

Every process shows the same numbers, and a restart of any of them resets none: `counters` are those that the scripts count,
`gauges` what stands where now, `scrape` reads both. What one process alone knows is counted beside it, in `services`.
"""
