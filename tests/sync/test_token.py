"""Tokens come back as they went out, and nothing else passes for one."""

import pytest

from qingxin.errors import InvalidParam
from qingxin.sync.token import Token


@pytest.mark.parametrize("token", [Token(0), Token(17), Token(17, 1_750_000_000_000)])
def test_a_token_comes_back_as_it_went_out(token: Token) -> None:
    assert Token.parse(str(token)) == token


@pytest.mark.parametrize(
    "text", ["", "q", "17", "s17", "q-1", "q1.x", "q1.2.3", "q１", "q" + "9" * 30, "q1 ", "null"]
)
def test_what_no_server_of_ours_gave_out_is_refused(text: str) -> None:
    with pytest.raises(InvalidParam):
        Token.parse(text)
