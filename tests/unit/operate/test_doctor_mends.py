"""Every command that the doctor can print is run by a test, or its name stands in a list."""

import ast
import inspect
from collections.abc import Iterator

from edgesweep.operate.doctor import checks, comparison, gather
from edgesweep.operate.doctor.kinds import KINDS
from tests.e2e.doctor.faults import FAULTS, NOT_RUN


def _checks() -> Iterator[str]:
    """Yield the names of all checks, with the properties that have a command of their own."""
    for module in (checks, comparison, gather):
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            match node:
                case ast.Call(func=ast.Name("Finding"), args=[ast.Constant(str(name)), *_]):
                    yield name
    for kind in KINDS.values():
        yield f"{kind.check}-gone"
        yield from [f"{kind.check}-changed"] if kind.mend else []
        yield from (f"{kind.check}-changed/{name}" for name in kind.mends)


def test_every_mend() -> None:
    """A kind of finding is either broken and mended by a test, or listed with a reason."""
    assert set(FAULTS).isdisjoint(NOT_RUN)
    assert {*FAULTS, *NOT_RUN} == set(_checks())
    assert all(NOT_RUN.values())
