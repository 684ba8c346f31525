import asyncio
import shutil
import tarfile
from pathlib import Path

import pytest

from tests.commands.conftest import Run, Served
from tests.postgres import PostgresServer

MEDIA = Path("media/blobs/ab/cdef")


@pytest.fixture(params=["folder", "file.tar"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / str(request.param)


def test_a_backup_of_a_running_server_becomes_a_server_again(
    qingxin: Run, served: Served, target: Path, tmp_path: Path
) -> None:
    qingxin("user", "create", "alice", "--password", "a secret")
    (served.data / MEDIA).parent.mkdir(parents=True, exist_ok=True)
    (served.data / MEDIA).write_bytes(b"a picture")
    assert qingxin("backup", target).code == 0
    again = tmp_path / "again"
    restored = qingxin("restore", target, at=again)
    assert restored.code == 0, restored.err
    assert (again / MEDIA).read_bytes() == b"a picture"
    assert "@alice:localhost" in qingxin("user", "list", at=again).out
    assert sorted(path.name for path in again.iterdir()) == [
        "media",
        "qingxin.db",
        "qingxin.db.lock",
    ]


async def test_a_backup_moves_a_server_to_postgresql_and_back(
    qingxin: Run, tmp_path: Path, postgres_server: PostgresServer
) -> None:
    url = await postgres_server.new_database()
    there = ("--set", f"database={url}")

    def move() -> None:
        qingxin("init")
        qingxin("user", "create", "alice", "--password", "a secret")
        qingxin("backup", tmp_path / "one")
        assert qingxin("restore", tmp_path / "one", *there, at=tmp_path / "moved").code == 0
        qingxin("user", "create", "bob", "--password", "a secret", *there, at=tmp_path / "moved")
        assert qingxin("check", "--listen", "127.0.0.1:0", *there, at=tmp_path / "moved").code == 0
        assert qingxin("backup", tmp_path / "two", *there, at=tmp_path / "moved").code == 0
        assert qingxin("restore", tmp_path / "two", at=tmp_path / "back").code == 0
        people = qingxin("user", "list", at=tmp_path / "back").out
        assert "@alice:localhost" in people
        assert "@bob:localhost" in people

    await asyncio.to_thread(move)
    await postgres_server.drop_database(url)


def test_a_backup_overwrites_nothing(qingxin: Run, target: Path) -> None:
    qingxin("init")
    assert qingxin("backup", target).code == 0
    again = qingxin("backup", target)
    assert again.code == 1
    assert "there already" in again.err


def test_a_backup_goes_into_an_empty_directory_only(qingxin: Run, target: Path, data: Path) -> None:
    qingxin("init")
    qingxin("user", "create", "alice", "--password", "a secret")
    qingxin("backup", target)
    refused = qingxin("restore", target)
    assert refused.code == 1
    assert "not empty" in refused.err
    assert "@alice:localhost" in qingxin("user", "list").out


def test_settings_that_are_there_already_stay(qingxin: Run, target: Path, data: Path) -> None:
    qingxin("init", "--set", "max_upload=1000")
    qingxin("backup", target)
    shutil.rmtree(data)
    qingxin("init", "--set", "max_upload=2000")
    qingxin("restore", target)
    assert "\nmax_upload = 2000" in (data / "qingxin.toml").read_text()


def test_a_backup_of_another_server_is_refused(qingxin: Run, target: Path, data: Path) -> None:
    qingxin("init", "--set", "server_name=one.example")
    qingxin("backup", target)
    shutil.rmtree(data)
    qingxin("init", "--set", "server_name=two.example")
    refused = qingxin("restore", target)
    assert refused.code == 1
    assert "one.example" in refused.err


def test_what_is_no_backup_leaves_nothing_behind(qingxin: Run, data: Path, tmp_path: Path) -> None:
    (tmp_path / "text.tar").write_text("not a tar")
    (tmp_path / "folder").mkdir()
    for source in ("text.tar", "folder", "missing"):
        assert qingxin("restore", tmp_path / source).code == 1
    assert not data.exists()


@pytest.mark.parametrize("name", ["../outside", "/tmp/outside", "media/../../outside", "other"])
def test_a_strangers_tar_cannot_write_elsewhere(
    qingxin: Run, tmp_path: Path, data: Path, name: str
) -> None:
    qingxin("init")
    qingxin("backup", tmp_path / "good.tar")
    shutil.rmtree(data)
    with (
        tarfile.open(tmp_path / "good.tar") as good,
        tarfile.open(tmp_path / "bad.tar", "w") as bad,
    ):
        for member in good:
            bad.addfile(member, good.extractfile(member))
        bad.addfile(tarfile.TarInfo(name))
    refused = qingxin("restore", tmp_path / "bad.tar")
    assert refused.code == 1
    assert "does not belong" in refused.err
    assert not data.exists()
