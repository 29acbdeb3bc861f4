"""Whether NetworkPolicies let one pod reach a port of another: https://kubernetes.io/docs/concepts/services-networking/network-policies
written out as far as the chart uses it.

A pod that no policy chooses for a direction is open in it; one that is chosen is open only to what some rule names. The port of
a rule may be a name of the server's, and a peer without a namespaceSelector is in the policy's own namespace.
"""

from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from tests.chart.pods import containers
from tests.chart.rendering import NAMESPACE, Object, Release


@dataclass(frozen=True)
class Pod:
    """What policies see of a pod, or of what lies outside of the cluster at `address`. `ports` are its named ports."""

    labels: dict[str, str]
    namespace: str = NAMESPACE
    ports: dict[str, int] = field(default_factory=dict)
    address: str = ""


def pod_of(workload: Object) -> Pod:
    """The pod that a workload makes."""
    template = workload["spec"]["template"]
    ports = {port["name"]: port["containerPort"] for each in containers(template) for port in each.get("ports", [])}
    return Pod(template["metadata"]["labels"], ports=ports)


def allowed(release: Release, client: Pod, server: Pod, port: int, protocol: str = "TCP") -> bool:
    """Whether the client may send to the port of the server, by both sides' policies."""
    return _open(release, "Egress", client, server, port, protocol) and _open(release, "Ingress", server, client, port, protocol)


def _open(release: Release, direction: str, own: Pod, other: Pod, port: int, protocol: str) -> bool:
    server = other if direction == "Egress" else own
    key, peers = ("egress", "to") if direction == "Egress" else ("ingress", "from")
    policies = [
        found["spec"]
        for found in release.of("NetworkPolicy")
        if direction in found["spec"]["policyTypes"]
        and own.namespace == found["metadata"]["namespace"]
        and _chosen(found["spec"]["podSelector"], own.labels)
    ]
    if not policies:
        return True
    return any(
        _port_fits(rule, server, port, protocol) and _peer_fits(rule.get(peers), other)
        for policy in policies
        for rule in policy.get(key, [])
    )


def _port_fits(rule: Object, server: Pod, port: int, protocol: str) -> bool:
    if "ports" not in rule:
        return True
    for entry in rule["ports"]:
        number = server.ports.get(entry["port"]) if isinstance(entry["port"], str) else entry["port"]
        if number == port and entry["protocol"] == protocol:
            return True
    return False


def _peer_fits(peers: list[Object] | None, other: Pod) -> bool:
    if not peers:  # a rule without peers is about everybody
        return True
    for peer in peers:
        if "ipBlock" in peer:
            assert peer.keys() == {"ipBlock"}, peer
            if other.address and _in_block(peer["ipBlock"], ip_address(other.address)):
                return True
            continue
        assert peer.keys() <= {"podSelector", "namespaceSelector"}, peer
        if other.address:
            continue
        namespace = {"kubernetes.io/metadata.name": other.namespace}
        inside = _chosen(peer["namespaceSelector"], namespace) if "namespaceSelector" in peer else other.namespace == NAMESPACE
        if inside and _chosen(peer.get("podSelector", {}), other.labels):
            return True
    return False


def _in_block(block: Object, address: IPv4Address | IPv6Address) -> bool:
    return address in ip_network(block["cidr"]) and not any(address in ip_network(each) for each in block.get("except", []))


def _chosen(selector: Object, labels: dict[str, str]) -> bool:
    assert selector.keys() <= {"matchLabels"}, selector
    return selector.get("matchLabels", {}).items() <= labels.items()
