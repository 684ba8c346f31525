"""Work is done at least once, by one at a time, and again until it succeeds."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from qingxin import jobs as jobs_module
from qingxin.clock import HandClock
from qingxin.jobs import LEASE, Jobs, queued
from qingxin.store.database import Database, NothingReturned, must


class Diary:
    """Writes down what it was told to do; `fail` says how often it fails first."""

    def __init__(self, fail: int = 0) -> None:
        self.done: list[str] = []
        self.tried = asyncio.Semaphore(0)
        self.fail = fail

    async def write(self, text: str) -> None:
        self.tried.release()
        if self.fail:
            self.fail -= 1
            raise RuntimeError("no ink")
        self.done.append(text)

    async def attempts(self, number: int) -> None:
        for _ in range(number):
            await self.tried.acquire()


@asynccontextmanager
async def working(*all_jobs: Jobs) -> AsyncIterator[None]:
    running = [asyncio.create_task(jobs.run()) for jobs in all_jobs]
    yield
    for task in running:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def left(database: Database) -> int:
    rows = await database.all("SELECT count(*) FROM jobs")
    return int(rows[0][0])


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    while not await condition():
        await asyncio.sleep(0.01)


async def emptied(database: Database) -> None:
    async def empty() -> bool:
        return await left(database) == 0

    await until(empty)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


async def test_work_is_done_and_then_forgotten(database: Database, clock: HandClock) -> None:
    jobs, diary = Jobs(database, clock), Diary()
    jobs.on("write", diary.write)
    await jobs.put("write", {"text": "before"})
    async with working(jobs):
        await jobs.put("write", {"text": "after"})
        await diary.attempts(2)
        await emptied(database)
    assert sorted(diary.done) == ["after", "before"]


async def test_work_waits_for_its_time(database: Database, clock: HandClock) -> None:
    jobs, diary = Jobs(database, clock), Diary()
    jobs.on("write", diary.write)
    await jobs.put("write", {"text": "later"}, due=clock.now() + 5_000)
    async with working(jobs):
        await jobs.put("write", {"text": "now"})
        await diary.attempts(1)
        clock.move(5_000)
        jobs.wake()
        await diary.attempts(1)
        await emptied(database)
    assert diary.done == ["now", "later"]


async def test_what_fails_is_tried_again_after_a_pause(
    database: Database, clock: HandClock
) -> None:
    jobs, diary = Jobs(database, clock), Diary(fail=2)
    jobs.on("write", diary.write)
    async with working(jobs):
        await jobs.put("write", {"text": "at last"})
        for pause in (1_000, 2_000):
            await diary.attempts(1)

            async def put_off(due: int = clock.now() + pause) -> bool:
                row = await database.one("SELECT due, leased_until FROM jobs")
                return row == (due, 0)

            await until(put_off)
            clock.move(pause)
            jobs.wake()
        await diary.attempts(1)
        await emptied(database)
    assert diary.done == ["at last"]


async def test_work_with_the_same_key_is_one_job(database: Database, clock: HandClock) -> None:
    jobs, diary = Jobs(database, clock), Diary()
    jobs.on("write", diary.write)
    for text in ("first", "second"):
        await jobs.put("write", {"text": text}, key="diary")
    async with working(jobs):
        await emptied(database)
    assert diary.done == ["second"]


async def test_what_is_wished_for_while_it_is_done_is_done_again(
    database: Database, clock: HandClock
) -> None:
    jobs, done = Jobs(database, clock), []

    async def write(text: str) -> None:
        if not done:
            await jobs.put("write", {"text": "again"}, key="diary")
        done.append(text)

    jobs.on("write", write)
    await jobs.put("write", {"text": "once"}, key="diary")
    async with working(jobs):
        await emptied(database)
    assert done == ["once", "again"]


async def test_two_processes_never_do_the_same_work(database: Database, clock: HandClock) -> None:
    diary = Diary()
    both = [Jobs(database, clock), Jobs(database, clock)]
    for jobs in both:
        jobs.on("write", diary.write)
    for number in range(40):
        await both[0].put("write", {"text": str(number)})
    async with working(*both):
        await emptied(database)
    assert sorted(diary.done, key=int) == [str(number) for number in range(40)]


async def test_the_work_of_a_killed_process_is_taken_over(
    database: Database, clock: HandClock
) -> None:
    killed, survivor, diary = Jobs(database, clock), Jobs(database, clock), Diary()
    killed.on("write", diary.write)
    survivor.on("write", diary.write)
    await killed.put("write", {"text": "saved"})
    assert await killed._take() is not None  # and then it is no more
    assert await survivor._take() is None
    clock.move(LEASE)
    async with working(survivor):
        await emptied(database)
    assert diary.done == ["saved"]


async def test_work_that_takes_long_keeps_its_lease(
    database: Database, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs_module, "LEASE", 30)
    jobs, other = Jobs(database, clock), Jobs(database, clock)
    begun, over = asyncio.Event(), asyncio.Event()

    async def write() -> None:
        begun.set()
        await over.wait()

    jobs.on("write", write)
    other.on("write", write)
    await jobs.put("write", {})
    async with working(jobs):
        await begun.wait()
        clock.move(29)

        async def renewed() -> bool:
            row = await database.one("SELECT leased_until FROM jobs")
            return row == (clock.now() + 30,)

        await until(renewed)
        clock.move(2)
        assert await other._take() is None
        over.set()
        await emptied(database)


async def test_work_that_is_cut_short_can_be_taken_at_once(
    database: Database, clock: HandClock
) -> None:
    jobs, begun = Jobs(database, clock), asyncio.Event()

    async def write() -> None:
        begun.set()
        await asyncio.Event().wait()

    jobs.on("write", write)
    await jobs.put("write", {})
    async with working(jobs):
        await begun.wait()
    assert await jobs._take() is not None


async def test_a_kept_promise_leaves_nothing_to_do(database: Database, clock: HandClock) -> None:
    jobs = Jobs(database, clock)
    async with jobs.promise("write", {"text": "soon"}, key="diary"):
        assert await left(database) == 1
    assert await left(database) == 0


async def test_a_broken_promise_is_kept_later(database: Database, clock: HandClock) -> None:
    jobs, diary = Jobs(database, clock), Diary()
    jobs.on("write", diary.write)
    with pytest.raises(RuntimeError):
        async with jobs.promise("write", {"text": "late"}, key="diary"):
            raise RuntimeError("no ink")
    assert await jobs._take() is None
    clock.move(jobs_module.GRACE)
    async with working(jobs):
        await emptied(database)
    assert diary.done == ["late"]


async def test_a_promise_that_was_made_again_meanwhile_stays(
    database: Database, clock: HandClock
) -> None:
    jobs = Jobs(database, clock)
    async with jobs.promise("write", {"text": "one"}, key="diary"):
        await jobs.put("write", {"text": "two"}, key="diary")
    assert await left(database) == 1


async def test_a_job_is_put_exactly_if_the_rest_of_the_write_is_kept(
    database: Database, clock: HandClock
) -> None:
    nothing = must("UPDATE jobs SET due = 0 WHERE job_id = :job_id RETURNING due", job_id="none")
    with pytest.raises(NothingReturned):
        await database.write(queued("write", {"text": "x"}), nothing)
    assert await left(database) == 0
