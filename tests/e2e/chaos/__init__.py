"""A release under load on a real cluster while its pods, containers and node are taken away at random: `make e2e-chaos`.

`plan` says what strikes when, by a seed, and `nemesis` does it. `submitting` is the load, beside the pod of tests/e2e/load.py;
`probe` asks the API from inside the cluster the whole time, and `answers` says what that shows. `run` puts all together and has
what is left in Redis judged by the checker of tests/chaos, for which jobs write their runs to a volume; `figures` says what came
of it.
"""
