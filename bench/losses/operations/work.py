"""The job as an operation of ours: the very function that the peers import."""

from bench.losses import body
from lib.operations import operation

operation(needs_data=False, direct=False)(body.work)
