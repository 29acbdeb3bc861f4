"""The client of the cluster's API: whom it trusts, how it signs in, and what it says of answers that are none."""

from pathlib import Path

import pytest
import trustme

from lib.cluster_api import ClusterApi, ClusterError
from tests.clusters import cluster_in

POD = ("api/v1", "pods", "one")
PATH = "/api/v1/namespaces/jobs/pods/one"


def test_it_signs_in_with_the_token_of_the_moment_over_tls(tmp_path: Path) -> None:
    with cluster_in(tmp_path, trustme.CA()) as (cluster, api):
        cluster.objects[PATH] = {"kind": "Pod"}
        assert api.get(*POD) == {"kind": "Pod"}
        (tmp_path / "token").write_text("second")
        assert api.get("api/v1", "pods", "another") is None
        assert cluster.requests == [(PATH, "Bearer first"), ("/api/v1/namespaces/jobs/pods/another", "Bearer second")]


def test_a_certificate_of_another_authority_is_not_trusted(tmp_path: Path) -> None:
    with cluster_in(tmp_path, trustme.CA()) as (cluster, api):
        trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.crt"))
        with pytest.raises(ClusterError, match="certificate verify failed"):
            api.get(*POD)
        assert cluster.requests == []


def test_a_refusal_is_told_in_the_words_of_kubernetes(tmp_path: Path) -> None:
    with cluster_in(tmp_path) as (cluster, api):
        cluster.refusal = (403, 'pods "one" is forbidden')
        with pytest.raises(ClusterError, match='403: pods "one" is forbidden'):
            api.get(*POD)


@pytest.mark.parametrize("answer", [b"<html>", b"[1]", b'"a"', b"\xff"])
def test_what_is_no_object_is_an_error(tmp_path: Path, answer: bytes) -> None:
    with cluster_in(tmp_path) as (cluster, api):
        cluster.objects[PATH] = answer
        with pytest.raises(ClusterError):
            api.get(*POD)


def test_nobody_there_no_token_and_nothing_to_change_are_errors(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="No such file"):
        ClusterApi("jobs", "http://127.0.0.1:1", tmp_path).get(*POD)
    (tmp_path / "token").write_text("first")
    with pytest.raises(ClusterError, match="refused"):
        ClusterApi("jobs", "http://127.0.0.1:1", tmp_path).get(*POD)
