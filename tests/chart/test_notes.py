"""The text after an install: every command in it names something that is there, and it says what is so and nothing else."""

import re
from typing import Any

import pytest

from tests.chart.combinations import COMBINATIONS, EXISTING_SECRETS, KEDA
from tests.chart.rendering import FULL, NAME, NAMESPACE, VERSION, Chart, Release

KINDS = {"svc": "Service", "deploy": "Deployment", "secret": "Secret", "scaledobject": "ScaledObject"}
OF_THE_USER = {"my-tokens"}


def commands(release: Release) -> list[str]:
    """The lines that are meant to be typed."""
    return [line.strip() for line in release.notes.splitlines() if line.startswith("   ")]


def test_every_command_is_one_that_can_be_typed(release: Release) -> None:
    for command in commands(release):
        assert re.match(r"(kubectl|helm|curl|export) ", command), command
        assert "<nil>" not in command
        assert "<no value>" not in command


def test_every_command_names_what_is_there(release: Release) -> None:
    named = 0
    for command in commands(release):
        if "kubectl" in command:
            assert f"-n {NAMESPACE} " in command, command
        for kind, name in re.findall(r"\b(svc|deploy|secret)[ /]([a-z0-9-]+)", command):
            assert release.find(KINDS[kind], name) or name in OF_THE_USER, command
            named += 1
        for key in re.findall(r"\{\.data\.([a-z-]+)\}", command):
            secrets = [found["data"] for found in release.of("Secret")]
            assert not secrets or any(key in data for data in secrets), command
        if "scaledobject" in command:
            assert release.of("ScaledObject")
    assert named >= 1


def test_the_forwarded_port_is_the_one_that_is_asked(chart: Chart) -> None:
    release = chart.render({"api": {"service": {"port": 8080}}})
    (forward,) = [command for command in commands(release) if "port-forward" in command]
    assert forward.endswith(f"svc/{FULL}-api 5000:8080")
    assert {port for command in commands(release) for port in re.findall(r"http://127.0.0.1:(\d+)", command)} == {"5000"}


def test_a_token_is_sent_where_sign_in_is_on_and_only_there(chart: Chart) -> None:
    for values, wanted in (({}, True), (COMBINATIONS["no sign-in"], False)):
        asked = [command for command in commands(chart.render(values)) if command.startswith("curl")]
        assert len(asked) == 3
        assert all(("Authorization" in command) == wanted for command in asked)
    assert "Sign-in is off" in chart.render(COMBINATIONS["no sign-in"]).notes


def test_loading_data_asks_with_the_token_that_submits(chart: Chart) -> None:
    (load,) = [command for command in commands(chart.render()) if command.endswith("/data")]
    assert "$TRAFFICJOBS_TOKEN" in load


def test_tokens_of_the_user_are_looked_for_where_they_are(chart: Chart) -> None:
    assert "get secret my-tokens " in chart.render(EXISTING_SECRETS).notes


@pytest.mark.parametrize(("values", "there"), [(KEDA, True), ({}, False), ({"keda": {"enabled": False}}, False)])
def test_keda_is_spoken_of_as_it_is(chart: Chart, values: Any, there: bool) -> None:
    notes = chart.render(values).notes
    assert ("KEDA scales the workers" in notes) == there
    assert ("helm install keda" in notes) != there
    assert ("(keda.enabled is false)" in notes) == (values == {"keda": {"enabled": False}})


def test_the_debug_pod_is_offered_or_entered(chart: Chart) -> None:
    without, there = chart.render().notes, chart.render({"debug": {"enabled": True}}).notes
    assert "--set debug.enabled=true" in without
    assert "-- ipython" not in without
    assert f"exec -it deploy/{FULL}-debug -- ipython" in there


def test_what_is_not_kept_is_said(chart: Chart) -> None:
    assert "gone when the Redis pod is" in chart.render(COMBINATIONS["nothing kept"]).notes
    for values in ({}, COMBINATIONS["external"], COMBINATIONS["a claim of mine"]):
        assert "gone" not in chart.render(values).notes


def test_the_release_is_tested_by_its_name(chart: Chart) -> None:
    assert f"helm test {NAME} -n {NAMESPACE}" in commands(chart.render())
    first = chart.render(KEDA).notes.strip().splitlines()[0]
    assert first == f"trafficjobs {VERSION} is installed as {NAME} in namespace {NAMESPACE}."
