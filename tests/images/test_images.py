"""What is in the images, and what is not."""

from collections.abc import Callable, Iterator

import pytest

from tests.images.engine import IMAGES, Container, EngineError, engine, inspect
from tests.images.sizes import LIMIT, over_base

pytestmark = pytest.mark.images

LOCKED = ["--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges"]


@pytest.fixture(params=IMAGES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def output(image: str, *command: str) -> str:
    """What a command in a container of its own prints."""
    return engine("run", "--rm", *LOCKED, f"--entrypoint={command[0]}", IMAGES[image], *command[1:])


def test_an_image_is_at_most_450_mb_larger_than_its_base(name: str) -> None:
    assert over_base(name) <= LIMIT


def test_an_image_says_what_it_is_and_starts_without_a_shell_as_nobody_in_particular(name: str) -> None:
    config = inspect("image", IMAGES[name])["Config"]
    wanted = ("title", "description", "source", "licenses", "version", "revision")
    assert all(config["Labels"].get(f"org.opencontainers.image.{label}") for label in wanted)
    assert config["User"] == "10001:10001"
    assert config["Entrypoint"][0] in ("gunicorn", "python")


def test_an_image_holds_lib_and_its_own_service_only(name: str) -> None:
    program = "from pathlib import Path; print(*sorted(str(p) for p in Path().glob('*')), *Path('services').glob('*/'))"
    folders = output(name, "python", "-c", program).split()
    assert {each for each in folders if "__pycache__" not in each} - {"services/__init__.py"} == {
        "fonts", "lib", "services", f"services/{name}"}  # fmt: skip


def test_an_image_cannot_build_or_install_anything(name: str) -> None:
    program = """
import importlib.util, pathlib, shutil, sysconfig
packages = pathlib.Path(sysconfig.get_paths()["purelib"])
print([tool for tool in ("gcc", "cc", "g++", "make", "ld", "git", "curl") if shutil.which(tool)])
print([name for name in ("pip", "setuptools", "wheel", "pytest") if (packages / name).exists()])
"""
    assert output(name, "python", "-c", program) == "[]\n[]"


def test_every_module_in_an_image_is_compiled(name: str) -> None:
    program = """
import importlib.util, pathlib, sys, sysconfig
folders = [pathlib.Path("/app"), *(pathlib.Path(p) for p in sys.path if p.startswith("/opt/venv"))]
modules = [path for folder in folders for path in folder.rglob("*.py")]
left = {"site-packages", "dist-packages", "test", "tests", "idlelib", "ensurepip"}
modules += [path for path in pathlib.Path(sysconfig.get_path("stdlib")).rglob("*.py") if not left & set(path.parts)]
print(len(modules) > 1000, [str(path) for path in modules if not pathlib.Path(importlib.util.cache_from_source(path)).exists()])
"""
    assert output(name, "python", "-c", program) == "True []"


def test_what_was_taken_out_of_the_packages_is_missed_by_nobody(name: str) -> None:
    modules = "matplotlib.pyplot, matplotlib.backends.backend_pdf, numpy.testing, pandas.testing, pyarrow.csv, pyarrow.dataset"
    modules += ", pyarrow.feather, pyarrow.fs, pyarrow.json, pyarrow.orc, pyarrow.parquet"
    program = f"import {modules}, io, pandas; f = io.BytesIO(); pandas.DataFrame({{'a': [1]}}).to_parquet(f); print(f.tell() > 0)"
    assert output(name, "python", "-W", "error", "-c", program) == "True"


def test_the_api_does_not_start_open_to_others_unasked() -> None:
    with pytest.raises(EngineError, match=r"HOST: 0\.0\.0\.0 can be reached by others.*AUTH=off"):
        engine("run", "--rm", *LOCKED, IMAGES["api"])


@pytest.fixture
def debug_pod() -> Iterator[Callable[[], Container]]:
    """Makes containers as the chart's debug Deployment has them, in one network, and a Redis in the first one's."""
    made: list[Container] = []

    def pod() -> Container:
        network = [f"--network=container:{made[0].id}"] if made else []
        made.append(Container(*LOCKED, *network, "--entrypoint=sleep", IMAGES["worker"], "999999999"))
        return made[-1]

    redis = "docker.io/valkey/valkey:8-alpine"
    made.append(Container("--user=999", redis, "valkey-server", "--requirepass", "secret of a pod"))
    yield pod
    for container in reversed(made):
        container.remove()


def test_ipython_opens_in_the_workers_image_with_everything_at_hand(debug_pod: Callable[[], Container]) -> None:
    pod = debug_pod()
    program = "import redis, hotqueue, IPython; print(q.name, rd.ping(), jobs.__name__, df); [q.put(x) for x in 'abc']; len(q)"
    environment = ["env", "REDIS_PASSWORD=secret of a pod"]
    said = pod.exec(*environment, "ipython", "--colors=nocolor", "-c", program)
    assert "job-queue True lib.jobs None" in said
    assert said.endswith("Out[0]: 3")
    one, other = debug_pod(), debug_pod()
    assert one.exec(
        *environment, "python", "-c", "from lib.shell import *; x = HotQueue('exercise'); x.put('a', 'b', 'c'); print(len(x))"
    ).endswith("3")
    take = "from lib.shell import *; x = HotQueue('exercise'); print(*x.consume(timeout=1))"
    assert other.exec(*environment, "python", "-c", take).endswith("a b c")
