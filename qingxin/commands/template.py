"""The settings as a page and as a file: told from the declarations in config.py."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.inspect import IntType, ListType, LiteralType, Metadata, StructType, type_info

from qingxin.config import Settings

HEAD = """\
# The settings of this Qingxin server. What is commented out has its default value.
# The environment (QINGXIN_NAME) and `--set name=value` win over this file.
"""


class Described(Struct, frozen=True):
    """One setting as a person should know it; `default` is written as in TOML."""

    name: str
    values: str
    default: str
    meaning: str


def described() -> Iterator[Described]:
    shape = type_info(Settings)
    assert isinstance(shape, StructType)
    defaults = Settings()
    for field in shape.fields:
        assert isinstance(field.type, Metadata), f"{field.name} has no description"
        meaning = str((field.type.extra_json_schema or {})["description"])
        default = toml(getattr(defaults, field.name))
        yield Described(field.name, _values(field.type.type), default, meaning)


def _values(kind: Any) -> str:
    match kind:
        case LiteralType(values=values):
            return ", ".join(toml(value) for value in values)
        case IntType(ge=least):
            return "a whole number" if least is None else f"a whole number of at least {least}"
        case ListType():
            return "a list of texts"
        case _:
            return "a text"


def toml(value: Any) -> str:
    """A value as TOML has it; for texts, numbers and lists that is what JSON has, too."""
    return msgspec.json.encode(value).decode()


def settings_file(chosen: Mapping[str, Any]) -> str:
    """A commented settings file in which only what was chosen is in force."""
    blocks = [HEAD]
    for setting in described():
        line = f"{setting.name} = {toml(chosen.get(setting.name, None))}"
        if setting.name not in chosen:
            line = f"# {setting.name} = {setting.default}"
        blocks.append(f"# {setting.meaning}\n# ({setting.values})\n{line}\n")
    return "\n".join(blocks)
