"""rpqueue: two processes of one thread each, started by its `execute_tasks`; results are kept for ten minutes, since by
default it keeps none.

It imports `imp`, which Python has had until 3.11, and is left out on later ones. Better off: a job is in no record but its
message, and is lost with its worker. Worse off: an idle thread sleeps for 50 ms between two looks; that is no option. It has
no batched submit.
"""

import json
import os
import sys
from collections.abc import Sequence

import rpqueue

from bench.body import BODIES, Ran
from bench.contestant import PORT, Command, Contestant

rpqueue.set_redis_connection_settings(host="127.0.0.1", port=int(os.environ[PORT]))
tasks = {name: rpqueue.task(name=name, save_results=600)(body) for name, body in BODIES.items()}


class Rpqueue(Contestant):
    """This very file, since its own program finds no module in a package."""

    def commands(self, processes: int) -> list[Command]:
        return [Command(["-m", "bench.contestants.rpqueue", str(processes)])]

    def submit_each(self, body: str, numbers: Sequence[int]) -> list[str]:
        return [tasks[body].execute(number).taskid for number in numbers]

    def submit_batch(self, body: str, numbers: Sequence[int]) -> list[str]:
        return self.submit_each(body, numbers)

    def results(self, ids: Sequence[str]) -> list[Ran | None]:
        values = rpqueue.get_connection().mget([rpqueue.RESULT_KEY + jid.encode() for jid in ids])
        return [Ran(*json.loads(value)) if value else None for value in values]  # empty while it runs

    def close(self) -> None:
        rpqueue.get_connection().close()


if __name__ == "__main__":
    rpqueue.execute_tasks(processes=int(sys.argv[1]), module="bench.contestants.rpqueue")
