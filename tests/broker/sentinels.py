"""A master with a replica and a Sentinel that watches them."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from redis import Redis as Client

from tradefree.testing.servers import Redis, Server, find

MASTER = "shop"
DOWN_AFTER_MS = 500


class Sentinel(Server):
    """Watches one master; alone it may decide."""

    def __init__(self, master: Redis, *, password: str = "", own_password: str = "") -> None:
        super().__init__()
        self._program = find("redis-server", package="redis-server")
        lines = [
            f"port {self.port}",
            "bind 127.0.0.1",
            f"dir {self.folder}",
            f"sentinel monitor {MASTER} 127.0.0.1 {master.port} 1",
            f"sentinel down-after-milliseconds {MASTER} {DOWN_AFTER_MS}",
            f"sentinel failover-timeout {MASTER} 3000",
        ]
        lines += [f'sentinel auth-pass {MASTER} "{password}"'] if password else []
        lines += [f"requirepass {own_password}"] if own_password else []
        (self.folder / "sentinel.conf").write_text("\n".join(lines))

    def command(self) -> Sequence[str]:
        return [self._program, str(self.folder / "sentinel.conf"), "--sentinel"]

    def _greets(self, connection: socket.socket) -> bool:
        connection.sendall(b"PING\r\n")
        return connection.recv(16).startswith((b"+PONG", b"-NOAUTH"))


@dataclass
class Guarded:
    """What Sentinels make of two Redis: one system that survives the death of its master."""

    master: Redis
    replica: Redis
    sentinels: tuple[Sentinel, ...]
    password: str = field(repr=False)

    def url(self, login: str = "") -> str:
        """Login and database are said once, as people do."""
        first, *others = (f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)
        return ";".join([f"sentinel://{login}{first}/2", *(f"sentinel://{other}" for other in others)])

    def client(self, redis: Redis) -> Client:
        return Client(port=redis.port, db=2, password=self.password or None)

    def knows_replica(self) -> bool:
        """True once every Sentinel could promote the replica."""
        return all(_master(sentinel)["num-slaves"] == 1 for sentinel in self.sentinels) and self._in_step()

    def promoted(self) -> bool:
        """True once the replica is the master, and every Sentinel says so."""
        with self.client(self.replica) as looking:
            role = looking.info("replication")["role"]
        return role == "master" and all(_master(sentinel)["port"] == self.replica.port for sentinel in self.sentinels)

    def _in_step(self) -> bool:
        with self.client(self.replica) as looking:
            return bool(looking.info("replication").get("master_link_status") == "up")


def _master(sentinel: Sentinel) -> dict[str, int]:
    with Client(port=sentinel.port) as looking:
        return dict(looking.sentinel_master(MASTER))


@contextlib.contextmanager
def guarded(*, password: str = "", sentinels: int = 1) -> Iterator[Guarded]:
    """All of it, started. A Sentinel needs a moment more to hear of the replica."""
    login = {"requirepass": password, "masterauth": password} if password else {}
    with contextlib.ExitStack() as stack:
        master = stack.enter_context(Redis(**login))
        replica = stack.enter_context(Redis(replicaof=f"127.0.0.1 {master.port}", **login))
        watching = tuple(stack.enter_context(Sentinel(master, password=password)) for _ in range(sentinels))
        yield Guarded(master, replica, watching, password)
