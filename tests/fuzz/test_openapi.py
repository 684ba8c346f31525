"""Every operation of every document, asked in ways that fit its description and in ways that
do not.
"""

import itertools
import os
from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
)

from tests.fuzz.documents import ABSENT, folder, names
from tests.fuzz.someone import Someone
from tests.judges.child import Child

pytestmark = pytest.mark.slow

EXAMPLES = int(os.environ.get("QINGXIN_FUZZ_EXAMPLES", "30"))  # of each operation and database
CHECKS = [content_type_conformance, response_schema_conformance]
# Where a good answer cannot be as the document says.
UNFIT = {
    "/download/{serverName}/": "a file has its own content type, not always application/octet-stream",
    "/rooms/{roomId}/state/{eventType}/{stateKey}": "whole events are objects too: not oneOf",
}
MOSTLY = st.sampled_from([True, True, True, False])

_numbers = itertools.count()


def test_the_documents_are_there() -> None:
    assert names(), ABSENT


@pytest.mark.parametrize("document", names())
def test_a_document(child: Child, document: str) -> None:
    schema: Any = schemathesis.openapi.from_path(str(folder() / f"{document}.yaml"))
    problems = []
    for found in schema.get_all_operations():
        if hasattr(found, "ok"):  # not so where a document refers to one that is not there
            problems += asked(child, schema, found.ok())
    assert problems == []


def asked(child: Child, schema: Any, operation: Any) -> list[str]:
    """What is wrong with the answers to one operation."""
    someone = Someone(str(child.http.base_url), f"someone-{os.getpid()}-{next(_numbers)}")
    base = str(child.http.base_url).rstrip("/") + schema.base_path
    served = True

    def ask(data: st.DataObject) -> None:
        nonlocal served
        case = draw(data, operation, someone.known)
        someone.ensure_signed_in()
        answer = case.call(base_url=base, session=someone.http, headers=someone.headers)
        check(case, answer)
        served = (answer.status_code, code_of(answer)) != (404, "M_UNRECOGNIZED")

    try:
        repeat(ask, 1)
        if served:
            repeat(ask, EXAMPLES)
    except (Exception, BaseExceptionGroup) as error:
        return [f"{operation.label}: {error}"]
    return []


def repeat(ask: Callable[[st.DataObject], None], times: int) -> None:
    @settings(
        max_examples=times,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data())
    def one(data: st.DataObject) -> None:
        ask(data)

    one()


def draw(data: st.DataObject, operation: Any, known: dict[str, str]) -> Any:
    """A request; in most of them the path names things that there are."""
    modes = [GenerationMode.POSITIVE]
    if operation.body or operation.query:
        modes.append(GenerationMode.NEGATIVE)
    case = data.draw(operation.as_strategy(generation_mode=data.draw(st.sampled_from(modes))))
    for name in case.path_parameters or ():
        if name in known and data.draw(MOSTLY):
            case.path_parameters[name] = known[name]
    return case


def check(case: Any, answer: Any) -> None:
    """Raise AssertionError for an answer that no client could use."""
    shown = f"{answer.request.method} {answer.request.url} {answer.request.body!r:.300}"
    assert answer.status_code < 500, f"{answer.status_code} for {shown}: {answer.text:.300}"
    if answer.status_code < 300 and not any(part in case.operation.path for part in UNFIT):
        case.validate_response(answer, checks=CHECKS)
    if answer.status_code >= 400:
        is_question = answer.status_code == 401 and "flows" in answer.json()
        has_code = code_of(answer) and isinstance(answer.json().get("error"), str)
        assert has_code or is_question, f"{answer.status_code} for {shown}: {answer.text:.300}"


def code_of(answer: Any) -> str:
    """The Matrix error code, or nothing."""
    body = answer.json() if answer.status_code >= 400 else {}
    return str(body.get("errcode", ""))
