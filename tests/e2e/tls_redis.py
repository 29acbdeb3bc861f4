"""A Redis that is no part of any release: in a namespace of its own, with a password, and by TLS only."""

import base64
import secrets
from types import TracebackType
from typing import Any, Self

import trustme

from tests.e2e.bystanders import CONTAINER_SECURITY, POD_SECURITY
from tests.e2e.cluster import Cluster
from tests.e2e.values import Values, image
from tests.e2e.waits import until

_TLS = "--port 0 --tls-port 6379 --tls-auth-clients no --tls-cert-file /tls/tls.crt --tls-key-file /tls/tls.key"
_KEPT = "--appendonly yes --save '' --dir /data --maxmemory-policy noeviction"


def _secret(name: str, **values: str) -> Any:
    """The manifest of a Secret; keys with _ for the dot."""
    encoded = {key.replace("_", "."): base64.b64encode(value.encode()).decode() for key, value in values.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": encoded}


class TlsRedis:
    """It runs as long as the block lasts."""

    def __init__(self, cluster: Cluster) -> None:
        self.namespace = f"e2e-tls-redis-{secrets.token_hex(2)}"
        # The operator of KEDA connects from its own namespace: only the whole name is known everywhere.
        self.host = f"redis.{self.namespace}.svc"
        self._cluster = cluster
        self._password = secrets.token_hex(16)
        self._authority = trustme.CA()
        self._of_nobody = trustme.CA()

    def values(self, prefix: str) -> Values:
        """What a release needs that uses it as `prefix`; it brings the Secrets itself."""
        authorities = {"tj-redis-ca": self._authority, "tj-wrong-ca": self._of_nobody}
        certificates = {name: found.cert_pem.bytes().decode() for name, found in authorities.items()}
        return {
            "redis": {"enabled": False},
            "externalRedis": {
                "host": self.host,
                "existingSecret": "tj-redis",
                "tls": {"enabled": True, "caSecret": "tj-redis-ca"},
                "shared": True,
            },
            "config": {"keyPrefix": prefix},
            "extraObjects": [
                _secret("tj-redis", password=self._password),
                *(_secret(name, ca_crt=certificate) for name, certificate in certificates.items()),
            ],
        }

    def __enter__(self) -> Self:
        issued = self._authority.issue_cert(self.host)
        certificate = "".join(part.bytes().decode() for part in issued.cert_chain_pems)
        key = issued.private_key_pem.bytes().decode()
        self._cluster.create_namespace(self.namespace)
        core = self._cluster.core
        core.create_namespaced_secret(self.namespace, _secret("redis", password=self._password, tls_crt=certificate, tls_key=key))
        service: Any = {"metadata": {"name": "redis"}, "spec": {"selector": {"app": "redis"}, "ports": [{"port": 6379}]}}
        core.create_namespaced_service(self.namespace, service)
        core.create_namespaced_pod(self.namespace, self._pod())
        until(self._ready, lambda ready: ready, 120, f"the Redis in {self.namespace} ready")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._cluster.core.delete_namespace(self.namespace)

    def _pod(self) -> Any:
        container = {
            "name": "redis",
            "image": image("e2e-redis"),
            "command": ["sh", "-c", f'exec redis-server {_TLS} {_KEPT} --requirepass "$PASSWORD"'],
            "env": [{"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "redis", "key": "password"}}}],
            "readinessProbe": {"tcpSocket": {"port": 6379}, "periodSeconds": 1},
            "securityContext": CONTAINER_SECURITY,
            "volumeMounts": [{"name": "tls", "mountPath": "/tls"}, {"name": "data", "mountPath": "/data"}],
        }
        volumes = [{"name": "tls", "secret": {"secretName": "redis"}}, {"name": "data", "emptyDir": {}}]
        spec = {"securityContext": {**POD_SECURITY, "fsGroup": 10001}, "containers": [container], "volumes": volumes}
        return {"metadata": {"name": "redis", "labels": {"app": "redis"}}, "spec": spec}

    def _ready(self) -> bool:
        status = self._cluster.core.read_namespaced_pod("redis", self.namespace).status
        return any(each.ready for each in status.container_statuses or [])
