"""What queues lose when their workers are killed under load: `python -m bench.losses --help`.

`body` is the job, `contenders` the queues, `experiment` the load and the kills, which a seed decides alike for all of them.
"""
