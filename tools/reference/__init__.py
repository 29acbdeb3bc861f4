"""The pages of docs that are made from the code: `python -m tools.reference`, which is what `make reference` runs.

Each is what the code says of itself, so nothing on it is changed by hand; a test fails where a page and the code differ.
"""
