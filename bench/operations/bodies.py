"""The benchmark's jobs as operations of ours: the very functions that the peers import."""

from bench.body import BODIES
from lib.operations import operation

for function in BODIES.values():
    operation(needs_data=False, direct=False)(function)
