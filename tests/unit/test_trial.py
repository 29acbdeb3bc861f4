"""Files of the operator's are tried in processes of their own: whatever one does, it is named with its line and does no harm."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from lib.trial import trouble
from services.worker.supervisor import ONE_THREAD
from tests.waiting import until
from tests.workers import ROOT

FINE = """
from lib.operations import operation

@operation(needs_data=False)
def {name}() -> int:
    "One."
    return 1
"""
START = "from lib.operations import Params, operation\n"
NUL_ERROR = "SyntaxError" if sys.version_info >= (3, 11, 4) else "ValueError"
BROKEN = {
    # what Python says
    "syntax": ("x = 1\ndef", "line 2: SyntaxError: invalid syntax"),
    "nul": ("x = '\0'", f"{NUL_ERROR}: source code string cannot contain null bytes"),
    "missing": ("\nimport nothing_of_that_name", "line 2: ModuleNotFoundError: No module named 'nothing_of_that_name'"),
    "raises": ("\n\nraise ValueError('two\\nlines')", "line 3: ValueError: two lines"),
    "exits": ("import sys; sys.exit(3)", "line 1: SystemExit: 3"),
    "interrupts": ("raise KeyboardInterrupt", "line 1: KeyboardInterrupt"),
    "mute": ("class E(BaseException):\n  def __str__(self): raise ValueError\nraise E", "line 3: E: its message cannot be read"),
    # what the process of an import does not survive
    "leaves": ("import os; os._exit(3)", "its import left the process with exit code 3"),
    "leaves_well": ("import os; os._exit(0)", "its import ended the process, or closes files that are not its own"),
    "crashes": ("import ctypes; ctypes.string_at(0)", "its import ended the process by SIGSEGV"),
    "kills": ("import os; os.kill(os.getpid(), 9)", "its import ended the process by SIGKILL"),
    "closes": ("import os; os.closerange(3, 200)", "its import ended the process, or closes files that are not its own"),
    "hangs": ("while True:\n    pass", "line "),
    "clings": ("while True:\n  try:\n    while True: pass\n  except BaseException: pass", "line "),
    "grows": ("x = []\nwhile True: x.append(bytearray(10**6))", "line 2: MemoryError: its import takes more than 256 MiB"),
    # what outlives an import
    "thread": ("import threading, time; threading.Thread(target=time.sleep, args=(60,)).start()", "its import starts a thread"),
    "process": ("import subprocess; subprocess.Popen(['sleep', '60'])", "its import leaves a process behind"),
    "forks": ("import os; os.fork()", "its import leaves a process behind"),
    "signals": ("import signal; signal.signal(signal.SIGTERM, print)", "its import handles signals"),
    "patches": ("import lib.analysis; lib.analysis.top_locations = print", "its import replaces lib.analysis.top_locations,"),
    "patches_class": (
        "import lib.operations; lib.operations.Catalog.get = print",
        "its import replaces lib.operations.Catalog.get,",
    ),
    "patches_python": ("import builtins; builtins.open = print", "its import replaces builtins.open,"),
    # what cannot be an operation
    "nothing": (None, "ValueError: no function in it is decorated with @operation"),
    "taken": (START + "@operation()\ndef describe(df): ...", "ValueError: 'describe' is the name of another operation already"),
    "untyped": (START + "@operation()\ndef f(df, n): ...", "line 2: TypeError: f: parameter 'n' needs a type annotation"),
    "unknown_type": (START + "@operation()\ndef f(df, n: 'Nope'): ...", "line 2: NameError: name 'Nope' is not defined"),
    "refused": (START + "class X: ...\n@operation()\ndef f(df, n: X): ...", "line 3: PydanticSchemaGenerationError: Unable to"),
    "no_schema": (
        START + "from typing import Callable\n@operation()\ndef f(df, n: Callable): ...",
        "line 3: TypeError: its parameters have no JSON Schema",
    ),
    "no_model": (START + "@operation(params=dict)\ndef f(df): ...", "line 2: TypeError: params must be a class derived from"),
    "other_model": (
        START + "class P(Params):\n  a: int = 1\n@operation(params=P)\ndef f(df, n: int): ...",
        "line 4: TypeError: the function must be given 'n', which its parameters do not have",
    ),
    "default": (
        START + "@operation()\ndef f(df, n: int = 'x'): ...",
        "line 2: InvalidParameters: params.n: must be a whole number",
    ),
    "example": (
        START + "@operation(example={'n': 'x'})\ndef f(df, n: int): ...",
        "line 2: InvalidParameters: params.n: must be a whole number",
    ),
    "limit": (START + "@operation(memory_limit='1G')\ndef f(df): ...", "line 2: ValueError: memory_limit must be a whole number"),
    "no_time": (
        START + "@operation(timeout=0)\ndef f(df): ...",
        "line 2: ValueError: timeout must be a number of seconds above 0",
    ),
    "name": (START + "@operation(name='Not so')\ndef f(df): ...", "line 2: ValueError: 'Not so' cannot name an operation"),
}
PROGRAM = """
import json, os, sys
from pathlib import Path
import lib.operations, lib.trial
lib.trial.SECONDS = 6.0
catalog = lib.operations.load_catalog(Path(sys.argv[1]))
sys.__stderr__.write(json.dumps([catalog.broken, catalog.names(), len(os.listdir("/proc/self/task"))]))
"""


def load(folder: Path) -> tuple[dict[str, str], list[str]]:
    """What a process of one thread finds in a folder: reasons by file, and the names of the operations."""
    environment = os.environ | ONE_THREAD | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", PROGRAM, str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    broken, names, threads = json.loads(done.stderr)
    assert threads == 1
    return broken, names


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], list[str]]:
    """What becomes of a folder in which nearly every file is broken in another way."""
    folder = tmp_path_factory.mktemp("operations")
    for name, (text, _) in BROKEN.items():
        itself = text if text is None or text.startswith(START) else f"{text}\n{FINE.format(name=name)}"
        (folder / f"{name}.py").write_text(itself or "x = 1")
    (folder / "bytes.py").write_bytes(b"x = '\xff'\n")
    (folder / "folder.py").mkdir()
    (folder / "dangling.py").symlink_to(folder / "nowhere")
    os.mkfifo(folder / "pipe.py")
    # as Kubernetes mounts a ConfigMap
    (folder / "..2026").mkdir()
    (folder / "..2026" / "mounted.py").write_text(FINE.format(name="mounted"))
    (folder / "..data").symlink_to("..2026")
    (folder / "mounted.py").symlink_to("..data/mounted.py")
    (folder / "plain.py").write_text(FINE.format(name="plain"))
    (folder / "prints.py").write_text("print('x' * 1_000_000)\n" + FINE.format(name="prints"))
    (folder / "words.txt").write_text("no Python")
    return load(folder)


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_named_with_its_reason_and_line(found: tuple[dict[str, str], list[str]], name: str) -> None:
    broken, names = found
    assert broken[f"{name}.py"].startswith(BROKEN[name][1])
    assert len(broken[f"{name}.py"]) <= 500
    assert name not in names


def test_an_import_that_does_not_end_is_named_with_the_time_it_had(found: tuple[dict[str, str], list[str]]) -> None:
    for name in ("hangs", "clings", "pipe"):
        assert found[0][f"{name}.py"].endswith("its import had not ended after 6 s")


def test_what_is_no_readable_file_of_text_is_named(found: tuple[dict[str, str], list[str]]) -> None:
    assert "'utf-8' codec can't decode" in found[0]["bytes.py"]
    assert "Is a directory" in found[0]["folder.py"]
    assert "No such file" in found[0]["dangling.py"]


def test_the_good_files_are_there_and_nothing_else_is_named(found: tuple[dict[str, str], list[str]]) -> None:
    broken, names = found
    assert names[-3:] == ["mounted", "plain", "prints"]
    assert set(broken) == {f"{name}.py" for name in [*BROKEN, "bytes", "folder", "dangling", "pipe"]}


def test_without_files_no_process_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "fork")
    assert trouble([], lambda path: path) == {}


def test_a_trial_that_is_killed_from_outside_says_nothing_about_its_file(tmp_path: Path) -> None:
    once = tmp_path / "killed"
    kill = f"import os, pathlib\nif not os.path.exists('{once}'):\n    pathlib.Path('{once}').touch(); os.kill(os.getpid(), 9)\n"
    folder = tmp_path / "operations"
    folder.mkdir()
    (folder / "unlucky.py").write_text(kill + FINE.format(name="unlucky"))
    (folder / "other.py").write_text(FINE.format(name="other"))
    broken, names = load(folder)
    assert broken == {}
    assert {"unlucky", "other"} <= set(names)


CLINGING = """
import os, time
open(__file__ + ".pid", "w").write(str(os.getpid()))
while True:
    try:
        time.sleep(60)
    except BaseException:
        pass
"""


def test_a_file_that_holds_on_to_its_trial_ends_with_the_program_that_tries_it(tmp_path: Path) -> None:
    (tmp_path / "clinging.py").write_text(CLINGING)
    told = tmp_path / "clinging.py.pid"
    environment = os.environ | ONE_THREAD | {"PYTHONPATH": str(ROOT)}
    program = subprocess.Popen([sys.executable, "-c", PROGRAM, str(tmp_path)], env=environment, stderr=subprocess.DEVNULL)
    try:
        trial = psutil.Process(int(until(lambda: told.read_text() if told.exists() else "", 60, "the trial")))
        program.kill()
        program.wait(20)
        until(lambda: not trial.is_running() or trial.status() == psutil.STATUS_ZOMBIE, 10, "the end of the trial")
    finally:
        program.kill()
