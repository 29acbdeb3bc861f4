"""Every script may be sent twice: the reply of each is dropped once, by a proxy, and nothing shows it afterwards."""

import itertools
import os
from pathlib import Path

import pytest

from lib.scripts import script_names
from tests.chaos.lost_replies import CALLS
from tests.chaos.scenarios.stage import Stage
from tests.servers import Server

_numbers = itertools.count(1)


def test_every_script_has_its_call() -> None:
    assert sorted(CALLS) == script_names()


@pytest.mark.parametrize("name", script_names())
def test_a_script_whose_reply_was_lost_may_be_sent_again(name: str, server: Server, tmp_path: Path) -> None:
    with Stage(tmp_path, server=server, prefix=f"deaf{os.getpid()}-{next(_numbers)}:") as stage:
        CALLS[name](stage, stage.proxied(name))
        assert stage.proxies[0].dropped == [stage.sent_as(name)]
        stage.run_what_waits()
        assert [str(violation) for violation in stage.verdict()] == []
