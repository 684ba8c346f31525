"""Every operation of every document, asked in ways that fit its description and in ways that
do not.
"""

import itertools
import os
import warnings
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

from tests.fuzz.documents import ABSENT, folder, names, served
from tests.fuzz.someone import Someone
from tests.judges.child import Child

pytestmark = pytest.mark.slow

EXAMPLES = int(os.environ.get("QINGXIN_FUZZ_EXAMPLES", "20"))  # of each operation and database
NOT_SERVED = 3
CHECKS = [content_type_conformance, response_schema_conformance]
# Where a good answer cannot be as the document says.
UNFIT = {
    "/download/{serverName}/": "a file has the content type that it was uploaded with",
    "/rooms/{roomId}/state/{eventType}/{stateKey}": "whole events are objects too: not oneOf",
}
MOSTLY = st.sampled_from([True, True, True, False])

_numbers = itertools.count()


def test_the_documents_are_there() -> None:
    assert names(), ABSENT


@pytest.mark.parametrize("document", names())
def test_a_document(child: Child, document: str) -> None:
    schema: Any = schemathesis.openapi.from_path(str(folder() / f"{document}.yaml"))
    someone = Someone(child.url, f"someone-{os.getpid()}-{next(_numbers)}")
    problems = []
    for found in schema.get_all_operations():
        if hasattr(found, "ok"):
            problems += asked(someone, schema, found.ok())
        else:
            warnings.warn(f"Not judged, for want of another document: {found.err()}", stacklevel=1)
    assert not problems, "\n\n".join(problems)


def asked(someone: Someone, schema: Any, operation: Any) -> list[str]:
    """What is wrong with the answers to one operation."""
    base = schema.base_path.rstrip("/")
    is_served = served(operation.method, base + operation.path)

    def ask(data: st.DataObject) -> None:
        case = draw(data, operation, someone.known)
        someone.ensure_signed_in()
        answer = case.call(
            base_url=someone.url + base, session=someone.http, headers=someone.headers
        )
        if is_served:
            check(case, answer)
        else:
            assert answer.status_code in (404, 405), answer.text
            assert code_of(answer) == "M_UNRECOGNIZED"

    try:
        repeat(ask, EXAMPLES if is_served else NOT_SERVED)
    except (Exception, BaseExceptionGroup) as error:
        return [f"{operation.label}: {error!r}"]
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


def draw(data: st.DataObject, operation: Any, known: dict[str, list[Any]]) -> Any:
    """A request; most of them name things that there are."""
    modes = [GenerationMode.POSITIVE]
    if operation.body or operation.query:
        modes.append(GenerationMode.NEGATIVE)
    case = data.draw(operation.as_strategy(generation_mode=data.draw(st.sampled_from(modes))))
    for values in (case.path_parameters, case.query, case.body):
        make_real(data, values, known)
    return case


def make_real(data: st.DataObject, values: Any, known: dict[str, list[Any]]) -> None:
    """Put real values in the place of invented ones."""
    if not isinstance(values, dict):
        return
    for name, value in values.items():
        if name in known and (name == "timeout" or data.draw(MOSTLY)):
            values[name] = data.draw(st.sampled_from(known[name]))
        else:
            make_real(data, value, known)


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
