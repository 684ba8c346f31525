"""Where the specification's OpenAPI documents are. They are no part of this repository."""

import os
import re
from pathlib import Path

from tests.authorisation.table import TABLE

VARIABLE = "QINGXIN_MATRIX_SPEC"
BESIDE = Path(__file__).parents[2].parent / "shared" / "matrix-spec"
ABSENT = f"""\
The Matrix specification's OpenAPI documents are not here. They are the folder `data` of
github.com/matrix-org/matrix-spec: put a checkout at {BESIDE}
or name it in the environment variable {VARIABLE}."""


def folder() -> Path:
    """The folder of the Client-Server API's documents, which may not be there."""
    return Path(os.environ.get(VARIABLE) or BESIDE) / "data" / "api" / "client-server"


def names() -> list[str]:
    return sorted(path.stem for path in folder().glob("*.yaml"))


def served(method: str, path: str) -> bool:
    """Whether there is a route for it. A space behind a path sets two documents' apart."""
    return (method.upper(), _shape(path.strip())) in SERVED


def _shape(path: str) -> str:
    return re.sub(r"{[^}]*}", "{}", path.partition("?")[0])


SERVED = {(row.method, _shape(row.path)) for row in TABLE}
