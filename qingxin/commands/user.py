"""`qingxin user`: accounts and registration tokens, beside a running server or without one."""

import argparse
from datetime import UTC, datetime

from qingxin.commands.console import ask_password, good, table
from qingxin.commands.control import perform
from qingxin.commands.options import Words, located

EPILOG = """\
NAME is the part between @ and the colon. Without --password, a password is asked for on a
terminal, or read from standard input; an empty one is made up and printed.
"""


def add(words: Words) -> None:
    parser = words.add_parser(
        "user",
        help="Accounts and registration tokens.",
        description="Accounts and registration tokens; the server may be running meanwhile.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    inner = parser.add_subparsers(title="what to do", metavar="ACT", required=True)
    create = _act(inner, "create", "Make an account.", _create)
    _password(create)
    create.add_argument("--moderator", action="store_true", help="may moderate and administrate")
    reset = _act(inner, "reset-password", "Give a new password, and end all sessions.", _reset)
    _password(reset)
    reset.add_argument("--keep-sessions", action="store_true", help="end no session")
    moderator = _act(
        inner, "moderator", "Make somebody a moderator, or not any longer.", _moderator
    )
    moderator.add_argument("on", choices=("on", "off"))
    close = _act(inner, "deactivate", "Close an account for ever.", _deactivate)
    close.add_argument("--erase", action="store_true", help="hide what they wrote from newcomers")
    _act(inner, "list", "List all accounts.", _list, named=False)
    token = _act(inner, "token", "Make, list or withdraw registration tokens.", _token, named=False)
    token.add_argument("token", nargs="?", help="the token's text (made up)")
    token.add_argument(
        "--uses", type=int, default=0, metavar="N", help="for N accounts (any number)"
    )
    token.add_argument("--days", type=int, default=0, metavar="N", help="for N days (for ever)")
    token.add_argument("--list", action="store_true", help="list the tokens instead")
    token.add_argument("--withdraw", action="store_true", help="make TOKEN void instead")


def _act(
    inner: Words, name: str, summary: str, run: object, *, named: bool = True
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = inner.add_parser(name, help=summary, description=summary)
    if named:
        parser.add_argument("name", metavar="NAME")
    located(parser)
    parser.set_defaults(run=run)
    return parser


def _password(parser: argparse.ArgumentParser) -> None:
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument(
        "--password", metavar="TEXT", help="seen by others in the list of processes"
    )
    choice.add_argument("--generate", action="store_true", help="make a password up and print it")


def _chosen_password(chosen: argparse.Namespace) -> str:
    if chosen.generate:
        return ""
    return chosen.password if chosen.password is not None else ask_password()


def _create(chosen: argparse.Namespace) -> int:
    password = _chosen_password(chosen)
    made = perform(
        chosen, "create_user", name=chosen.name, password=password, moderator=chosen.moderator
    )
    good(f"{made['user_id']} can sign in now.")
    _tell(password, made["password"])
    return 0


def _reset(chosen: argparse.Namespace) -> int:
    password = _chosen_password(chosen)
    made = perform(
        chosen, "reset_password", name=chosen.name, password=password, keep=chosen.keep_sessions
    )
    good(f"{made['user_id']} has a new password.")
    _tell(password, made["password"])
    return 0


def _tell(chosen: str, password: str) -> None:
    if not chosen:
        print(f"  Password: {password}")


def _moderator(chosen: argparse.Namespace) -> int:
    user_id = perform(chosen, "set_moderator", name=chosen.name, on=chosen.on == "on")
    good(f"{user_id} is {'a' if chosen.on == 'on' else 'no longer a'} moderator.")
    return 0


def _deactivate(chosen: argparse.Namespace) -> int:
    user_id = perform(chosen, "close_user", name=chosen.name, erase=chosen.erase)
    good(f"{user_id} is closed. The name will not be given to anybody else.")
    return 0


def _list(chosen: argparse.Namespace) -> int:
    rows = perform(chosen, "list_users")
    table(("account", "state", "made"), [(row[0], row[1], _day(row[2])) for row in rows])
    return 0


def _token(chosen: argparse.Namespace) -> int:
    if chosen.list:
        table(("token", "used", "of", "until"), map(_token_row, perform(chosen, "list_tokens")))
    elif chosen.withdraw:
        perform(chosen, "withdraw_token", token=chosen.token or "")
        good(f"{chosen.token} is void.")
    else:
        made = perform(
            chosen, "create_token", token=chosen.token, uses=chosen.uses, days=chosen.days
        )
        good(f"Whoever has this registration token can make an account: {made}")
    return 0


def _token_row(row: list[object]) -> tuple[str, ...]:
    token, uses, allowed, expires = row
    return str(token), str(uses), str(allowed or "any"), _day(expires) if expires else "for ever"


def _day(milliseconds: object) -> str:
    assert isinstance(milliseconds, int)
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d")
