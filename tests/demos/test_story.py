"""The distributed demo says precisely what is not as promised, and ends with 1 then."""

from __future__ import annotations

import io
from dataclasses import replace

from rich.console import Console

from demo_distributed import story
from demo_distributed.__main__ import conclude
from demo_distributed.facts import Facts
from demo_distributed.shop import Shop
from demo_distributed.timeline import Timeline
from demos.scenes import ACCEPTED, BEGAN, WORK, a_strike, the_facts


async def told(facts: Facts) -> tuple[int, str]:
    """The exit code and everything printed, in 80 columns."""
    console = Console(file=io.StringIO(), width=80, highlight=False)
    strikes = [a_strike("leader", victim="service-1"), a_strike(), a_strike("redis", victim="Redis")]
    shop = Shop(None, [], WORK)  # type: ignore[arg-type]
    shop.accepted.update(ACCEPTED)
    promises = story.tell(console, facts, WORK, shop, Timeline(BEGAN, strikes))
    code = conclude(promises, console)
    assert isinstance(console.file, io.StringIO)
    return code, console.file.getvalue()


async def test_a_good_end() -> None:
    code, text = await told(the_facts())
    assert code == 0
    assert "Everything was as promised." in text
    assert "worker-1" in text
    assert "20.5 s" in text
    assert "1 re-attached instead of started again" in " ".join(text.replace("│", " ").split())
    assert max(len(line) for line in text.splitlines()) <= 80


async def test_a_bad_end_names_the_task() -> None:
    facts = the_facts()
    failed = replace(facts.tasks["note"], status="failed", error_message="No room [at all].")
    code, text = await told(replace(facts, tasks={**facts.tasks, "note": failed}))
    assert code == 1
    assert "note: failed: No room [at all]." in text
    assert "1 of 8 promises were broken: every task completed" in text


async def test_many_broken_ones_are_counted() -> None:
    facts = the_facts()
    nothing = {id_: replace(task, output_data=None) for id_, task in facts.tasks.items()}
    more = {f"more-{n}": replace(facts.tasks["note"], id=f"more-{n}", output_data=None) for n in range(4)}
    code, text = await told(replace(facts, tasks={**nothing, **more}))
    assert code == 1
    assert "and 4 more" in text
