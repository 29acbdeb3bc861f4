"""A small client of the API of the Kubernetes cluster in which a pod runs, signed in by the pod's own token.

It reads and patches single objects in the pod's namespace; what the pod may do there is up to its Role. API and workers use it,
each for one thing that is off unless the chart switches it on.
"""

import json
import ssl
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import quote

_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_PATCH = "application/merge-patch+json"


class ClusterError(Exception):
    """The cluster's API refused or did not answer; the message says which and why."""


class ClusterApi:
    """Objects of one namespace.

    Args:
        namespace: that of the pod.
        url: where the cluster's API is.
        account: folder with the `token`, read anew each time since it is rotated, and `ca.crt`.
        timeout: seconds without a byte after which a request is given up.
    """

    def __init__(
        self, namespace: str, url: str = "https://kubernetes.default.svc", account: Path = _ACCOUNT, timeout: float = 5.0
    ) -> None:
        self.namespace = namespace
        self.url = url
        self.account = account
        self.timeout = timeout

    def get(self, group: str, kind: str, name: str) -> dict[str, Any] | None:
        """An object; None where there is no such object, or no such kind.

        Args:
            group: the path of the API's group and version, such as `apis/apps/v1`.
            kind: in the plural, such as `deployments`.

        Raises: ClusterError.
        """
        found = self._ask("GET", group, kind, name, None)
        if found is not None and not isinstance(found, dict):
            raise ClusterError("its answer is no object")
        return found

    def patch(self, group: str, kind: str, name: str, change: dict[str, Any]) -> None:
        """Merge a change into an object. Raises: ClusterError, also where there is none."""
        if self._ask("PATCH", group, kind, name, json.dumps(change).encode()) is None:
            raise ClusterError(f"404: there is no {kind} {name}")

    def _ask(self, method: str, group: str, kind: str, name: str, body: bytes | None) -> Any:
        address = f"{self.url}/{group}/namespaces/{quote(self.namespace)}/{kind}/{quote(name)}"
        try:
            request = urllib.request.Request(address, body, self._headers(body), method=method)
            with urllib.request.urlopen(request, timeout=self.timeout, context=self._trust()) as answer:  # nosec B310 # https, of the pod
                return json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 404:
                    return None
                raise ClusterError(f"{error.code}: {_words(error)}") from None
        except urllib.error.URLError as error:
            raise ClusterError(str(error.reason)) from None
        except (OSError, HTTPException, ValueError) as error:
            raise ClusterError(str(error) or type(error).__name__) from None

    def _headers(self, body: bytes | None) -> dict[str, str]:
        signed = {"Authorization": f"Bearer {(self.account / 'token').read_text().strip()}"}
        return signed if body is None else signed | {"Content-Type": _PATCH}

    def _trust(self) -> ssl.SSLContext | None:
        """Python 3.13 refuses the authorities of many clusters, which lack an extension, unless it is told to be less strict."""
        if not self.url.startswith("https:"):
            return None
        context = ssl.create_default_context(cafile=self.account / "ca.crt")
        context.verify_flags &= ~ssl.VerifyFlags.VERIFY_X509_STRICT
        return context


def _words(error: urllib.error.HTTPError) -> str:
    """What Kubernetes says of a refusal, or the reason of the status line."""
    try:
        return str(json.loads(error.read())["message"])
    except (OSError, HTTPException, ValueError, LookupError, TypeError):
        return str(error.reason)
