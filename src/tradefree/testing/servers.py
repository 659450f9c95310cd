"""Private servers for tests, demos and benchmarks: MariaDB, MySQL and Redis on free ports, gone with who started them.

They never touch a server that happens to be running. Debian's packages are installed if they are missing and it may be
done (root, apt-get); otherwise MissingServer says what to install.
"""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tradefree.errors import TradefreeError
from tradefree.testing.processes import Child


class MissingServer(TradefreeError):
    """A server's program is not installed, and could not be."""


class Server(Child):
    """A server that listens on its port; its folder is removed when it is stopped."""

    def __init__(self) -> None:
        super().__init__()
        # a MariaDB that starts removes what it takes for its own in the folder for temporary files
        self.environment = {**os.environ, "TMPDIR": str(self.folder)}

    def answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as connection:
            connection.settimeout(2)
            return self._greets(connection)
        return False

    def _greets(self, connection: socket.socket) -> bool:
        """True if the server at the other end is ready."""
        raise NotImplementedError

    def stop(self) -> None:
        super().stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Redis(Server):
    """A Redis that keeps nothing: a kill wipes it. ``options``: as in redis.conf."""

    def __init__(self, **options: str) -> None:
        super().__init__()
        self._program = find("redis-server", package="redis-server")
        self._options = options

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> Sequence[str]:
        ours = {"port": str(self.port), "bind": "127.0.0.1", "dir": str(self.folder), "save": "", "appendonly": "no"}
        options = {**ours, **{name.replace("_", "-"): value for name, value in self._options.items()}}
        return [self._program, *(word for name, value in options.items() for word in (f"--{name}", *value.split(" ")))]

    def _greets(self, connection: socket.socket) -> bool:
        connection.sendall(b"PING\r\n")
        return connection.recv(16).startswith((b"+PONG", b"-NOAUTH"))


class Mariadb(Server):
    """A MariaDB with an empty data folder; root has no password. ``durable``: an fsync for each commit."""

    def __init__(self, *, durable: bool = True, options: Sequence[str] = ()) -> None:
        super().__init__()
        self._program = find("mariadbd", package="mariadb-server-core")
        self._options = [f"--innodb-flush-log-at-trx-commit={1 if durable else 2}", *options]
        self._install()

    def url(self, database: str) -> str:
        """SQLAlchemy's URL of a database of this name, be it there or not."""
        return f"mysql+asyncmy://root@127.0.0.1:{self.port}/{database}?charset=utf8mb4"

    def _install(self) -> None:
        program = find("mariadb-install-db", package="mariadb-server-core")
        command = [program, "--no-defaults", f"--user={getpass.getuser()}", f"--datadir={self.folder}/data"]
        # a server that starts removes the temporary tables of all that share its folder for them
        command.append(f"--tmpdir={self.folder}")
        done = subprocess.run(
            [*command, "--skip-test-db", "--auth-root-authentication-method=normal"],
            capture_output=True,
            text=True,
            check=False,
            env=self.environment,
        )
        if done.returncode:
            raise TradefreeError(f"mariadb-install-db failed: {done.stderr or done.stdout}")

    def command(self) -> Sequence[str]:
        return [
            self._program,
            "--no-defaults",
            f"--user={getpass.getuser()}",
            f"--datadir={self.folder}/data",
            f"--tmpdir={self.folder}",
            f"--socket={self.folder}/socket",
            f"--pid-file={self.folder}/pid",
            f"--port={self.port}",
            "--bind-address=127.0.0.1",
            "--skip-name-resolve",
            "--max-connections=500",
            "--innodb-buffer-pool-size=256M",
            "--innodb-log-file-size=256M",
            *self._options,
        ]

    def _greets(self, connection: socket.socket) -> bool:
        """A handshake of the MySQL protocol (version 10), not the packet that says there is an error."""
        greeting = connection.recv(64)
        return len(greeting) > 4 and greeting[4] == 10


class Mysql(Mariadb):
    """A real MySQL, by a program that starts one: ``PROGRAM start PORT FOLDER``."""

    dies_by = "TERM"

    def __init__(self, program: str) -> None:
        Server.__init__(self)
        self._program = os.path.abspath(program)

    def command(self) -> Sequence[str]:
        # asking for the version unpacks the server if that is still to be done
        script = """
            "$0" version && "$0" start "$1" "$2" || exit
            pid=$(cat "$2/mysqld.pid")
            trap 'kill -9 $pid' TERM
            while kill -0 $pid; do sleep 0.5; done
        """
        return ["bash", "-c", script, self._program, str(self.port), f"{self.folder}/data"]

    def send(self, number: int) -> None:
        """To the server itself; the script ends after it."""
        with contextlib.suppress(OSError, ValueError):
            os.kill(int((self.folder / "data" / "mysqld.pid").read_text()), number)


def find(program: str, *, package: str) -> str:
    """The path of a program, installed from Debian's package if it is missing and that may be done."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    if (found := shutil.which(program, path=path)) is None:
        _install(program, package)
        found = shutil.which(program, path=path)
    if found is None:
        raise MissingServer(f"{program} is needed: install the package {package} (apt-get install {package})")
    return found


def _install(program: str, package: str) -> None:
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        raise MissingServer(f"{program} is needed: install it (on Debian: sudo apt-get install {package})")
    with one_by_one():
        for command in (["update"], ["install", "-y", "--no-install-recommends", package]):
            done = subprocess.run([apt, "-qq", *command], capture_output=True, text=True, check=False)
            if done.returncode:
                raise MissingServer(f"{program} is needed, and `apt-get {' '.join(command)}` failed: {done.stderr}")


@contextlib.contextmanager
def one_by_one() -> Iterator[None]:
    """Our processes take turns with apt-get, which refuses whoever comes second."""
    with (Path(tempfile.gettempdir()) / "tradefree-apt.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
