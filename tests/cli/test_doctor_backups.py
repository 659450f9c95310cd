"""What ``doctor`` says of backups."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cli.conftest import Cli
from cli.life import in_database, wait
from cli.reading import checks
from tradefree.cli.checks.backups import judge
from tradefree.cli.checks.check import Caution
from tradefree.clock import SystemClock
from tradefree.database.stores.backing import BackupRecord, BackupStanding
from tradefree.database.tables import tasks
from tradefree.settings import Settings

NOW = datetime(2026, 5, 1, tzinfo=UTC)
DAY = timedelta(days=1)
PLAIN, DAILY = Settings(), Settings(backup_every_hours=24)


def made(ago: timedelta, **values: object) -> BackupRecord:
    return replace(BackupRecord(str(ago), NOW - ago, f"{ago.days}.tfb", "h"), **values)  # type: ignore[arg-type]


def proved(ago: timedelta, error: str | None = None) -> BackupRecord:
    return made(ago, proved_at=NOW - ago, proof_error=error)


YOUNG, WEEK, OLD = made(DAY), made(7 * DAY), made(9 * DAY)


@pytest.mark.parametrize(
    ("standing", "settings", "said"),
    [
        (BackupStanding(YOUNG, YOUNG, proved(2 * DAY)), PLAIN, "made 1 d ago; 2.tfb was restored for a test 2 d ago"),
        (BackupStanding(YOUNG, YOUNG, proved(2 * DAY), proved(3 * DAY, "bad")), DAILY, "made 1 d ago"),
        (BackupStanding(WEEK, WEEK, proved(30 * DAY)), PLAIN, "made 7 d ago"),
    ],
)
def test_all_is_well(standing: BackupStanding, settings: Settings, said: str) -> None:
    assert said in judge(standing, NOW, settings)


FULL = made(DAY / 24, error="No space left on device")


@pytest.mark.parametrize(
    ("standing", "settings", "said"),
    [
        (BackupStanding(FULL, YOUNG, proved(DAY)), PLAIN, "the latest failed 1 h ago: No space left on device"),
        (BackupStanding(FULL), PLAIN, "the latest failed 1 h ago"),
        (BackupStanding(OLD, OLD, proved(DAY)), PLAIN, "made 9 d ago, which is too old"),
        (BackupStanding(WEEK, WEEK, proved(DAY)), DAILY, "made 7 d ago, which is too old"),
        (
            BackupStanding(YOUNG, YOUNG, proved(2 * DAY), proved(DAY, "bad")),
            PLAIN,
            "1.tfb could not be restored .*: bad",
        ),
        (BackupStanding(YOUNG, YOUNG), PLAIN, "none was ever restored for a test"),
        (BackupStanding(YOUNG, YOUNG, proved(36 * DAY)), PLAIN, "36 d ago, which is long ago"),
    ],
)
def test_somebody_should_know(standing: BackupStanding, settings: Settings, said: str) -> None:
    with pytest.raises(Caution, match=said):
        judge(standing, NOW, settings)


def test_a_new_system_needs_none_an_older_one_does(cli: Cli) -> None:
    cli("migrate")
    wait("default", "echo", 1)
    assert checks(cli)["backups"]["status"] == "ok"
    before = SystemClock().now() - 2 * DAY
    in_database(
        lambda store: store.database.write(
            lambda connection: connection.execute(tasks.update().values(created_at=before))
        )
    )
    assert checks(cli)["backups"]["detail"] == "no backup was ever made of this database"
    cli("backup", "x.tfb", "--verify")
    assert "x.tfb was restored for a test" in checks(cli)["backups"]["detail"]
