"""The registry: parameters, the catalog, the running context, and what operations may return."""

import datetime
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from lib.errors import InvalidInput, InvalidParameters, JobsError, UnknownOperation
from lib.jsonable import jsonable
from lib.operations import Catalog, Recorder, job, load_catalog, log, progress, run, running, save_file, store
from lib.templates import templates_text
from tests.unit.incident_files import frame_of, week
from tests.workers import ROOT

USER_FILE = '''
from lib.operations import log, operation, progress, save_file


@operation(example={"factor": 2})
def row_count(df, factor: int, note: str = "none"):
    """Rows, times a factor.

    More words.
    """
    progress(1, 2, note)
    log("counting")
    save_file("count.txt", b"3", "text/plain")
    return {"rows": len(df) * factor, "note": note}
'''


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


def test_the_courses_operations_are_there_and_load_is_hidden(catalog: Catalog) -> None:
    course = ["incident_count_by_date", "top_locations", "average_response_time", "unique_issues", "incidents_by_road"]

    assert catalog.names()[:5] == course
    assert {"plot", "print", "describe"} < set(catalog.names())
    assert "load" not in catalog.names()
    assert "load" in catalog


def test_the_templates_file_is_what_the_catalog_says(catalog: Catalog) -> None:
    assert (ROOT / "submit_templates.json").read_text() == templates_text()
    for template in catalog.templates().values():
        catalog.validate(template["operation"], template["params"])


def test_an_unknown_operation_is_answered_with_the_nearest_name_and_the_list(catalog: Catalog) -> None:
    with pytest.raises(UnknownOperation, match=r'did you mean "top_locations".*unique_issues') as caught:
        catalog.get("top_location")

    assert caught.value.field == "operation"


def test_all_problems_of_the_parameters_are_reported_at_once(catalog: Catalog) -> None:
    with pytest.raises(InvalidParameters) as caught:
        catalog.validate("top_locations", {"n": "5", "by": "street", "nn": 1})

    assert dict(caught.value.problems) == {
        "params.n": 'must be a whole number, not the string "5"',
        "params.by": "must be one of 'address', 'location', 'grid', not the string \"street\"",
        "params.nn": 'is not a parameter of this operation (did you mean "n"?); it takes n, by,'
        " start, end, issue, road, bbox, agency, tz",
    }


@pytest.mark.parametrize("value", ["5", 5.5, True, None, [5]])
def test_a_json_body_is_taken_strictly(catalog: Catalog, value: Any) -> None:
    with pytest.raises(InvalidParameters, match=r"params\.n"):
        catalog.validate("top_locations", {"n": value})


def test_query_strings_are_coerced_and_defaults_are_left_to_the_run(catalog: Catalog) -> None:
    assert catalog.validate("top_locations", {"n": "5"}, coerce=True) == {"n": 5}
    assert catalog.validate("top_locations", None) == {}


@pytest.mark.parametrize("date", ["2023-1-1", "01/02/2023", "2023-02-29", "2023-01-01T00:00:00", "", "٢٠٢٣-01-01", 20230101])
def test_a_date_must_be_a_day_of_the_calendar_in_one_form(catalog: Catalog, date: Any) -> None:
    with pytest.raises(InvalidParameters, match=r"params\.date: "):
        catalog.validate("incident_count_by_date", {"date": date})


def test_parameters_that_are_no_object_are_refused(catalog: Catalog) -> None:
    with pytest.raises(InvalidParameters, match="must be an object"):
        catalog.validate("print", ["hello"])  # type: ignore[arg-type]


def test_a_file_of_the_users_becomes_an_operation_like_any_other(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(USER_FILE)

    catalog = load_catalog(tmp_path)
    operation = catalog.get("row_count")

    assert catalog.broken == {}
    assert operation.summary == "Rows, times a factor."
    assert operation.json_schema()["required"] == ["factor"]
    assert operation.template() == {"operation": "row_count", "params": {"factor": 2}}
    with running(Recorder()) as context:
        assert run(operation, {"factor": 3}, pd.DataFrame({"a": [1, 2]})) == {"rows": 6, "note": "none"}
    assert (context.files, context.lines, context.steps) == ({"count.txt": (b"3", "text/plain")}, ["counting"], [(1, 2, "none")])


def test_a_broken_file_does_not_take_the_others_down(tmp_path: Path) -> None:
    for name, text in {
        "a_syntax.py": "def",
        "b_exit.py": "raise SystemExit(3)",
        "c_taken.py": "from lib.operations import operation\n@operation()\ndef describe(df):\n    'x'",
        "d_nothing.py": "x = 1",
        "e_untyped.py": "from lib.operations import operation\n@operation()\ndef untyped(df, n):\n    'x'",
        "f_example.py": "from lib.operations import operation\n@operation(example={'n': 'x'})\ndef bad(df, n: int):\n    'x'",
        ".hidden.py": "def",
        "mine.py": USER_FILE,
    }.items():
        (tmp_path / name).write_text(text)

    catalog = load_catalog(tmp_path)

    assert sorted(catalog.broken) == [
        f"{name}.py" for name in ("a_syntax", "b_exit", "c_taken", "d_nothing", "e_untyped", "f_example")
    ]
    assert "another operation already" in catalog.broken["c_taken.py"]
    assert "needs a type annotation" in catalog.broken["e_untyped.py"]
    assert "row_count" in catalog


def test_a_missing_folder_of_operations_is_reported(tmp_path: Path) -> None:
    assert list(load_catalog(tmp_path / "none").broken.values()) == ["OPERATIONS_DIR cannot be read: No such file or directory"]


def test_the_source_hash_follows_the_users_file(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(USER_FILE)
    before = load_catalog(tmp_path).get("row_count").source_hash

    assert load_catalog(tmp_path).get("row_count").source_hash == before
    (tmp_path / "mine.py").write_text(USER_FILE.replace("* factor", "+ factor"))
    assert load_catalog(tmp_path).get("row_count").source_hash != before


def test_outside_a_job_the_context_is_harmless(catalog: Catalog) -> None:
    progress(1, 2)
    log("nobody listens")
    save_file("a.txt", b"")

    assert job() is None
    assert run(catalog.get("print"), {"msg": "hello"}) == {"msg": "hello"}
    with pytest.raises(JobsError, match="runs as a job only"):
        store()


def test_progress_takes_numbers_of_any_kind_and_nothing_else() -> None:
    counts: list[Any] = [np.int64(3), np.float32(4)]
    wrong: list[Any] = [math.nan, math.inf, -1, 1e16, None, "many"]
    with running(Recorder()) as recorder:
        progress(counts[0], counts[1], "counted")
        progress(0.25)
        for each in wrong:
            with pytest.raises((ValueError, TypeError)):
                progress(each)
    assert recorder.steps == [(3, 4, "counted"), (0.25, None, "")]
    assert [type(each) for each in recorder.steps[0]] == [int, int, str]


@pytest.mark.parametrize("name", ["", ".hidden", "../up", "a/b", "a b", "x" * 101, "ä", "a\n"])
def test_a_file_needs_a_plain_name(name: str) -> None:
    with pytest.raises(InvalidInput, match="cannot name a file"):
        save_file(name, b"")


def test_results_of_numpy_pandas_and_arrow_become_plain_json() -> None:
    day = datetime.date(2023, 1, 2)
    result = {
        np.int64(1): np.float32(0.5),
        "nan": [math.nan, np.nan, math.inf, pd.NA, pd.NaT, None],
        "array": np.array([[1, 2]]),
        "series": pd.Series([1, 2], index=["a", "b"]),
        "frame": pd.DataFrame({"x": [1.0, math.nan]}),
        "arrow": [pa.scalar(3), pa.array([1, None])],
        "dates": (day, pd.Timestamp("2023-01-02"), np.datetime64("2023-01-02"), datetime.timedelta(minutes=1)),
        "set": {2, 1},
        "bool": np.bool_(True),
        day: 1,
    }

    assert jsonable(result) == {
        "1": 0.5,
        "nan": [None] * 6,
        "array": [[1, 2]],
        "series": {"a": 1, "b": 2},
        "frame": [{"x": 1.0}, {"x": None}],
        "arrow": [3, [1, None]],
        "dates": ["2023-01-02", "2023-01-02T00:00:00", "2023-01-02", 60.0],
        "set": [1, 2],
        "bool": True,
        "2023-01-02": 1,
    }


def test_a_result_without_a_json_form_is_refused_with_its_place() -> None:
    with pytest.raises(JobsError, match=r"result\.a\[1\] is a builtins\.bytes"):
        jsonable({"a": [1, b"x"]})


@pytest.mark.parametrize(
    ("result", "where"),
    [
        ({"a": {1: "x", "1": "y"}}, "result.a has two keys that are '1'"),
        ({None: 1, math.nan: 2}, "result has two keys that are 'null'"),
        ({True: 1, "true": 2}, "result has two keys that are 'true'"),
        ({"s": pd.Series([1, 2], index=["a", "a"])}, "result.s has two keys that are 'a'"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "result has two keys that are 'a'"),
        (pd.DataFrame([[1, 2]], columns=[1, "1"]), r"result\[0\] has two keys that are '1'"),
    ],
)
def test_a_result_of_which_json_would_lose_a_key_is_refused(result: Any, where: str) -> None:
    with pytest.raises(JobsError, match=where):
        jsonable(result)


def test_the_registry_itself_imports_neither_pandas_nor_arrow() -> None:
    code = "import sys, lib.operations; sys.exit(bool({'pandas', 'pyarrow', 'matplotlib'} & set(sys.modules)))"

    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_a_parameter_that_is_a_model_stands_for_its_fields(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "import pandas as pd\n"
        "from lib.filters import EVERYTHING, Filters\n"
        "from lib.operations import operation\n"
        "@operation(example={'least': 2})\n"
        "def busy_days(df: pd.DataFrame, least: int, where: Filters = EVERYTHING) -> dict[str, int]:\n"
        "    'Days with so many incidents.'\n"
        "    return {'days': int((where.rows(df).per_day() >= least).sum())}\n"
    )
    catalog = load_catalog(tmp_path)
    assert catalog.broken == {}
    made = catalog.get("busy_days")
    assert list(made.json_schema()["properties"]) == ["least", "start", "end", "issue", "road", "bbox", "agency", "tz"]
    df = frame_of(*week())
    assert run(made, made.validate({"least": 5}), df) == {"days": 2}
    assert run(made, made.validate({"least": 5, "start": "2023-01-05"}), df) == {"days": 0}


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        (
            "class Own(Params):\n    a: int = 1\n@operation(params=Own)\ndef f(df): 'x'",
            "the function takes no argument of that name",
        ),
        ("@operation(params=Params)\ndef f(df, where: Filters): 'x'", "derive them from it"),
    ],
)
def test_a_function_that_cannot_take_its_parameters_is_said_at_the_start(tmp_path: Path, file: str, reason: str) -> None:
    (tmp_path / "mine.py").write_text(f"from lib.operations import Params, operation\nfrom lib.filters import Filters\n{file}\n")
    assert reason in load_catalog(tmp_path).broken["mine.py"]
