"""The OpenAPI document beside the application: every route is in it, and a client that knows nothing else gets along with it."""

from pathlib import Path
from typing import Any

import jsonschema
import pytest
from flask import Flask
from flask.testing import FlaskClient

from lib.jobs import Jobs
from lib.settings import Settings
from services.api.app import create_app
from services.api.contract import contract_of
from services.api.kinds import KINDS
from tests.api.conftest import CSV, backend_of, fail, submit


def document(client: FlaskClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/openapi.json").get_json()
    return found


def is_page(app: Flask, endpoint: str) -> bool:
    found = contract_of(app.view_functions[endpoint])
    return found is not None and found.page


def test_pages_for_people_are_no_part_of_the_document(client: FlaskClient) -> None:
    pages = {rule.rule for rule in client.application.url_map.iter_rules() if is_page(client.application, rule.endpoint)}
    assert "/ui/jobs" in pages
    assert not [path for path in document(client)["paths"] if path.startswith("/ui")]
    assert not [route["path"] for route in client.get("/").get_json()["routes"] if route["path"].startswith("/ui")]


def test_every_method_of_every_route_is_in_the_document(client: FlaskClient) -> None:
    paths = document(client)["paths"]
    for rule in client.application.url_map.iter_rules():
        if is_page(client.application, rule.endpoint):
            continue
        path = rule.rule.replace("<", "{").replace(">", "}")
        assert {method.lower() for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}} <= set(paths[path]), path


def test_operation_ids_are_stable_and_different(client: FlaskClient) -> None:
    ids = [each["operationId"] for item in document(client)["paths"].values() for each in item.values()]
    assert len(ids) == len(set(ids))
    assert {
        "jobs_submit",
        "jobs_get",
        "jobs_index",
        "results_result",
        "data_load",
        "queues_pause",
        "direct_top_locations",
    } <= set(ids)


def test_no_schema_is_empty(client: FlaskClient) -> None:
    def walk(value: Any, place: str) -> None:
        if isinstance(value, dict):
            assert value.get("schema", True) != {}, place
            for name, each in value.items():
                walk(each, f"{place}/{name}")
        elif isinstance(value, list):
            for n, each in enumerate(value):
                walk(each, f"{place}/{n}")

    found = document(client)
    walk(found["paths"], "")
    for name, schema in found["components"]["schemas"].items():
        assert set(schema) & {"type", "anyOf", "oneOf", "enum", "$ref"}, name


def test_every_operation_has_an_example_where_a_job_is_submitted(client: FlaskClient) -> None:
    for path in ("/jobs", "/submit", "/job/submit"):
        examples = document(client)["paths"][path]["post"]["requestBody"]["content"]["application/json"]["examples"]
        assert set(examples) == set(client.get("/templates").get_json()) | {"period", "date"}


def test_every_example_of_every_body_runs(client: FlaskClient, queue: Jobs) -> None:
    found, values = [], {"name": "job-queue", "sid": "daily"}
    print_hi = {"operation": "print", "params": {"msg": "hi"}}
    assert client.post("/schedules", json={"id": "daily", "every": 3600, "job": print_hi}).status_code == 201
    for path, item in document(client)["paths"].items():
        for method, operation in item.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            for name, example in (content or {"examples": {}})["examples"].items():
                client.post("/queues/job-queue/purge")
                submit(client)
                values["jid"] = fail(queue)
                values["fingerprint"] = client.get("/failures").get_json()["failures"][0]["fingerprint"]
                answer = client.open(path.format(**values), method=method.upper(), json=example["value"])
                assert answer.status_code in (200, 201, 202), f"{method} {path}, {name}: {answer.text}"
                found.append(path)
    assert {"/batches", "/schedules", "/schedules/{sid}", "/failures/retry", "/failures/{fingerprint}/retry"} <= set(found)


def test_an_operation_of_a_users_own_is_an_alternative_with_its_parameters(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "operations"
    folder.mkdir()
    (folder / "own.py").write_text(
        "from lib.operations import operation\n\n@operation(needs_data=False)\ndef double(n: int) -> dict[str, int]:\n"
        '    """Twice."""\n    return {"twice": 2 * n}\n'
    )
    made = create_app(settings.model_copy(update={"operations_dir": folder}))
    found = document(made.test_client())
    alternatives = found["paths"]["/jobs"]["post"]["requestBody"]["content"]["application/json"]["schema"]["oneOf"]
    assert {"$ref": "#/components/schemas/double_job"} in alternatives
    assert found["components"]["schemas"]["double_params"]["properties"]["n"]["type"] == "integer"
    assert found["components"]["schemas"]["double_job"]["required"] == ["operation", "params"]
    (parameter,) = [each for each in found["paths"]["/double"]["get"]["parameters"] if each["in"] == "query"]
    assert (parameter["name"], parameter["required"]) == ("n", True)


def test_a_client_that_reads_only_the_document_gets_along(loaded: FlaskClient) -> None:
    """Calls every operation with what its parameters' schemas say; each answer is one that is documented."""
    found = document(loaded)
    jid = submit(loaded)
    values = {
        "jid": jid,
        "report_id": "A_1",
        "version": "v-1",
        "slug": "conflict",
        "date": "2023-01-01",
        "road": "congress",
        "msg": "hi",
    }
    for path, item in found["paths"].items():
        for method, operation in item.items():
            if operation["tags"] == ["Live"]:
                continue  # streams have their own tests
            url, query = path, {}
            for parameter in operation["parameters"]:
                schema = parameter["schema"]
                value = (schema.get("enum") or [values.get(parameter["name"], "x")])[0]
                if parameter["in"] == "path":
                    url = url.replace(f"{{{parameter['name']}}}", str(value))
                elif parameter["required"]:
                    query[parameter["name"]] = value
            content = operation.get("requestBody", {}).get("content", {})
            body = (
                next(iter(content["application/json"]["examples"].values()))["value"] if "application/json" in content else None
            )
            data = CSV if "text/csv" in content else None
            answer = loaded.open(url, method=method.upper(), query_string=query, json=body, data=data)
            documented = operation["responses"].get(str(answer.status_code))
            assert documented is not None, f"{method} {url}: {answer.status_code}"
            if answer.data and "*/*" not in documented["content"]:
                assert answer.mimetype in documented["content"], f"{method} {url}: {answer.mimetype}"


def test_a_record_has_the_documented_fields_and_no_other(client: FlaskClient) -> None:
    schemas = document(client)["components"]["schemas"]
    record = client.get(f"/jobs/{submit(client)}").get_json()
    assert set(schemas["JobRecord"]["required"]) <= set(record) <= set(schemas["JobRecord"]["properties"])
    queue = client.get("/queues/job-queue").get_json()
    assert set(queue) == set(schemas["QueueRecord"]["properties"])


def test_geojson_is_described_as_the_object_that_it_is(loaded: FlaskClient) -> None:
    for path in ("/hotspots", "/jobs/{jid}/results"):
        content = document(loaded)["paths"][path]["get"]["responses"]["200"]["content"]
        assert (content["application/geo+json"]["schema"]["type"], content["image/png"]["schema"]["type"]) == ("object", "string")
    schema = content["application/geo+json"]["schema"]
    answer = loaded.get("/hotspots", headers={"Accept": "application/geo+json"})
    jsonschema.validate(answer.get_json(force=True), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"type": "Feature"}, schema)


def test_no_header_has_an_example_that_the_page_would_send(client: FlaskClient) -> None:
    headers = [
        each
        for item in document(client)["paths"].values()
        for operation in item.values()
        for each in operation["parameters"]
        if each["in"] == "header"
    ]
    assert {each["name"] for each in headers} >= {"Idempotency-Key", "Prefer", "If-None-Match"}
    assert [each for each in headers if "example" in each or "examples" in each] == []


def test_it_is_made_once(client: FlaskClient) -> None:
    client.get("/openapi.json")
    made = client.application.extensions["trafficjobs.openapi"]
    client.get("/openapi.json")
    assert client.application.extensions["trafficjobs.openapi"] is made


def test_security_follows_the_settings(client: FlaskClient, settings: Settings, tmp_path: Path) -> None:
    assert document(client)["paths"]["/jobs"]["get"]["security"] == [{}, {"token": []}]
    guarded = create_app(settings.model_copy(update={"tokens_file": tmp_path / "none"})).test_client()
    assert document(guarded)["paths"]["/jobs"]["get"]["security"] == [{"token": []}]
    assert document(guarded)["paths"]["/healthz"]["get"]["security"] == []


# What is there to read


def test_the_docs_are_served_from_here_under_a_strict_policy(client: FlaskClient) -> None:
    page = client.get("/docs")
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in page.text.replace("<!doctype html>", "")
    for address in ("/docs/swagger-ui.css", "/docs/swagger-ui-bundle.js", "/docs/start.js"):
        assert f'"{address}"' in page.text
        assert client.get(address).status_code == 200
    assert "/openapi.json" in client.get("/docs/start.js").text
    assert client.get("/docs/..%2f..%2fplugins.py").status_code == 404
    assert client.get("/docs/plugins.py").status_code == 404


@pytest.mark.parametrize("slug", sorted(KINDS))
def test_every_type_of_problem_has_its_page(client: FlaskClient, slug: str) -> None:
    about = client.get(f"/problems/{slug}").get_json()
    assert about["type"] == f"/problems/{slug}"
    assert about["meaning"]
    assert about["remedy"]
    page = client.get(f"/problems/{slug}", headers={"Accept": "text/html,*/*;q=0.8"})
    assert page.mimetype == "text/html"
    assert KINDS[slug].title in page.text


def test_the_type_of_an_answer_leads_to_its_page(client: FlaskClient) -> None:
    for answer in (client.get("/nope"), client.put("/jobs"), client.get("/jobs/x"), client.post("/jobs", data=b"{")):
        assert client.get(answer.get_json()["type"]).get_json()["status"] == answer.status_code
    assert backend_of(client.application).catalog.names()
