"""A process that appends to the line until it is killed, and prints what was acknowledged."""

import asyncio
import os
import sys
from pathlib import Path

from qingxin.store.database import Database
from qingxin.store.line import Line
from qingxin.store.postgres import Postgres
from qingxin.store.sqlite import SQLite
from tests.store.table import thing

SPEAKERS = 20


async def main(where: str, name: str) -> None:
    database: Database
    if where.startswith("postgres"):
        database = await Postgres(where).open()
    else:
        database = await SQLite(Path(where)).open()
    line = Line(database)

    async def speak(who: int) -> None:
        turn = 0
        while True:
            turn += 1
            number = await line.append(thing(f"{name}-{who}-{turn}"))
            os.write(1, f"{number} {name}-{who}-{turn}\n".encode())

    await asyncio.gather(line.run(), *(speak(who) for who in range(SPEAKERS)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
