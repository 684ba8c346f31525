"""Counts what a running server asks of its database on behalf of requests."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Any

from qingxin.store import notes
from qingxin.store.database import Head, Insert, Write

# Whose statements count: requests, and the line that commits for them. What else the server
# does (sightings, jobs, followers) goes on at its own pace.
COUNTED = ("run_asgi", "Line.run", "Log._append_once", "Log.append")

AGAIN = "FROM tokens"  # who calls is looked up anew every few seconds


class Count:
    """What happened meanwhile: the text of every read, and of every statement by transaction."""

    def __init__(self) -> None:
        self.reads: list[str] = []
        self.transactions: list[list[str]] = []

    def __repr__(self) -> str:
        return f"<transactions {self.transactions}, reads {self.reads}>"

    @property
    def costs(self) -> tuple[int, list[int]]:
        """For comparisons: how many reads, statements in each transaction."""
        return len(self.reads), [len(statements) for statements in self.transactions]


class CountingHead:
    """The end of a line, counting the commit."""

    def __init__(self, database: Any, head: Head, count: Count) -> None:
        self._database, self._head, self._count = database, head, count
        self.number = head.number

    async def commit(self, number: int, writes: Sequence[Write]) -> None:
        self._count.transactions.append(_texts(writes))
        with _uncounted(self._database):
            await self._head.commit(number, writes)


@contextmanager
def counting(database: Any) -> Iterator[Count]:
    """Count what `database` is asked inside the context."""
    count = Count()

    def reading(name: str) -> Callable[..., Any]:
        ask = getattr(type(database), name)

        async def asked(sql: str, **params: Any) -> Any:
            if _counts() and AGAIN not in sql:
                count.reads.append(" ".join(sql.split()))
            # Past ourselves, since `one` may ask `all`.
            with _uncounted(database):
                return await ask(database, sql, **params)

        return asked

    async def write(*writes: Write) -> Any:
        if _counts():
            count.transactions.append(_texts(writes))
        return await type(database).write(database, *writes)

    def head(shard: int) -> AbstractAsyncContextManager[Any]:
        @asynccontextmanager
        async def held() -> Any:
            with _uncounted(database):
                context = type(database).head(database, shard)
                head = await context.__aenter__()
            try:
                yield CountingHead(database, head, count)
            except BaseException as error:
                if not await context.__aexit__(type(error), error, error.__traceback__):
                    raise
            else:
                await context.__aexit__(None, None, None)

        return held()

    replaced = {
        "all": reading("all"), "one": reading("one"), "scan": reading("scan"),
        "write": write, "head": head,
    }  # fmt: skip
    database.__dict__.update(replaced)
    try:
        yield count
    finally:
        for name in replaced:
            database.__dict__.pop(name, None)


@contextmanager
def _uncounted(database: Any) -> Iterator[None]:
    _inside.add(id(asyncio.current_task()))
    try:
        yield
    finally:
        _inside.discard(id(asyncio.current_task()))


_inside: set[int] = set()


def _texts(writes: Sequence[Write]) -> list[str]:
    """The statements, but not those that remove old notes now and then."""
    texts = [f"INSERT INTO {w.table}" if isinstance(w, Insert) else w.sql for w in writes]
    return [text for text in texts if text != notes.CLEAR]


def _counts() -> bool:
    task = asyncio.current_task()
    if task is None or id(task) in _inside:
        return False
    name = getattr(task.get_coro(), "__qualname__", "")
    return name.endswith(COUNTED)
