import asyncio
import resource
import signal

import httpx

from qingxin.commands.server import MOST_FILES
from tests.commands.conftest import Run, Served
from tests.commands.test_user import sign_in


async def test_a_stop_sends_those_home_who_wait_for_news(qingxin: Run, served: Served) -> None:
    await asyncio.to_thread(qingxin, "user", "create", "alice", "--password", "a secret")
    token = sign_in(served.url, "alice", "a secret").json()["access_token"]
    sync = f"{served.url}/_matrix/client/v3/sync"
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}) as client:
        since = (await client.get(sync)).json()["next_batch"]
        waiting = asyncio.create_task(
            client.get(sync, params={"since": since, "timeout": 60_000}, timeout=60)
        )
        await asyncio.sleep(0.2)
        served.child.send_signal(signal.SIGTERM)
        answer = await waiting
    assert answer.status_code == 200
    assert answer.json() == {"next_batch": since}
    assert await asyncio.to_thread(served.child.wait, 20) == 0


def test_a_killed_server_starts_again_with_everything(qingxin: Run, served: Served) -> None:
    qingxin("user", "create", "alice", "--password", "a secret")
    served.child.kill()
    served.child.wait()
    assert "@alice:localhost" in qingxin("user", "list").out
    assert "✗" not in qingxin("check", "--listen", "127.0.0.1:0").out


def test_as_many_can_wait_as_the_machine_allows(served: Served) -> None:
    soft, hard = resource.prlimit(served.child.pid, resource.RLIMIT_NOFILE)
    assert soft == hard or soft >= MOST_FILES
