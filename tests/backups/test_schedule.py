"""When the leading service makes a backup, and what it says of it."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog

from tradefree.backups.schedule import Plan, Schedule
from tradefree.bootstrap import make_plan
from tradefree.database.stores.backing import BackupRecord, BackupStanding
from tradefree.errors import SettingsError, StorageUnavailable
from tradefree.settings import Settings
from tradefree.testing.clock import FrozenClock

NOW = datetime(2026, 1, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Standing:
    """A store that tells of one backup."""

    def __init__(self, record: BackupRecord | None = None) -> None:
        self.record = record
        self.away = False

    async def backup_standing(self) -> BackupStanding:
        if self.away:
            raise StorageUnavailable("it is away")
        return BackupStanding(tried=self.record)


class Counting(Plan):
    """A plan whose process does what it is told instead of a backup."""

    code = "print('file\\tx.tfb')"

    def command(self) -> list[str]:
        return [sys.executable, "-c", self.code]


def a_record(ago: timedelta, error: str | None = None) -> BackupRecord:
    return BackupRecord("1", NOW - ago, "x.tfb", "h", error=error)


PLAN = Counting(Path("/backups"), 6 * HOUR, 3, verify=True)


def schedule(standing: Standing) -> Schedule:
    return Schedule(standing, FrozenClock(NOW), lambda: True, PLAN)


@pytest.mark.parametrize(
    ("record", "due"),
    [
        (None, True),
        (a_record(6 * HOUR), True),
        (a_record(5 * HOUR), False),
        (a_record(HOUR, error="No space left on device"), True),
        (a_record(HOUR / 2, error="No space left on device"), False),
    ],
)
async def test_what_is_due_is_made(record: BackupRecord | None, due: bool) -> None:
    with structlog.testing.capture_logs() as logs:
        assert await schedule(Standing(record)).look(PLAN) is (True if due else None)
    assert [line["event"] for line in logs] == (["backup made"] if due else [])
    assert not due or logs[0]["file"] == "x.tfb"


async def test_a_failure_is_told_in_its_last_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Counting, "code", "import sys; print('much', file=sys.stderr); sys.exit('Error: full')")
    with structlog.testing.capture_logs() as logs:
        assert await schedule(Standing()).look(PLAN) is False
    assert (logs[0]["event"], logs[0]["error"], logs[0]["exit_code"]) == ("backup failed", "Error: full", 1)


async def test_a_database_that_is_away_is_no_end() -> None:
    standing = Standing()
    standing.away = True
    assert await schedule(standing).look(PLAN) is None


async def test_who_does_not_lead_makes_none() -> None:
    looked = asyncio.create_task(Schedule(Standing(), FrozenClock(NOW), lambda: False, PLAN).run())
    with structlog.testing.capture_logs() as logs:
        await asyncio.sleep(0.2)
    looked.cancel()
    assert logs == []


async def test_no_plan_is_no_work() -> None:
    await Schedule(Standing(), FrozenClock(NOW), lambda: True, None).run()


async def test_a_stop_ends_the_process_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(
        Counting, "code", f"import time; open({str(tmp_path / 'began')!r}, 'w').close(); time.sleep(600)"
    )
    running = asyncio.create_task(schedule(Standing()).run())
    async with asyncio.timeout(30):
        while not (tmp_path / "began").exists():  # noqa: ASYNC110 (another process makes it)
            await asyncio.sleep(0.01)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running


def test_the_command_is_the_one_that_people_use() -> None:
    command = Plan(Path("/backups"), HOUR, 3, verify=True).command()
    assert command[1:] == [
        "-m", "tradefree.cli.main", "backup", "create", "/backups", "--keep", "3", "--nice", "10", "--verify",
    ]  # fmt: skip
    assert "--verify" not in Plan(Path("/backups"), HOUR, 3, verify=False).command()


def test_the_settings_make_the_plan(tmp_path: Path) -> None:
    assert make_plan(Settings()) is None
    plan = make_plan(Settings(backup_every_hours=24, backup_folder=tmp_path, backup_keep=9))
    assert plan == Plan(tmp_path, timedelta(days=1), 9, verify=True)
    with pytest.raises(SettingsError, match=r"TRADEFREE_BACKUP_FOLDER: is needed"):
        make_plan(Settings(backup_every_hours=24))
    with pytest.raises(SettingsError, match=r"TRADEFREE_BACKUP_FOLDER: there is no folder .*nope"):
        make_plan(Settings(backup_every_hours=24, backup_folder=tmp_path / "nope"))
