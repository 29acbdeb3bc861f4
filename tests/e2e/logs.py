"""The logs of worker pods as they are written: such pods come and go, and a test that fails asks for those that are gone."""

import threading
from pathlib import Path
from typing import Any

from kubernetes.client import ApiException, CoreV1Api
from urllib3.exceptions import HTTPError


def follow(core: CoreV1Api, namespace: str, pod: str, container: str, path: Path) -> None:
    """Write the log of a container that runs into a file, in the background, until the container ends."""

    def copy() -> None:
        try:
            answer: Any = core.read_namespaced_pod_log(
                pod, namespace, container=container, follow=True, timestamps=True, _preload_content=False
            )
            with path.open("ab") as file:
                for chunk in answer.stream():
                    file.write(chunk)
                    file.flush()
        except (ApiException, HTTPError, OSError) as error:
            with path.open("a") as file:
                file.write(f"not followed any longer: {type(error).__name__}: {str(error).splitlines()[0]}\n")

    threading.Thread(target=copy, name=f"log of {pod}", daemon=True).start()
