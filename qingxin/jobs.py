"""Durable work: what has to be done once more if it was not finished, after a crash too.

A job is done at least once, by one process at a time (it holds a lease), and again with
growing pauses until it succeeds; so whoever does it must be able to repeat it.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import msgspec
from msgspec import Struct

from qingxin import ids
from qingxin.clock import Clock
from qingxin.store.database import Database, Write, sql

LEASE = 30_000  # milliseconds after which the work of a process that died is taken over
GRACE = 30_000  # milliseconds a promise waits for whoever made it
SHORTEST_PAUSE, LONGEST_PAUSE = 1_000, 3_600_000  # milliseconds between attempts
AT_ONCE = 4  # jobs that one process does at the same time
LOOK_EVERY = 10.0  # seconds between looks for what other processes have put here

PUT = """
    INSERT INTO jobs (job_id, kind, payload, due) VALUES (:job_id, :kind, :payload, :due)
    ON CONFLICT (job_id) DO UPDATE SET payload = excluded.payload, due = excluded.due,
        attempts = 0, version = jobs.version + 1
"""
TAKE = """
    UPDATE jobs SET lease = :lease, leased_until = :until, attempts = attempts + 1
    WHERE due <= :now AND leased_until <= :now AND job_id IN (
        SELECT job_id FROM jobs
        WHERE due <= :now AND leased_until <= :now AND kind IN :kinds ORDER BY due LIMIT 1
    )
    RETURNING job_id, kind, payload, attempts, version, lease
"""
NEXT = """
    SELECT min(CASE WHEN due > leased_until THEN due ELSE leased_until END)
    FROM jobs WHERE kind IN :kinds
"""
RENEW = "UPDATE jobs SET leased_until = :until WHERE job_id = :job_id AND lease = :lease"
FINISH = "DELETE FROM jobs WHERE job_id = :job_id AND lease = :lease AND version = :version"
VERSION = "SELECT version FROM jobs WHERE job_id = :job_id"
DROP = "DELETE FROM jobs WHERE job_id = :job_id AND version = :version"
PUT_OFF = (
    "UPDATE jobs SET due = :due WHERE job_id = :job_id AND lease = :lease AND version = :version"
)
RELEASE = "UPDATE jobs SET lease = NULL, leased_until = 0 WHERE job_id = :job_id AND lease = :lease"

Take = Callable[..., Awaitable[object]]
logger = logging.getLogger("qingxin.jobs")


class Job(Struct, frozen=True):
    """A job that this process holds the lease of."""

    job_id: str
    kind: str
    payload: bytes
    attempts: int
    version: int
    lease: str


class Jobs:
    """Takes work, keeps it, and has it done by those who know its kind."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._takers: dict[str, Take] = {}
        self._waking = asyncio.Event()

    def on(self, kind: str, take: Take) -> None:
        """Have jobs of this kind done by `take`, which is given the payload by name."""
        self._takers[kind] = take

    async def put(self, kind: str, payload: dict[str, Any], *, key: str = "", due: int = 0) -> None:
        """Have something done at the time `due` (ms) or soon after.

        Work with the same `key` is one job: the latest wish holds, and what is being done at
        this moment is done once more.
        """
        await self._database.write(queued(kind, payload, key=key, due=due))
        self.wake()

    def wake(self) -> None:
        """Look for work now, e.g. after a write with `queued` in it."""
        self._waking.set()

    def promised(self, kind: str, payload: dict[str, Any], *, key: str) -> Write:
        """A job for the case that whoever makes this write does not come to do it."""
        return queued(kind, payload, key=key, due=self._clock.now() + GRACE)

    @asynccontextmanager
    async def keep(self, kind: str, *, key: str) -> AsyncIterator[None]:
        """Do here what was promised: if it succeeds, and is not wished for anew, it is done."""
        job_id = _name(kind, key)
        row = await self._database.one(VERSION, job_id=job_id)
        yield
        if row is not None:
            await self._database.write(sql(DROP, job_id=job_id, version=row[0]))

    @asynccontextmanager
    async def promise(self, kind: str, payload: dict[str, Any], *, key: str) -> AsyncIterator[None]:
        """Have the job done later if what stands in the context fails, or the process dies."""
        await self._database.write(self.promised(kind, payload, key=key))
        async with self.keep(kind, key=key):
            yield

    async def run(self) -> None:
        """Do what is due, for ever."""
        room = asyncio.Semaphore(AT_ONCE)

        async def perform(job: Job) -> None:
            try:
                await self._perform(job)
            finally:
                room.release()

        async with asyncio.TaskGroup() as tasks:
            while True:
                await room.acquire()
                tasks.create_task(perform(await self._next()))

    async def _next(self) -> Job:
        """Wait for a job and take its lease."""
        while True:
            self._waking.clear()
            try:
                if (job := await self._take()) is not None:
                    return job
                seconds = await self._seconds_to_wait()
            except Exception:
                logger.exception("Looking for jobs failed")
                seconds = LOOK_EVERY
            # Not wait_for: before Python 3.12 it can swallow a cancellation.
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._waking.wait()

    async def _take(self) -> Job | None:
        now, lease = self._clock.now(), ids.opaque()
        (rows,) = await self._database.write(
            sql(TAKE, lease=lease, until=now + LEASE, now=now, kinds=list(self._takers))
        )
        return Job(*rows[0]) if rows else None

    async def _seconds_to_wait(self) -> float:
        row = await self._database.one(NEXT, kinds=list(self._takers))
        if row is None or row[0] is None:
            return LOOK_EVERY
        milliseconds: int = row[0] - self._clock.now()
        return min(max(milliseconds / 1000, 0.01), LOOK_EVERY)

    async def _perform(self, job: Job) -> None:
        renewing = asyncio.create_task(self._renew(job))
        try:
            await self._takers[job.kind](**msgspec.json.decode(job.payload))
        except asyncio.CancelledError:
            await self._end(job, sql(RELEASE, **_held(job)))
            raise
        except Exception:
            logger.exception("Job %s failed, attempt %d", job.job_id, job.attempts)
            due = self._clock.now() + _pause(job.attempts)
            await self._end(job, sql(PUT_OFF, due=due, version=job.version, **_held(job)))
        else:
            await self._end(job, sql(FINISH, version=job.version, **_held(job)))
        finally:
            renewing.cancel()

    async def _renew(self, job: Job) -> None:
        while True:
            await asyncio.sleep(LEASE / 3000)
            with suppress(Exception):  # it is tried again, and the lease is longer
                until = self._clock.now() + LEASE
                await self._database.write(sql(RENEW, until=until, **_held(job)))

    async def _end(self, job: Job, outcome: Write) -> None:
        """Write down how it went, and let go of the lease if the job is still there."""
        try:
            await self._database.write(outcome, sql(RELEASE, **_held(job)))
        except Exception:
            logger.exception("Job %s is done again: its outcome could not be kept", job.job_id)
        self.wake()


def queued(kind: str, payload: dict[str, Any], *, key: str = "", due: int = 0) -> Write:
    """A job as part of a write, so that it is put exactly if the rest is kept."""
    job_id = _name(kind, key or ids.opaque())
    return sql(PUT, job_id=job_id, kind=kind, payload=msgspec.json.encode(payload), due=due)


def _name(kind: str, key: str) -> str:
    return f"{kind} {key}"


def _held(job: Job) -> dict[str, str]:
    return {"job_id": job.job_id, "lease": job.lease}


def _pause(attempts: int) -> int:
    return int(min(SHORTEST_PAUSE * 2 ** min(attempts - 1, 30), LONGEST_PAUSE))
