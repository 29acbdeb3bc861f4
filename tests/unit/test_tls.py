"""TLS to Redis: through a proxy that ends it, so that every server can be used, with a certificate of an authority of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
import trustme

from lib.connections import connect
from lib.errors import StoreUnavailable
from lib.jobs import Jobs, Submission, complete
from lib.settings import Settings
from lib.store import Store
from tests.tls import TlsProxy


@pytest.fixture
def authority(tmp_path: Path) -> tuple[trustme.CA, Path]:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(tmp_path / "ca.crt")
    return ca, tmp_path / "ca.crt"


@pytest.fixture
def proxy(authority: tuple[trustme.CA, Path], settings: Settings) -> Iterator[TlsProxy]:
    proxy = TlsProxy(authority[0], settings.redis_port)
    yield proxy
    proxy.listener.close()


def over_tls(settings: Settings, proxy: TlsProxy, ca: Path | None) -> Settings:
    return settings.model_copy(update={"redis_ip": "localhost", "redis_port": proxy.port, "redis_tls": True, "redis_ca_file": ca})


def test_a_job_is_submitted_claimed_and_ended_over_tls(
    settings: Settings, proxy: TlsProxy, authority: tuple[trustme.CA, Path]
) -> None:
    jobs = Jobs(over_tls(settings, proxy, authority[1]))
    job = jobs.submit(Submission("print", {"msg": "over TLS"}))
    claim = jobs.claim("child", "worker", [settings.queue_name])
    assert claim is not None
    jobs.finish(claim, complete(b'"over TLS"'))
    assert jobs.get(job.id).result == "over TLS"
    jobs.close()


def test_a_url_takes_the_authority_of_the_settings_too(
    settings: Settings, proxy: TlsProxy, authority: tuple[trustme.CA, Path]
) -> None:
    by_url = settings.model_copy(update={"redis_url": f"rediss://localhost:{proxy.port}", "redis_ca_file": authority[1]})
    with connect(by_url, by_url.redis_db) as client:
        assert client.ping()


def test_a_certificate_of_an_unknown_authority_is_refused_and_named(settings: Settings, proxy: TlsProxy) -> None:
    store = Store(over_tls(settings, proxy, None), patience=0.2)
    with pytest.raises(StoreUnavailable, match="certificate verify failed"):
        store.read(lambda client: client.ping())


def test_a_plain_client_meets_no_answer_where_tls_is_spoken(settings: Settings, proxy: TlsProxy) -> None:
    with connect(settings.model_copy(update={"redis_port": proxy.port}), 0) as client, pytest.raises(redis.ConnectionError):
        client.ping()


def test_the_node_of_a_cluster_is_found_and_used_over_tls(
    settings: Settings, proxy: TlsProxy, authority: tuple[trustme.CA, Path]
) -> None:
    update = {"redis_cluster": [f"localhost:{proxy.port}"], "redis_tls": True, "redis_ca_file": authority[1]}
    with connect(settings.model_copy(update=update), 0) as client:
        assert client.ping()
    unknown = connect(settings.model_copy(update=update | {"redis_ca_file": None}), 0)
    with pytest.raises(redis.ConnectionError, match="certificate verify failed"):
        unknown.ping()
