"""Two releases of the package side by side: the one at hand, and a next one with a version and a migration more."""

from __future__ import annotations

import shutil
from pathlib import Path

import tradefree
from tradefree.database.migrate import head

NEXT = "99.0.0"
COLUMN = "region"

_MIGRATION = f"""
import sqlalchemy as sa
from alembic import op

revision = "next"
down_revision = "{{head}}"
oldest = "{{oldest}}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tasks", sa.Column("{COLUMN}", sa.String(63)))


def downgrade() -> None:
    op.drop_column("tasks", "{COLUMN}")
"""


class Releases:
    """A folder with both, and a link ``current`` to one of them. ``oldest``: the schema whose versions may start on the
    next one's tables; by default this release's."""

    def __init__(self, folder: Path, oldest: str | None = None) -> None:
        self.current = folder / "current"
        self.this, self.next = folder / "this", folder / "next"
        for release in (self.this, self.next):
            shutil.copytree(Path(tradefree.__path__[0]), release / "tradefree", ignore=shutil.ignore_patterns("*.pyc"))
        _change(self.next / "tradefree" / "bootstrap.py", 'version("tradefree")', repr(NEXT))
        last = 'sa.Column("traceparent", ascii_text(55), comment="W3C trace context"),'
        _change(self.next / "tradefree" / "database" / "tables.py", last, f'{last} sa.Column("{COLUMN}", text(63)),')
        field = "    traceparent: str | None = None\n"
        _change(self.next / "tradefree" / "tasks" / "task.py", field, f"    {COLUMN}: str | None = None\n{field}")
        migration = self.next / "tradefree" / "database" / "migrations" / "versions" / "next.py"
        migration.write_text(_MIGRATION.format(head=head(), oldest=oldest or head()))
        self.current.symlink_to(self.this)

    def switch(self) -> None:
        """Let ``current`` be the next one, in one step."""
        link = self.current.with_name("new")
        link.symlink_to(self.next)
        link.replace(self.current)


def _change(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert text.count(old) == 1, f"{file.name} is not what this test thinks it is"
    file.write_text(text.replace(old, new))
