"""The CronJob of backups: it runs the program that is there, as the user that may read everything, onto a volume that stays."""

from typing import Any

import pytest

from services.api.backup import _parser
from tests.chart.pods import environment
from tests.chart.policies import Pod, allowed, pod_of
from tests.chart.rendering import FULL, Chart, Object, Release, merged

ON: dict[str, Any] = {"backup": {"enabled": True}}


def spec_of(release: Release) -> tuple[Object, Object]:
    """The CronJob's spec, and its pod's."""
    spec = release.get("CronJob", f"{FULL}-backup")["spec"]
    return spec, spec["jobTemplate"]["spec"]["template"]["spec"]


def test_there_is_none_until_it_is_asked_for(chart: Chart) -> None:
    release = chart.render()
    assert not release.of("CronJob")
    assert not release.of("PersistentVolumeClaim")
    assert "backup" not in release.notes


def test_its_command_is_one_that_the_program_takes(chart: Chart) -> None:
    _, pod = spec_of(chart.render(merged(ON, {"backup": {"keep": 3}})))
    (container,) = pod["containers"]
    assert container["command"][:3] == ["python", "-m", "services.api.backup"]
    given = _parser().parse_args(container["command"][3:])
    assert (given.command, str(given.target), given.name, given.keep) == ("save", "/backups", FULL, 3)
    assert {"name": "backups", "mountPath": "/backups"} in container["volumeMounts"]


def test_it_signs_in_as_the_user_of_the_api(chart: Chart) -> None:
    _, pod = spec_of(chart.render(ON))
    given = environment(pod["containers"][0])
    assert given["REDIS_USERNAME"] == "api"
    assert given["REDIS_PASSWORD"] == {"secretKeyRef": {"name": f"{FULL}-redis", "key": "api-password"}}


def test_the_volume_outlives_the_release(chart: Chart) -> None:
    release = chart.render(merged(ON, {"backup": {"persistence": {"size": "3Gi", "storageClass": "slow"}}}))
    claim = release.get("PersistentVolumeClaim", f"{FULL}-backups")
    assert claim["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    assert claim["spec"]["storageClassName"] == "slow"
    assert claim["spec"]["resources"]["requests"]["storage"] == "3Gi"
    _, pod = spec_of(release)
    assert {"name": "backups", "persistentVolumeClaim": {"claimName": f"{FULL}-backups"}} in pod["volumes"]


def test_a_claim_of_mine_is_used_and_none_is_made(chart: Chart) -> None:
    release = chart.render(merged(ON, {"backup": {"persistence": {"existingClaim": "mine"}}}))
    assert not release.of("PersistentVolumeClaim")
    _, pod = spec_of(release)
    assert {"name": "backups", "persistentVolumeClaim": {"claimName": "mine"}} in pod["volumes"]


def test_two_never_run_at_once_and_one_that_hangs_ends(chart: Chart) -> None:
    spec, pod = spec_of(chart.render(merged(ON, {"backup": {"schedule": "0 * * * *", "timeZone": "Europe/Berlin"}})))
    assert (spec["schedule"], spec["timeZone"], spec["concurrencyPolicy"]) == ("0 * * * *", "Europe/Berlin", "Forbid")
    assert spec["jobTemplate"]["spec"]["activeDeadlineSeconds"] == 3600
    assert pod["restartPolicy"] == "Never"


def test_it_reaches_redis_and_nobody_reaches_it(chart: Chart) -> None:
    release = chart.render(ON)
    template = release.get("CronJob", f"{FULL}-backup")["spec"]["jobTemplate"]["spec"]["template"]
    own = Pod(template["metadata"]["labels"])
    redis, api = pod_of(release.of("StatefulSet")[0]), pod_of(release.get("Deployment", f"{FULL}-api"))
    assert allowed(release, own, redis, 6379)
    assert not allowed(release, own, api, 5000)
    assert not allowed(release, api, own, 80)


def test_the_notes_say_how_to_make_one_now(chart: Chart) -> None:
    assert f"create job --from=cronjob/{FULL}-backup {FULL}-backup-now" in chart.render(ON).notes


@pytest.mark.parametrize("wrong", [{"schedule": "daily"}, {"keep": 0}, {"persistence": {"size": "much"}}])
def test_what_makes_no_sense_is_refused(chart: Chart, wrong: dict[str, Any]) -> None:
    assert "backup/" in chart.refusal(merged(ON, {"backup": wrong}))
