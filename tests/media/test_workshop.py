"""Hostile files hurt nobody: the worker dies or refuses, the next picture is made as ever."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from qingxin.media.orders import Order
from qingxin.media.workshop import HOME, Failed, Workshop
from tests.media import samples
from tests.media.acts import until

MiB = 1024 * 1024
Ordered = Callable[[bytes], Order]


@pytest.fixture
def order(tmp_path: Path) -> Ordered:
    def order(data: bytes) -> Order:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}"
        path.write_bytes(data)
        return Order(str(path), 96, 96, "crop")

    return order


async def kind(workshop: Workshop, order: Order) -> str:
    return (await workshop.make(order))[0].kind


def alive(pid: int | None) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


async def test_one_worker_makes_all_and_starts_when_it_is_needed(
    workshop: Workshop, order: Ordered
) -> None:
    assert workshop.pid is None
    first = order(samples.png())
    assert await asyncio.gather(*(kind(workshop, first) for _ in range(5))) == ["image"] * 5
    worker = workshop.pid
    assert await kind(workshop, order(samples.film())) == "video"
    assert workshop.pid == worker


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (samples.bomb(), "huge"),
        (samples.claims_to_be_huge(), "huge"),
        (samples.hundred_megapixels(), "huge"),
        (samples.jpeg()[:2000], "none"),
        (samples.SVG_WITH_SCRIPT, "none"),
        (samples.playlist(), "none"),
        (b"", "none"),
    ],
    ids=["bomb", "claim", "100 MP", "truncated", "svg", "playlist", "empty"],
)
async def test_the_worker_survives_what_it_cannot_read(
    workshop: Workshop, order: Ordered, data: bytes, expected: str
) -> None:
    assert await kind(workshop, order(data)) == expected
    worker = workshop.pid
    assert await kind(workshop, order(samples.png())) == "image"
    assert workshop.pid == worker


async def test_a_picture_that_needs_too_much_memory_is_huge(order: Ordered) -> None:
    cramped = Workshop(memory=250 * MiB)
    assert await kind(cramped, order(samples.png((5_000, 5_000), "RGBA"))) == "huge"
    assert await kind(cramped, order(samples.png())) == "image"
    await cramped.close()


async def test_a_picture_that_takes_too_long_kills_the_worker_only(order: Ordered) -> None:
    hasty = Workshop(seconds=0)  # less than one, that is
    slow = order(samples.slow())
    with pytest.raises(Failed) as failed:
        await hasty.make(Order(slow.path, 1600, 1200, "scale", animated=True))
    assert not failed.value.again
    assert await kind(hasty, order(samples.png())) == "image"
    await hasty.close()


async def test_a_worker_that_hangs_is_killed_and_may_do_better_next_time(
    order: Ordered,
) -> None:
    workshop = Workshop(patience=3)
    first = order(samples.png())
    assert await kind(workshop, first) == "image"
    worker = workshop.pid
    assert worker
    os.kill(worker, signal.SIGSTOP)
    with pytest.raises(Failed) as failed:
        await workshop.make(first)
    assert failed.value.again
    assert not alive(worker)
    assert await kind(workshop, first) == "image"
    await workshop.close()


async def test_a_worker_that_was_killed_from_outside_is_replaced(
    workshop: Workshop, order: Ordered
) -> None:
    first = order(samples.png())
    await workshop.make(first)
    assert workshop.pid
    os.kill(workshop.pid, signal.SIGKILL)
    while True:
        try:
            assert await kind(workshop, first) == "image"
            break
        except Failed as failed:
            assert failed.again


async def test_who_gives_up_waiting_leaves_no_answer_for_the_next(
    workshop: Workshop, order: Ordered
) -> None:
    first = order(samples.png((4_000, 4_000)))
    await workshop.make(first)
    worker = workshop.pid
    impatient = asyncio.create_task(workshop.make(first))
    await asyncio.sleep(0.02)
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    assert not alive(worker)
    assert await kind(workshop, order(samples.film())) == "video"


async def test_an_idle_worker_ends(order: Ordered) -> None:
    workshop = Workshop(idle=0.01)
    await workshop.make(order(samples.png()))
    worker = workshop.pid
    await until(lambda: not alive(worker))
    assert workshop.pid is None
    assert await kind(workshop, order(samples.png())) == "image"
    await workshop.close()


async def test_the_worker_ends_with_the_workshop(workshop: Workshop, order: Ordered) -> None:
    await workshop.make(order(samples.png()))
    worker = workshop.pid
    assert alive(worker)
    await workshop.close()
    assert not alive(worker)


async def test_the_worker_knows_no_secrets_and_can_write_no_file(
    workshop: Workshop, order: Ordered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QINGXIN_TURN_SECRET", "hush")
    await workshop.make(order(samples.png()))
    worker = Path(f"/proc/{workshop.pid}")
    assert b"hush" not in (worker / "environ").read_bytes()
    limits = (worker / "limits").read_text()
    assert "Max file size             0 " in limits
    assert f"Max address space         {1024 * MiB} " in limits


def test_the_server_itself_reads_no_pictures() -> None:
    modules = "qingxin.api.matrix.media, qingxin.media.local, qingxin.media.workshop"
    found = subprocess.run(
        [sys.executable, "-c", f"import sys, {modules}; print(sorted(sys.modules))"],
        capture_output=True,
        text=True,
        check=True,
        cwd=HOME,
    ).stdout
    assert "'qingxin.media.thumbnails'" in found
    assert not [name for name in ("PIL", "cv2", "numpy") if f"'{name}'" in found]
