"""Kills, freezes and cuts under real load, and a checker that reads what happened: `python -m tests.chaos --help`.

`ledger` is what jobs wrote outside Redis, `requests` what submitters were told, `history` the event stream and the records;
`checker` and `books` compare them. `system` starts the processes, `nemesis` plans what is done to them, `deaths` and `troubles`
do it (through `proxy`, and by `shortages` of memory and disk), `run` puts all together, `recovery` says how soon jobs ran again.
`scenarios` take out one guard each. Without processes, `machine` plays random calls on the scripts and on `model`, which
`comparison` compares after every one. `crash_points` kills a process between any two of its commands, on the paths in `paths`.
"""
