"""What every database has to do. The same story runs on each of them."""

import asyncio

import pytest

from qingxin.errors import MatrixError
from qingxin.store.database import (
    ConstraintViolated,
    Database,
    Insert,
    NothingReturned,
    Unstorable,
    must,
    sql,
)
from tests.store.table import COLUMNS, COUNT, EVERY

ADD = "INSERT INTO things (name, number, raw) VALUES (:name, :number, :raw)"
MOVE = "UPDATE things SET number = :number WHERE name = :name RETURNING number"
COUNT_UP = "(name) DO UPDATE SET number = things.number + excluded.number"
NUMBERS = [0, -1, 2**31, 2**53, 2**63 - 1, -(2**63), None]
RAW = [b"", b"\x00", b'{"body":"\xe4\xbd\xa0"}', bytes(range(256)), None]
TEXTS = [
    "",
    "清信",
    "👩‍👩‍👧‍👦",
    "O'Brien; DROP TABLE things --",
    ":name",
    "\u200f\ufeff",
    "a" * 255,
]
OVERWRITE = "(name) DO UPDATE SET number = excluded.number, raw = excluded.raw"


def rows(*names: str) -> Insert:
    return Insert("things", COLUMNS, [(name, len(name), None) for name in names])


async def names(database: Database) -> list[str]:
    return [row[0] for row in await database.all(EVERY)]


async def test_what_was_written_is_read_at_once(things: Database) -> None:
    await things.write(sql(ADD, name="alice", number=1, raw=b"\x00\xff"))
    assert await things.one(EVERY) == ("alice", 1, b"\x00\xff")
    assert await things.scan(EVERY) == [("alice", 1, b"\x00\xff")]


async def test_rows_are_plain_tuples(things: Database) -> None:
    await things.write(rows("alice"))
    assert [type(row) for row in await things.all(EVERY)] == [tuple]


async def test_nothing_found_is_none(things: Database) -> None:
    assert await things.one(EVERY) is None
    assert await things.all(EVERY) == []


async def test_a_write_returns_the_rows_of_every_statement(things: Database) -> None:
    returned = await things.write(
        rows("alice", "bob"),
        must(MOVE, name="alice", number=7),
        sql(MOVE, name="nobody", number=7),
        Insert("things", COLUMNS, [("carol", 3, None)], "(name) DO NOTHING RETURNING name"),
    )
    assert returned == [[], [(7,)], [], [("carol",)]]


async def test_many_statements_of_one_kind_are_run_in_their_order(things: Database) -> None:
    await things.write(rows("alice"))
    times_ten = "UPDATE things SET number = number * 10 + :digit WHERE name = :name"
    digits = [sql(times_ten, name="alice", digit=digit) for digit in range(1, 7)]
    raw = sql("UPDATE things SET raw = :raw WHERE name = 'alice'", raw=b"x")
    returned = await things.write(*digits[:3], raw, *digits[3:], sql(COUNT))
    assert returned == [*([[]] * 7), [(1,)]]
    assert await things.all(EVERY) == [("alice", 5123456, b"x")]
    with pytest.raises(NothingReturned) as refused:
        await things.write(*digits, must(MOVE, name="nobody", number=1))
    assert refused.value.index == 6
    assert await things.all(EVERY) == [("alice", 5123456, b"x")]


async def test_a_must_that_finds_nothing_undoes_its_whole_write(things: Database) -> None:
    await things.write(rows("alice"))
    with pytest.raises(NothingReturned) as refused:
        await things.write(
            must(MOVE, name="alice", number=7), rows("bob"), must(MOVE, name="nobody", number=7)
        )
    assert refused.value.index == 2
    assert await things.all(EVERY) == [("alice", 5, None)]


async def test_a_lone_must_that_finds_nothing_is_refused(things: Database) -> None:
    with pytest.raises(NothingReturned) as refused:
        await things.write(must(MOVE, name="nobody", number=7))
    assert refused.value.index == 0


async def test_a_second_row_with_the_same_key_undoes_its_whole_write(things: Database) -> None:
    await things.write(rows("alice"))
    with pytest.raises(ConstraintViolated):
        await things.write(rows("bob"), rows("carol", "alice"))
    assert await names(things) == ["alice"]


async def test_a_failing_write_hurts_no_other_one(things: Database) -> None:
    await things.write(rows("taken"))
    outcomes = await asyncio.gather(
        *(things.write(rows(f"fine{i}")) for i in range(20)),
        things.write(rows("before", "taken")),
        things.write(must(MOVE, name="nobody", number=1)),
        *(things.write(rows(f"late{i}")) for i in range(20)),
        return_exceptions=True,
    )
    failed = [type(each) for each in outcomes if isinstance(each, Exception)]
    assert failed == [ConstraintViolated, NothingReturned]
    assert len(await names(things)) == 41
    assert "before" not in await names(things)


async def test_sql_that_makes_no_sense_hurts_no_other_write(things: Database) -> None:
    outcomes = await asyncio.gather(
        things.write(rows("alice")),
        things.write(rows("bob"), sql("INSERT INTO nowhere (a) VALUES (1)")),
        things.write(rows("carol")),
        return_exceptions=True,
    )
    assert [isinstance(each, Exception) for each in outcomes] == [False, True, False]
    assert not isinstance(outcomes[1], MatrixError)  # it is our mistake, not the client's
    assert await names(things) == ["alice", "carol"]


async def test_whole_numbers_have_64_bits(things: Database) -> None:
    for i, number in enumerate(NUMBERS):
        await things.write(sql(ADD, name=f"a{i}", number=number, raw=None))
    await things.write(
        Insert("things", COLUMNS, [(f"b{i}", n, None) for i, n in enumerate(NUMBERS)])
    )
    assert [row[1] for row in await things.all(EVERY)] == [*NUMBERS, *NUMBERS]


async def test_sums_of_parameters_have_64_bits(database: Database) -> None:
    assert await database.one("SELECT :number + 1", number=2**40) == (2**40 + 1,)


async def test_bytes_stay_what_they_are(things: Database) -> None:
    for i, raw in enumerate(RAW):
        await things.write(sql(ADD, name=f"a{i}", number=1, raw=raw))
    await things.write(Insert("things", COLUMNS, [(f"b{i}", 1, raw) for i, raw in enumerate(RAW)]))
    assert [row[2] for row in await things.all(EVERY)] == [*RAW, *RAW]


async def test_text_stays_what_it_is(things: Database) -> None:
    for text in TEXTS:
        await things.write(sql(ADD, name=text, number=1, raw=None))
    assert {row[0] for row in await things.all(EVERY)} == set(TEXTS)
    await things.write(sql("DELETE FROM things"))
    await things.write(Insert("things", COLUMNS, [(text, 1, None) for text in TEXTS]))
    assert {row[0] for row in await things.all(EVERY)} == set(TEXTS)
    for text in TEXTS:
        assert await things.one("SELECT name FROM things WHERE name = :t", t=text) == (text,)
        assert await things.one("SELECT name FROM things WHERE name IN :t", t=[text]) == (text,)


async def test_text_is_ordered_by_its_code_points(database: Database) -> None:
    for user in ("ä", "B", "a", "_", "清", "A"):
        await database.write(
            sql(
                "INSERT INTO aliases (alias, room_id, creator) VALUES (:alias, 'room', 'alice')",
                alias=user,
            )
        )
    found = await database.all("SELECT alias FROM aliases ORDER BY alias")
    assert [row[0] for row in found] == ["A", "B", "_", "a", "ä", "清"]


async def test_text_that_no_database_can_hold_is_the_clients_mistake(things: Database) -> None:
    for text in ("a\0b", "\ud800", "\0"):
        with pytest.raises(Unstorable):
            await things.write(sql(ADD, name=text, number=1, raw=None))
        with pytest.raises(Unstorable):
            await things.write(Insert("things", COLUMNS, [("fine", 1, None), (text, 1, None)]))
    assert await things.all(EVERY) == []


async def test_numbers_beyond_64_bits_are_the_clients_mistake(things: Database) -> None:
    for number in (2**63, -(2**63) - 1, 2**64, 10**30):
        with pytest.raises(Unstorable):
            await things.write(sql(ADD, name="alice", number=number, raw=None))
        with pytest.raises(Unstorable):
            await things.write(Insert("things", COLUMNS, [("alice", number, None)]))
        with pytest.raises(Unstorable):
            await things.all("SELECT name FROM things WHERE number = :number", number=number)
    assert await things.all(EVERY) == []


async def test_true_and_false_are_one_and_nought(things: Database) -> None:
    await things.write(sql(ADD, name="yes", number=True, raw=None))
    await things.write(Insert("things", COLUMNS, [("no", False, None)]))
    assert await things.all(EVERY) == [("no", 0, None), ("yes", 1, None)]
    assert await things.one("SELECT EXISTS (SELECT 1 FROM things)") == (1,)
    assert type((await things.one("SELECT EXISTS (SELECT 1 FROM things)") or ())[0]) is int


async def test_sums_are_whole_numbers(things: Database) -> None:
    await things.write(rows("a", "bb", "ccc"))
    row = await things.one("SELECT sum(number), count(*), max(number) FROM things")
    assert row == (6, 3, 3)
    assert [type(value) for value in row or ()] == [int, int, int]


async def test_a_list_is_looked_up_with_in(things: Database) -> None:
    await things.write(rows("a", "bb", "ccc", "清信清信"))
    by_name = "SELECT name FROM things WHERE name IN :names ORDER BY name"
    by_number = "SELECT name FROM things WHERE number IN :numbers ORDER BY name"
    others = "SELECT name FROM things WHERE name NOT IN :names ORDER BY name"
    assert await things.all(by_name, names=["ccc", "清信清信", "zz"]) == [("ccc",), ("清信清信",)]
    assert await things.all(by_number, numbers=(1, 3)) == [("a",), ("ccc",)]
    assert await things.all(by_number, numbers={2}) == [("bb",)]
    assert await things.all(others, names=["a", "bb"]) == [("ccc",), ("清信清信",)]


async def test_bytes_are_looked_up_with_in(things: Database) -> None:
    await things.write(Insert("things", COLUMNS, [("a", 1, b"\x00\xff"), ("b", 2, b"x")]))
    found = "SELECT name FROM things WHERE raw IN :hashes"
    assert await things.all(found, hashes=[b"\x00\xff", b"y"]) == [("a",)]


async def test_nothing_is_in_the_empty_list(things: Database) -> None:
    await things.write(rows("a"))
    assert await things.all("SELECT name FROM things WHERE name IN :n", n=[]) == []
    assert await things.all("SELECT name FROM things WHERE number IN :n", n=[]) == []
    assert await things.all("SELECT name FROM things WHERE number NOT IN :n", n=[]) == [("a",)]


async def test_a_long_list_is_looked_up(things: Database) -> None:
    everyone = [f"user{i:05}" for i in range(40_000)]
    await things.write(rows("user00000", "user39999"))
    found = await things.all("SELECT name FROM things WHERE name IN :n ORDER BY name", n=everyone)
    assert found == [("user00000",), ("user39999",)]


async def test_lists_work_in_writes(things: Database) -> None:
    await things.write(rows("a", "bb", "ccc"))
    [gone] = await things.write(
        sql("DELETE FROM things WHERE name IN :names RETURNING name", names=["a", "ccc"])
    )
    assert sorted(gone) == [("a",), ("ccc",)]
    assert await names(things) == ["bb"]


async def test_a_parameter_may_be_null_in_a_condition(things: Database) -> None:
    await things.write(rows("a", "bb"))
    query = "SELECT name FROM things WHERE :name IS NULL OR name = :name ORDER BY name"
    assert await things.all(query, name=None) == [("a",), ("bb",)]
    assert await things.all(query, name="bb") == [("bb",)]


async def test_a_row_is_inserted_on_a_condition(things: Database) -> None:
    once = """
        INSERT INTO things (name, number, raw) SELECT :name, :number, :raw
        WHERE NOT EXISTS (SELECT 1 FROM things WHERE number = :number) RETURNING name
    """
    assert await things.write(sql(once, name="a", number=2**40, raw=b"")) == [[("a",)]]
    assert await things.write(sql(once, name="b", number=2**40, raw=b"")) == [[]]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 127, 128, 511, 513, 2000])
async def test_many_rows_are_inserted_in_one_write(things: Database, count: int) -> None:
    made = [(f"thing{i:04}", i, str(i).encode()) for i in range(count)]
    conflict = "(name) DO NOTHING RETURNING number"
    [returned] = await things.write(Insert("things", COLUMNS, made, conflict))
    assert sorted(row[0] for row in returned) == list(range(count))
    assert await things.all(EVERY) == made


@pytest.mark.parametrize("count", [1, 2000])
async def test_rows_that_are_there_already_are_changed(things: Database, count: int) -> None:
    await things.write(Insert("things", COLUMNS, [(f"{i}", 1, b"old") for i in range(0, count, 2)]))
    await things.write(
        Insert("things", COLUMNS, [(f"{i}", 2, b"new") for i in range(count)], OVERWRITE)
    )
    found = await things.all("SELECT number, raw, count(*) FROM things GROUP BY number, raw")
    assert found == [(2, b"new", count)]


async def test_of_equal_keys_in_one_insert_the_last_row_stays(things: Database) -> None:
    twice = [("alice", 1, b"a"), ("bob", 5, None), ("alice", 2, b"b")]
    await things.write(Insert("things", COLUMNS, twice, OVERWRITE))
    assert await things.all(EVERY) == [("alice", 2, b"b"), ("bob", 5, None)]


async def test_equal_keys_in_one_insert_add_up(things: Database) -> None:
    twice = [("alice", 1, b"a"), ("bob", 5, None), ("alice", 2, b"b"), ("alice", 4, b"c")]
    await things.write(Insert("things", COLUMNS, twice, COUNT_UP))
    assert await things.all(EVERY) == [("alice", 7, b"a"), ("bob", 5, None)]


async def test_rows_without_conflict_clause_are_refused_together(things: Database) -> None:
    with pytest.raises(ConstraintViolated):
        await things.write(rows("alice", "bob", "alice"))
    assert await names(things) == []


async def test_two_hundred_writes_at_once_are_all_kept(things: Database) -> None:
    await asyncio.gather(*(things.write(rows(f"n{i}")) for i in range(200)))
    assert await things.one(COUNT) == (200,)


async def test_one_row_changed_by_many_at_once_loses_nothing(things: Database) -> None:
    await things.write(sql(ADD, name="counter", number=0, raw=None))
    add = "UPDATE things SET number = number + :step WHERE name = 'counter' RETURNING number"
    results = await asyncio.gather(*(things.write(must(add, step=1)) for _ in range(50)))
    assert sorted(rows[0][0] for [rows] in results) == list(range(1, 51))


async def test_rows_locked_in_opposite_orders_are_all_written(things: Database) -> None:
    await things.write(rows("a", "b"))
    add = "UPDATE things SET number = number + 1 WHERE name = :name"
    await asyncio.gather(
        *(things.write(sql(add, name="a"), sql(add, name="b")) for _ in range(3)),
        *(things.write(sql(add, name="b"), sql(add, name="a")) for _ in range(3)),
    )
    assert await things.all(EVERY) == [("a", 7, None), ("b", 7, None)]


async def test_a_cancelled_write_is_kept_whole_or_not_at_all(things: Database) -> None:
    writing = [asyncio.create_task(things.write(rows(f"a{i}", f"b{i}"))) for i in range(20)]
    await asyncio.sleep(0)
    for task in writing[::2]:
        task.cancel()
    await asyncio.gather(*writing, return_exceptions=True)
    await things.write(rows("last"))
    found = set(await names(things))
    assert all((f"a{i}" in found) == (f"b{i}" in found) for i in range(20))
    assert {f"a{i}" for i in range(1, 20, 2)} < found


async def test_the_head_moves_only_with_a_commit(things: Database) -> None:
    async with things.head(0) as head:
        assert head.number == 0
        await head.commit(3, [rows("alice")])
    async with things.head(0) as head:
        assert head.number == 3
    assert await names(things) == ["alice"]
    assert await things.one("SELECT number FROM log_heads WHERE shard = 0") == (3,)


async def test_a_refused_commit_leaves_the_head_where_it_was(things: Database) -> None:
    await things.write(rows("taken"))
    with pytest.raises(ConstraintViolated):
        async with things.head(0) as head:
            await head.commit(2, [rows("alice", "taken")])
    with pytest.raises(NothingReturned):
        async with things.head(0) as head:
            await head.commit(2, [must(MOVE, name="nobody", number=1)])
    async with things.head(0) as head:
        assert head.number == 0
        await head.commit(1, [rows("bob")])
    assert await names(things) == ["bob", "taken"]


async def test_the_head_is_held_by_one_at_a_time(database: Database) -> None:
    async def advance() -> None:
        async with database.head(0) as head:
            await asyncio.sleep(0)
            await head.commit(head.number + 1, [])

    await asyncio.gather(*(advance() for _ in range(30)))
    async with database.head(0) as head:
        assert head.number == 30


async def test_a_shard_that_does_not_exist_has_no_head(database: Database) -> None:
    with pytest.raises(NothingReturned):
        async with database.head(7):
            pass


async def test_a_cancelled_commit_never_gives_a_number_twice(things: Database) -> None:
    async def advance(name: str) -> None:
        async with things.head(0) as head:
            await head.commit(
                head.number + 1, [Insert("things", COLUMNS, [(name, head.number + 1, None)])]
            )

    for turn in range(20):
        task = asyncio.create_task(advance(f"cancelled{turn}"))
        for _ in range(turn):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await advance(f"kept{turn}")
    numbers = [row[0] for row in await things.all("SELECT number FROM things ORDER BY number")]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= 20


async def test_reading_goes_on_while_the_head_is_held(things: Database) -> None:
    async with things.head(0) as head:
        await things.write(rows("alice"))
        assert await names(things) == ["alice"]
        await head.commit(1, [rows("bob")])
    assert await names(things) == ["alice", "bob"]


async def test_a_database_knows_its_size(things: Database) -> None:
    before = await things.size()
    await things.write(Insert("things", COLUMNS, [(f"{i}", i, b"x" * 1000) for i in range(2000)]))
    assert 0 < before < await things.size()
