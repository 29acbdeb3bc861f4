"""What the chart puts into the environment is what the programs read: every variable, every default, and nothing left out."""

import re

from lib.settings import Settings, load_settings
from tests.chart.combinations import CA_TLS, CLUSTER, COMBINATIONS, EVERYTHING, SENTINEL_LOGIN
from tests.chart.pods import container, containers, environment, pods
from tests.chart.rendering import FULL, Chart, Release, merged

# Not settings of ours: what other people's programs and the shell read.
OF_OTHERS = {"HOME", "POD_NAME", "POD_NAMESPACE", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS"}
OF_THE_EXPORTER = {"REDIS_ADDR", "REDIS_USER", "REDIS_PASSWORD", "REDIS_EXPORTER_WEB_LISTEN_ADDRESS"}
OF_THE_TEST = {"BASE_URL", "TOKEN"}
# Where the chart's default is not that of the programs, and why.
DEVIATIONS: dict[str, str] = {}
# Settings that no value of the chart reaches but extraEnv, and why.
UNREACHED = {
    "REDIS_URL": "the chart gives host, port, login and TLS one by one",
    "REDIS_TIMEOUT": "nobody has needed another one",
    "DATA_FILE": "data comes over POST /data; there is no file in a pod",
    "CHILD_MAX_JOBS": "nobody has needed another one",
    "IDLE_WAIT": "nobody has needed another one",
}


# What API and upkeep alone are given: workers send nothing, and need not know what signs or logs in.
OF_THE_SENDERS = {name for name in map(str.upper, Settings.model_fields) if name.startswith(("WEBHOOK_", "SMTP_", "EMAIL_"))}


def known() -> set[str]:
    """Every variable that the settings read."""
    names = set()
    for name, field in Settings.model_fields.items():
        alias = field.validation_alias
        names |= {str(choice) for choice in alias.choices} if hasattr(alias, "choices") else {name.upper()}  # type: ignore[union-attr]
    return names


def variables(release: Release, name: str) -> set[str]:
    """Names of all variables that a container of that name has somewhere in the release."""
    return {
        entry["name"]
        for _, pod in pods(release)
        for each in containers(pod)
        if each["name"] == name
        for entry in each.get("env", [])
    }


def test_every_variable_is_a_setting(release: Release) -> None:
    for name in ("api", "upkeep", "worker", "debug"):
        assert variables(release, name) <= known() | OF_OTHERS
    assert variables(release, "exporter") <= OF_THE_EXPORTER
    assert variables(release, "test") <= OF_THE_TEST


def test_every_setting_can_be_reached_from_the_chart(chart: Chart) -> None:
    turns = [EVERYTHING, merged(EVERYTHING, CA_TLS), COMBINATIONS["no sign-in"], SENTINEL_LOGIN, CLUSTER]
    releases = [chart.render(values) for values in turns]
    ours = {"IDLE_WAIT", "CHILD_MAX_JOBS"}  # what EVERYTHING itself sets by extraEnv
    reached = set().union(*(variables(release, name) for release in releases for name in ("api", "upkeep", "worker"))) - ours
    assert known() - reached - {"REDIS_HOST"} == UNREACHED.keys()


def test_the_defaults_are_those_of_the_programs(chart: Chart) -> None:
    defaults = Settings.model_construct()
    text = (chart.folder / "values.yaml").read_text()
    config = re.findall(r"^  ([a-zA-Z]+):", text[text.index("\nconfig:") : text.index("\nextraEnv:")], re.MULTILINE)
    given = environment(container(chart.render().get("Deployment", f"{FULL}-api"), "api"))
    assert len(config) > 20
    for key in config:
        name = re.sub("([A-Z])", r"_\1", key).lower()
        assert name in Settings.model_fields, key
        if name.upper() not in DEVIATIONS:
            read = getattr(load_settings(**{name: given[name.upper()]}), name)
            assert read == getattr(defaults, name), key


def test_api_upkeep_and_workers_agree_on_everything_they_share(release: Release) -> None:
    api = release.get("Deployment", f"{FULL}-api")
    shared = environment(container(api, "upkeep"))
    for deployment, name in [(api, "api")] + [
        (found, "worker") for found in release.of("Deployment") if "-worker-" in found["metadata"]["name"]
    ]:
        own = environment(container(deployment, name))
        for variable in shared.keys() & known() - {"REDIS_USERNAME", "REDIS_PASSWORD"}:
            if name == "worker" and variable in OF_THE_SENDERS:
                assert variable not in own
            else:
                assert own[variable] == shared[variable], variable


def test_the_programs_start_with_what_the_chart_gives_them(release: Release) -> None:
    for name, pod in pods(release):
        for each in containers(pod):
            if each["name"] not in ("api", "upkeep", "worker", "debug"):
                continue
            given = {key.lower(): value for key, value in environment(each).items() if isinstance(value, str)}
            fields = {key: value for key, value in given.items() if key in Settings.model_fields and value != ""}
            settings = load_settings(**fields)
            assert each["name"] not in ("api", "worker") or settings.host == "0.0.0.0", "loopback reaches nobody in a pod"
            if each["name"] == "worker":
                assert settings.worker_queues, name
                assert settings.worker_grace + 10 == pod["spec"]["terminationGracePeriodSeconds"]
                assert settings.worker_port == each["ports"][0]["containerPort"]
            if each["name"] == "api":
                assert settings.port == each["ports"][0]["containerPort"]


def test_every_queue_has_a_pool_and_the_api_knows_it(release: Release) -> None:
    api = environment(container(release.get("Deployment", f"{FULL}-api"), "api"))
    settings = load_settings(queue_name=api["QUEUE_NAME"], queues=api["QUEUES"], adopt_queues=api["ADOPT_QUEUES"])
    pools = [found for found in release.of("Deployment") if "-worker-" in found["metadata"]["name"]]
    served = [queue for pool in pools for queue in environment(container(pool, "worker"))["WORKER_QUEUES"].split(",")]
    assert sorted(served) == sorted(settings.all_queues)


def test_the_default_timeout_of_a_job_fits_into_the_time_a_pod_gets_to_end(chart: Chart) -> None:
    for timeout, expected in [(600, 630), (0.5, 31), (7200, 7230)]:
        worker = chart.render({"config": {"jobTimeout": timeout}}).worker()
        assert worker["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == expected
        assert float(environment(container(worker, "worker"))["WORKER_GRACE"]) >= timeout


def test_limits_of_operations_reach_the_programs_as_they_are_given(chart: Chart) -> None:
    limits = {"plot": {"concurrency": 2, "rate": "100/h"}, "describe": {"rate": "5/30s"}}
    release = chart.render({"config": {"operationLimits": limits}})
    given = environment(container(release.get("Deployment", f"{FULL}-api"), "api"))
    read = load_settings(operation_limits=given["OPERATION_LIMITS"]).operation_limits
    assert (read["plot"].concurrency, str(read["plot"].rate), str(read["describe"].rate)) == (2, "100/3600s", "5/30s")


def test_a_collector_and_its_secret_reach_api_and_workers_and_nobody_else(chart: Chart) -> None:
    release = chart.render(COMBINATIONS["traced"])
    for name in ("api", "worker"):
        (found,) = [environment(each) for _, pod in pods(release) for each in containers(pod) if each["name"] == name]
        assert found["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://collector.monitoring:4318"
        assert found["OTEL_EXPORTER_OTLP_HEADERS"] == {"secretKeyRef": {"name": "mine", "key": "headers"}}
    assert not [each for each in variables(release, "redis") if each.startswith("OTEL_")]
    plain = chart.render({"tracing": {"existingSecret": "mine"}})
    assert not [each for name in ("api", "worker") for each in variables(plain, name) if each.startswith("OTEL_")]
