"""The process that makes thumbnails: reads orders, answers them, ends when nobody orders.

Limits of its own keep a hostile file from hurting anybody else. It may not write files; when
one order takes too much processor time it is killed by the kernel.
"""

import contextlib
import os
import resource
import sys
import time
from typing import BinaryIO

import msgspec

from qingxin.media.orders import LENGTH, Answer, Order, packed

NICE = 10  # messages come first


def main(memory: int, seconds: int) -> None:
    """`memory` in bytes of address space; `seconds` of processor time for one order."""
    _limit(resource.RLIMIT_AS, memory)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_CORE, 0)
    os.nice(NICE)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not get among the answers
    while (order := _next(sys.stdin.buffer)) is not None:
        _limit(resource.RLIMIT_CPU, int(time.process_time()) + seconds + 1)
        answer, data = _fulfil(order)
        answers.write(packed(answer) + data)
        answers.flush()


def _next(orders: BinaryIO) -> Order | None:
    length = int.from_bytes(orders.read(LENGTH), "big")
    return msgspec.json.decode(orders.read(length), type=Order) if length else None


def _fulfil(order: Order) -> tuple[Answer, bytes]:
    try:
        from qingxin.media.pictures import TooMuch, Undecided, Unreadable, thumbnail
    except MemoryError:
        return Answer("huge"), b""
    try:
        return thumbnail(order)
    except Unreadable:
        return Answer("none"), b""
    except TooMuch:
        return Answer("huge"), b""
    except Undecided:
        return Answer(""), b""


def _limit(kind: int, soft: int) -> None:
    """Lower a limit, but not below what is allowed anyway."""
    hard = resource.getrlimit(kind)[1]
    if hard != resource.RLIM_INFINITY:
        soft = min(soft, hard)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(kind, (soft, hard))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
