"""Every pod of every combination under the Pod Security Standard `restricted`, and what we ask of it beyond that.

The rules are written out as https://kubernetes.io/docs/concepts/security/pod-security-standards has them, because no program
that checks them runs without a cluster.
"""

import pytest

from tests.chart.combinations import KEDA
from tests.chart.pods import container, containers, environment, pods
from tests.chart.rendering import FULL, Chart, Object, Release, merged

RESTRICTED_VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
# Only these may have a token of Kubernetes: workers that say what their deletion would cost, and an API that shows the scaler.
DELETION_COST = {"worker": {"deletionCost": True}}
SCALER_VIEW = {"dashboard": {"scalerView": True}}


def test_every_pod_is_restricted(release: Release) -> None:
    for name, pod in pods(release):
        spec = pod["spec"]
        context = spec["securityContext"]
        assert context["runAsNonRoot"] is True, name
        assert context["runAsUser"] > 0, name
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert not [field for field in ("hostNetwork", "hostPID", "hostIPC", "hostUsers") if spec.get(field)], name
        for volume in spec.get("volumes", []):
            assert volume.keys() - {"name"} <= RESTRICTED_VOLUMES, name
        for each in containers(pod):
            own = each["securityContext"]
            assert own["allowPrivilegeEscalation"] is False, name
            assert own["capabilities"] == {"drop": ["ALL"]}, name
            assert not own.keys() & {"privileged", "procMount", "runAsUser", "runAsNonRoot", "seccompProfile"}, name
            assert not [port for port in each.get("ports", []) if "hostPort" in port], name


def test_no_root_can_be_written_to(release: Release) -> None:
    for name, pod in pods(release):
        for each in containers(pod):
            assert each["securityContext"]["readOnlyRootFilesystem"] is True, name


def test_no_shell_stands_before_a_program_of_ours(release: Release) -> None:
    """Signals reach it, and nothing in a value is taken for a command. Redis's image is started by a script: decision 0009."""
    for name, pod in pods(release):
        for each in containers(pod):
            hooks = {what: each.get(what, {}) for what in ("startupProbe", "readinessProbe", "livenessProbe")}
            hooks |= each.get("lifecycle", {})
            commands = {what: hook["exec"]["command"] for what, hook in hooks.items() if "exec" in hook}
            commands["command"] = each.get("command", ["the image's own"])
            shells = {what for what, words in commands.items() if words[0].rpartition("/")[2] in ("sh", "bash", "ash")}
            allowed = {"redis": {"command", "readinessProbe", "livenessProbe"}, "worker": {"preStop"}}
            assert shells <= allowed.get(each["name"], set()), f"{name}: {each['name']}"
            if each["name"] != "redis":  # nothing of a release is written into what a shell reads
                assert all("sh" not in words or words[2].count("/state") == 1 for words in commands.values()), name


def test_every_container_says_what_it_needs_and_how_much_memory_it_may_have(release: Release) -> None:
    for name, pod in pods(release):
        for each in containers(pod):
            assert each["resources"]["requests"].keys() == {"cpu", "memory"}, name
            assert "memory" in each["resources"]["limits"], name
            assert "cpu" not in each["resources"]["limits"], f"{name}: a limit of CPU only slows it down"


def test_no_pod_gets_a_token_or_variables_of_services(release: Release) -> None:
    may_have_one = [role["metadata"]["name"] for role in release.of("Role")]
    for name, pod in pods(release):
        assert pod["spec"]["enableServiceLinks"] is False, name
        if not may_have_one and pod["spec"].get("serviceAccountName") != "mine":
            assert pod["spec"]["automountServiceAccountToken"] is False, name
    for account in release.of("ServiceAccount"):
        assert account["automountServiceAccountToken"] is False


def test_only_workers_get_a_token_and_only_where_they_say_what_their_deletion_costs(chart: Chart) -> None:
    release = chart.render(merged(DELETION_COST, {"debug": {"enabled": True}}))
    assert [name for name, pod in pods(release) if pod["spec"]["automountServiceAccountToken"]] == [
        f"Deployment {FULL}-worker-default"
    ]
    (role,) = release.of("Role")
    assert role["rules"] == [{"apiGroups": [""], "resources": ["pods"], "verbs": ["patch"]}]
    (binding,) = release.of("RoleBinding")
    account = release.worker()["spec"]["template"]["spec"]["serviceAccountName"]
    assert [subject["name"] for subject in binding["subjects"]] == [account]
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert not chart.render().of("Role")


def test_the_api_may_read_the_scalers_of_its_workers_by_name_where_it_shows_them(chart: Chart) -> None:
    release = chart.render(merged(KEDA, {"workers": {"heavy": {"queues": ["heavy"]}}}, SCALER_VIEW))
    names = [f"{FULL}-worker-default", f"{FULL}-worker-heavy"]
    (role,) = release.of("Role")
    assert role["rules"] == [
        _getting("apps", "deployments", names),
        _getting("autoscaling", "horizontalpodautoscalers", [f"keda-hpa-{name}" for name in names]),
        _getting("keda.sh", "scaledobjects", names),
    ]
    (binding,) = release.of("RoleBinding")
    api = release.get("Deployment", f"{FULL}-api")
    assert [subject["name"] for subject in binding["subjects"]] == [api["spec"]["template"]["spec"]["serviceAccountName"]]
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    given = environment(container(api, "api"))
    assert given["SCALER_VIEW"] == ",".join(f"{name}:keda" for name in names)
    assert given["POD_NAMESPACE"] == {"fieldRef": {"fieldPath": "metadata.namespace"}}


@pytest.mark.parametrize(("scaled", "told", "rules"), [(True, ":hpa", ["apps", "autoscaling"]), (False, "", ["apps"])])
def test_without_keda_the_api_reads_what_there_is(chart: Chart, scaled: bool, told: str, rules: list[str]) -> None:
    by_cpu = {"keda": {"enabled": False}, "worker": {"autoscaling": {"enabled": scaled}}}
    release = chart.render(merged(by_cpu, SCALER_VIEW))
    (role,) = release.of("Role")
    assert [rule["apiGroups"] for rule in role["rules"]] == [[group] for group in rules]
    assert {name for rule in role["rules"] for name in rule["resourceNames"]} == {f"{FULL}-worker-default"}
    given = environment(container(release.get("Deployment", f"{FULL}-api"), "api"))
    assert given["SCALER_VIEW"] == f"{FULL}-worker-default{told}"


def test_the_token_of_the_api_is_for_its_own_container_alone(chart: Chart) -> None:
    place = "/var/run/secrets/kubernetes.io/serviceaccount"
    for values, expected in [({}, []), (SCALER_VIEW, ["api"])]:
        release = chart.render(merged(values, {"debug": {"enabled": True}}))
        mounted = [
            each["name"]
            for _, pod in pods(release)
            for each in containers(pod)
            if place in [mount["mountPath"] for mount in each.get("volumeMounts", [])]
        ]
        assert mounted == expected
        assert not [name for name, pod in pods(release) if pod["spec"]["automountServiceAccountToken"]]


def _getting(group: str, kind: str, names: list[str]) -> Object:
    return {"apiGroups": [group], "resources": [kind], "resourceNames": names, "verbs": ["get"]}


def test_every_image_has_a_version(release: Release) -> None:
    for name, pod in pods(release):
        for each in containers(pod):
            version = each["image"].replace("@", ":").partition(":")[2]
            assert version not in ("", "latest"), f"{name}: {each['image']}"


def test_every_mount_has_a_volume_and_every_volume_a_mount(release: Release) -> None:
    for found in release.objects:
        claims = [claim["metadata"]["name"] for claim in found.get("spec", {}).get("volumeClaimTemplates", [])]
        for name, pod in pods(Release([found], "")):
            volumes = [volume["name"] for volume in pod["spec"].get("volumes", [])] + claims
            mounts = [mount["name"] for each in containers(pod) for mount in each.get("volumeMounts", [])]
            assert len(volumes) == len(set(volumes)), name
            assert set(mounts) == set(volumes), name


def test_no_list_that_kubernetes_keeps_by_name_holds_one_name_twice(release: Release) -> None:
    for name, pod in pods(release):
        for each in containers(pod):
            keyed = {
                "variables": [entry["name"] for entry in each.get("env", [])],
                "ports": [port["containerPort"] for port in each.get("ports", [])],
                "mounts": [mount["mountPath"] for mount in each.get("volumeMounts", [])],
            }
            for what, keys in keyed.items():
                assert len(keys) == len(set(keys)), f"{name}: {what} {keys}"


def test_what_a_pod_refers_to_is_in_the_release_or_named_by_the_user(release: Release) -> None:
    made = {(found["kind"], found["metadata"]["name"]) for found in release.objects}
    of_the_user = {"mine", "more", "scrape", "our-ca", "my-redis", "my-tokens", "default"}
    for name, pod in pods(release):
        for kind, referred in _references(pod):
            assert (kind, referred) in made or referred in of_the_user, f"{name} refers to {kind} {referred}"


def _references(pod: Object) -> list[tuple[str, str]]:
    found = [("ServiceAccount", pod["spec"].get("serviceAccountName", "default"))]
    for volume in pod["spec"].get("volumes", []):
        found += [("Secret", volume["secret"]["secretName"])] if "secret" in volume else []
        found += [("ConfigMap", volume["configMap"]["name"])] if "configMap" in volume else []
    for each in containers(pod):
        for entry in each.get("env", []):
            if "secretKeyRef" in entry.get("valueFrom", {}):
                found.append(("Secret", entry["valueFrom"]["secretKeyRef"]["name"]))
    return found


def test_keys_of_secrets_that_pods_read_are_there(release: Release) -> None:
    secrets = {found["metadata"]["name"]: found["data"].keys() for found in release.of("Secret")}
    for name, pod in pods(release):
        wanted = [
            (volume["secret"]["secretName"], item["key"])
            for volume in pod["spec"].get("volumes", [])
            if "secret" in volume
            for item in volume["secret"]["items"]
        ] + [
            (entry["valueFrom"]["secretKeyRef"]["name"], entry["valueFrom"]["secretKeyRef"]["key"])
            for each in containers(pod)
            for entry in each.get("env", [])
            if "secretKeyRef" in entry.get("valueFrom", {})
        ]
        for secret, key in wanted:
            assert secret not in secrets or key in secrets[secret], f"{name} reads {key} of {secret}"


@pytest.mark.parametrize("kind", ["Service", "PodDisruptionBudget", "NetworkPolicy"])
def test_every_selector_chooses_a_pod_of_the_release(release: Release, kind: str) -> None:
    labels = [pod["metadata"]["labels"].items() for _, pod in pods(release)]
    for found in release.of(kind):
        spec = found["spec"]
        selector = spec.get("podSelector", spec.get("selector", {}))
        wanted = selector.get("matchLabels", selector).items()
        assert wanted
        assert any(wanted <= each for each in labels), f"{kind} {found['metadata']['name']} chooses nothing"


def test_every_workload_chooses_its_own_pods_and_no_others(release: Release) -> None:
    for found in release.objects:
        if found["kind"] not in ("Deployment", "StatefulSet"):
            continue
        selector = found["spec"]["selector"]["matchLabels"].items()
        chosen = [name for name, pod in pods(release) if selector <= pod["metadata"]["labels"].items()]
        assert chosen == [f"{found['kind']} {found['metadata']['name']}"]


@pytest.mark.parametrize("component", ["api", "worker"])
def test_the_strategy_is_written_out_so_that_helm_can_change_its_type(chart: Chart, component: str) -> None:
    name = f"{FULL}-{component}" + ("-default" if component == "worker" else "")

    def strategy(own: Object) -> Object:
        found: Object = chart.render({component: {"strategy": own}}).get("Deployment", name)["spec"]["strategy"]
        return found

    assert strategy({}) == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}
    assert strategy({"rollingUpdate": {"maxSurge": 2}})["rollingUpdate"] == {"maxSurge": 2, "maxUnavailable": "25%"}
    assert strategy({"type": "Recreate"}) == {"type": "Recreate"}
