"""``backup`` and ``restore`` as people use them, on a real SQLite file."""

from __future__ import annotations

import json
import os
import resource
import signal
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.conftest import Cli, rows
from cli.life import wait
from tradefree.testing.cluster import TRADEFREE

KEY = "vq4rkXxTrwZ3TnZbm8kyPHmuGYy0EdVTnWoy2PYzQ5o="
APPLIED = "connections: {bot: {base_url: 'http://x/v1', api_key: app-canary}}"


@pytest.fixture(autouse=True)
def some_tasks(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEFREE_SECRET_KEY", KEY)
    cli("migrate")
    Path("f.yaml").write_text(APPLIED)
    cli("apply", "-f", "f.yaml")
    wait("default", "echo", 20)


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From now on the configured database is another one, which is not there yet."""
    return lambda: monkeypatch.setenv("TRADEFREE_DATABASE_URL", "sqlite+aiosqlite:///new.db")


def said(cli: Cli, *words: str, code: int = 0) -> Any:
    return json.loads(cli(*words, "--json", code=code).stdout)


def number_of_tasks(file: str) -> int:
    with sqlite3.connect(file) as connection:
        (number,) = connection.execute("SELECT COUNT(*) FROM tasks").fetchone()
    return int(number)


def test_back_up_prove_and_restore(cli: Cli, elsewhere: Callable[[], None]) -> None:
    made = said(cli, "backup", "one.tfb", "--verify")
    assert made["file"] == str(Path("one.tfb").absolute())
    assert made["size"] == Path("one.tfb").stat().st_size
    assert made["tables"]["tasks"]["rows"] == 20
    assert made["proof"]["rows"] == made["rows"]
    assert made["proof"]["closed"] == 0, "its secrets can be opened"
    elsewhere()
    restored = said(cli, "restore", "one.tfb")
    assert restored["rows"] == made["rows"]
    assert number_of_tasks("new.db") == 20
    assert [row[4] for row in rows(cli("audit", code=3))] == [], "no service runs here"
    (listed,) = said(cli, "backup", "list")["items"] or [None]
    assert listed is None, "the backup does not hold its own record"


def test_the_list_tells_what_was_made_and_proved(cli: Cli) -> None:
    assert said(cli, "backup", "list") == {"items": []}
    made = said(cli, "backup", "create", "one.tfb")
    (row,) = rows(cli("backup", "list"))
    assert row[0] == made["id"]
    assert row[2] == str(Path("one.tfb").absolute())
    assert row[8:] == ["", ""], "it is not proved yet"
    cli("backup", "verify", "one.tfb")
    (record,) = said(cli, "backup", "list")["items"]
    assert record["proved_on"] == "sqlite"
    assert record["proved_at"]


def test_without_a_name_it_is_named_by_its_time_and_old_ones_go(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path("kept")
    folder.mkdir()
    monkeypatch.setenv("TRADEFREE_BACKUP_FOLDER", str(folder))
    for day in range(1, 4):
        (folder / f"tradefree-2026010{day}T000000Z.tfb").touch()
    made = said(cli, "backup", "create", "--keep", "2")
    assert Path(made["file"]).parent == folder.absolute()
    assert sorted(file.name for file in folder.iterdir()) == ["tradefree-20260103T000000Z.tfb", Path(made["file"]).name]
    assert len(made["removed"]) == 2


def piped(*words: str, stdout: Any = subprocess.PIPE, **more: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [TRADEFREE, *words], stdout=stdout, stderr=subprocess.PIPE, env=os.environ, check=False, **more
    )


def test_through_a_pipe(cli: Cli, elsewhere: Callable[[], None]) -> None:
    sent = piped("backup", "-")
    assert sent.returncode == 0, sent.stderr
    assert b"rows" in sent.stderr
    assert piped("backup", "verify", "-", input=sent.stdout).returncode == 0
    elsewhere()
    taken = piped("restore", "-", input=sent.stdout)
    assert taken.returncode == 0, taken.stderr
    assert number_of_tasks("new.db") == 20


def test_a_pipe_whose_reader_goes_away(cli: Cli) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "wb") as gone:
        done = piped("backup", "-", stdout=gone)
    assert (done.returncode, done.stderr) == (141, b"")


def test_options_that_do_not_go_with_a_pipe(cli: Cli) -> None:
    assert (
        "--verify, --keep and --json: go with a file, not with stdout" in cli("backup", "-", "--verify", code=2).stderr
    )


# ── encrypted ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_encrypted(cli: Cli, monkeypatch: pytest.MonkeyPatch, elsewhere: Callable[[], None]) -> None:
    monkeypatch.setenv("TRADEFREE_BACKUP_PASSPHRASE", "canary-passphrase")
    assert said(cli, "backup", "one.tfb")["encrypted"] is True
    assert b"canary" not in Path("one.tfb").read_bytes()
    cli("backup", "verify", "one.tfb")
    monkeypatch.setenv("TRADEFREE_BACKUP_PASSPHRASE", "another-canary")
    elsewhere()
    for words in (("restore", "one.tfb"), ("backup", "verify", "one.tfb")):
        refused = cli(*words, code=2).stderr
        assert "TRADEFREE_BACKUP_PASSPHRASE: is not the passphrase" in refused
        assert "canary" not in refused
    monkeypatch.delenv("TRADEFREE_BACKUP_PASSPHRASE")
    assert "this backup is encrypted" in cli("restore", "one.tfb", code=2).stderr
    assert not Path("new.db").exists()
    monkeypatch.setenv("TRADEFREE_BACKUP_PASSPHRASE", "short")
    assert "TRADEFREE_BACKUP_PASSPHRASE" in cli("backup", "two.tfb", code=2).stderr


def test_a_secret_that_cannot_be_opened_is_said(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli("backup", "one.tfb")
    monkeypatch.setenv("TRADEFREE_SECRET_KEY", "0" * 43 + "=")
    assert "1 stored secret cannot be opened" in cli("backup", "verify", "one.tfb").stderr


def test_sealed_secrets_stay_sealed_in_a_plain_backup(cli: Cli) -> None:
    import io

    from tradefree.backups.archive import ArchiveReader

    cli("backup", "one.tfb")
    text = b"\n".join(
        line for part in ArchiveReader(io.BytesIO(Path("one.tfb").read_bytes())).rows() for line in part.lines
    )
    assert b"http://x/v1" in text
    assert b"app-canary" not in text
    assert KEY.encode() not in text


# ── what goes wrong ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_damaged_backup_is_exit_code_1_and_remembered(cli: Cli, elsewhere: Callable[[], None]) -> None:
    cli("backup", "one.tfb")
    file = bytearray(Path("one.tfb").read_bytes())
    file[len(file) // 2] ^= 1
    Path("one.tfb").write_bytes(file)
    assert "frame 0 is not what was written" in cli("backup", "verify", "one.tfb", code=1).stderr
    assert "frame 0 is not what was written" in said(cli, "backup", "list")["items"][0]["proof_error"]
    elsewhere()
    cli("restore", "one.tfb", code=1)
    assert not Path("new.db").exists()


def test_it_can_be_proved_without_the_database(cli: Cli, elsewhere: Callable[[], None]) -> None:
    cli("backup", "one.tfb")
    elsewhere()
    cli("backup", "verify", "one.tfb")
    assert list(Path().glob("new.db*")) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("restore", "nope.tfb"), "nope.tfb: No such file"),
        (("backup", "nope/x.tfb"), "FILE: there is no folder"),
        (("backup", "f.yaml"), "FILE: .*f.yaml is there already"),
        (("restore", "f.yaml"), "no backup made by tradefree"),
        (("backup", "verify", "f.yaml"), "no backup made by tradefree"),
        (("backup", "verify", "f.yaml", "--on-server"), "--on-server: TRADEFREE_DATABASE_URL names a file"),
        (("backup", "x.tfb", "--keep", "0"), "--keep"),
    ],
)
def test_bad_words(cli: Cli, words: tuple[str, ...], message: str) -> None:
    import re

    assert re.search(message, cli(*words, code=2).stderr)


def test_restore_over_a_database_is_refused(cli: Cli) -> None:
    cli("backup", "one.tfb")
    before = Path("test.db").read_bytes()
    assert "test.db is there already; nothing was changed" in cli("restore", "one.tfb", code=2).stderr
    assert Path("test.db").read_bytes() == before


def test_what_a_database_left_beside_its_place_is_in_the_way(cli: Cli, elsewhere: Callable[[], None]) -> None:
    """SQLite would take an old log for that of the new file."""
    cli("backup", "one.tfb")
    elsewhere()
    Path("new.db-wal").write_bytes(b"old")
    assert "new.db-wal is there already" in cli("restore", "one.tfb", code=2).stderr


def test_a_full_disk_leaves_nothing_and_is_remembered(cli: Cli) -> None:
    def small() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    done = piped("backup", "one.tfb", preexec_fn=small)
    assert done.returncode == 3, done.stderr
    assert done.stderr.startswith(b"Error: ")
    assert len(done.stderr.splitlines()) == 1
    assert [file.name for file in Path().iterdir() if "tfb" in file.name or "copy" in file.name] == []


def test_a_full_disk_behind_stdout(cli: Cli) -> None:
    with Path("/dev/full").open("wb") as full:
        done = piped("backup", "-", stdout=full)
    assert done.returncode == 3
    assert done.stderr == b"Error: No space left on device\n"
    (record,) = said(cli, "backup", "list")["items"]
    assert record["error"] == "No space left on device"
