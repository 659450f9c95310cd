"""A Redis that speaks TLS: one URL makes signals and rings go over it, and both check whom they talk to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from kombu import pools

from broker.certificates import Authority
from broker.talk import a_process, client, heard, settings
from tradefree.broker.celery_app import make_celery
from tradefree.broker.doorbell import ring
from tradefree.broker.redis_client import knock
from tradefree.tasks.ports import DISPATCH
from tradefree.testing.processes import free_port
from tradefree.testing.servers import Redis


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def options(
    authority: Authority, port: int, *, name: str = "redis", address: str | None = "127.0.0.1"
) -> dict[str, str]:
    certificate, key = authority.sign(name, address)
    return {
        "tls_port": str(port),
        "tls_cert_file": str(certificate),
        "tls_key_file": str(key),
        "tls_ca_cert_file": str(authority.certificate),
        "tls_auth_clients": "no",
    }


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def server(authority: Authority, port: int) -> Iterator[Redis]:
    """With a certificate for 127.0.0.1."""
    with Redis(**options(authority, port)) as server:
        yield server


async def works(url: str, server: Redis) -> bool:
    """True if both libraries reach the server by this URL; fails if only one does."""
    chosen = settings(url)
    pools.reset()  # kombu's are the whole process's, and know no TLS options
    if await knock(chosen) is not None:
        with pytest.raises(Exception, match=r"(?i)certificate"):
            ring(make_celery(chosen), "worker.w1", ["id-1"])
        return False
    ring(make_celery(chosen), "worker.w1", ["id-1"])
    with client(server.url) as looking:
        assert looking.llen("tradefree:worker.w1") == 1
    async with a_process(url) as one, a_process(url) as other, other.subscribe(DISPATCH) as messages:
        one.publish(DISPATCH, {"lanes": []})
        assert await heard(messages) == {"lanes": []}
    return True


async def test_signals_and_rings_go_over_tls_when_the_authority_is_known(
    server: Redis, authority: Authority, port: int
) -> None:
    assert await works(f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={authority.certificate}", server)


async def test_an_unknown_authority_is_refused_by_both_unless_it_is_not_to_be_checked(server: Redis, port: int) -> None:
    assert not await works(f"rediss://127.0.0.1:{port}/0", server)
    assert await works(f"rediss://127.0.0.1:{port}/0?ssl_cert_reqs=none", server)


async def test_another_hosts_certificate_is_refused_by_both_unless_names_are_not_to_be_checked(
    authority: Authority, port: int
) -> None:
    url = f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={authority.certificate}"
    with Redis(**options(authority, port, name="elsewhere", address=None)) as server:
        assert not await works(url, server)
        assert await works(f"{url}&ssl_check_hostname=false", server)


async def test_a_client_certificate_is_shown_by_both(authority: Authority, port: int) -> None:
    certificate, key = authority.sign("client")
    url = f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={authority.certificate}"
    with Redis(**{**options(authority, port), "tls_auth_clients": "yes"}) as server:
        assert await knock(settings(url)) is not None
        assert await works(f"{url}&ssl_certfile={certificate}&ssl_keyfile={key}", server)
