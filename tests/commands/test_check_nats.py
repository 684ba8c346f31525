"""`qingxin check` on a NATS that is there, or is not."""

import asyncio
from pathlib import Path

import pytest

from tests.commands.conftest import Run
from tests.nats import NatsServer
from tests.postgres import PostgresServer


@pytest.fixture
def directory(qingxin: Run, data: Path) -> Path:
    assert qingxin("init", "--set", "server_name=example.org").code == 0
    return data


def address(server: PostgresServer) -> str:
    return asyncio.run(server.new_database())


def test_a_nats_that_answers_is_good(
    qingxin: Run, directory: Path, postgres_server: PostgresServer
) -> None:
    nats = asyncio.run(NatsServer().start())
    chosen = ["--set", f"database={address(postgres_server)}", "--set", f"nats={nats.url}"]
    out = qingxin("check", "--listen", "127.0.0.1:0", *chosen).out
    nats.stop()
    assert "✓ nats: it answers" in out


def test_a_nats_that_does_not_answer_is_doubtful(
    qingxin: Run, directory: Path, postgres_server: PostgresServer
) -> None:
    chosen = ["--set", f"database={address(postgres_server)}", "--set", f"nats={NatsServer().url}"]
    outcome = qingxin("check", "--listen", "127.0.0.1:0", *chosen)
    assert (outcome.code, "! nats: it does not answer" in outcome.out) == (0, True)


def test_nats_without_postgres_makes_no_sense(qingxin: Run, directory: Path) -> None:
    outcome = qingxin("check", "--listen", "127.0.0.1:0", "--set", "nats=nats://127.0.0.1:4222")
    assert "! nats is set without database" in outcome.out
