import os
import socket
import stat
from pathlib import Path

import pytest

from qingxin import config
from qingxin.__main__ import main
from qingxin.commands.template import described, settings_file
from qingxin.config import Settings
from tests.commands.conftest import Run

SETTINGS = Settings.__struct_fields__


def test_the_settings_file_of_init_has_every_setting_and_changes_none(
    qingxin: Run, data: Path
) -> None:
    made = qingxin("init", "--set", "server_name=example.org")
    assert made.code == 0
    text = (data / "qingxin.toml").read_text()
    assert all(f"\n# {name} = " in text or f"\n{name} = " in text for name in SETTINGS)
    expected = Settings(server_name="example.org", password_cost="low")
    assert config.load(data / "qingxin.toml") == expected
    assert stat.S_IMODE(data.stat().st_mode) == 0o700


def test_every_default_in_the_file_means_what_it_says() -> None:
    text = settings_file({})
    uncommented = text.replace("# ", "#").splitlines()
    names = {each.name for each in described()}
    lines = [line[1:] for line in uncommented if line[1:].partition(" = ")[0] in names]
    assert len(lines) == len(names)


def test_init_leaves_a_settings_file_alone(qingxin: Run, data: Path) -> None:
    qingxin("init")
    before = (data / "qingxin.toml").read_bytes()
    again = qingxin("init", "--set", "server_name=other.example")
    assert again.code == 1
    assert "is there already" in again.err
    assert (data / "qingxin.toml").read_bytes() == before


def test_a_fresh_directory_passes_the_check(qingxin: Run) -> None:
    qingxin("init", "--set", "server_name=example.org")
    found = qingxin("check", "--listen", "127.0.0.1:0")
    assert found.code == 0
    assert "✗" not in found.out
    assert "none yet" in found.out


def test_the_check_names_a_setting_that_does_not_exist(qingxin: Run, data: Path) -> None:
    qingxin("init")
    with (data / "qingxin.toml").open("a") as file:
        file.write("\nserver_nam = 'x'\n")
    found = qingxin("check")
    assert found.code == 1
    assert "server_nam" in found.out


def test_the_check_finds_damaged_pages(qingxin: Run, data: Path) -> None:
    qingxin("init")
    qingxin("user", "create", "alice", "--password", "a secret")
    path = data / "qingxin.db"
    with path.open("r+b") as file:
        file.seek(os.stat(path).st_size // 2 // 4096 * 4096)
        file.write(b"\xff" * 16384)
    found = qingxin("check", "--listen", "127.0.0.1:0")
    assert found.code == 1
    assert "✗ database" in found.out


def test_the_check_sees_that_the_address_is_taken(qingxin: Run) -> None:
    qingxin("init")
    with socket.create_server(("127.0.0.1", 0)) as other:
        found = qingxin("check", "--listen", f"127.0.0.1:{other.getsockname()[1]}")
    assert found.code == 1
    assert "Address already in use" in found.out


@pytest.mark.parametrize("address", ["8008", "here:there", "127.0.0.1:99999"])
def test_an_address_without_a_usable_port_is_explained(qingxin: Run, address: str) -> None:
    refused = qingxin("serve", "--listen", address)
    assert refused.code == 1
    assert "HOST:PORT" in refused.err


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    shown = capsys.readouterr().out
    assert all(word in shown for word in "serve init check user backup restore demo".split())
