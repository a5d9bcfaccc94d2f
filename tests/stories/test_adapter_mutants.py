"""The tests of adapters can fail: each safety that is switched off is missed by one of them."""

import pytest

from tests.stories.adapter_mutants import MUTANTS


@pytest.mark.parametrize("name", MUTANTS)
def test_caught(name: str) -> None:
    """The test that is named fails once the safety is off."""
    mutant, test = MUTANTS[name]
    with mutant():
        ended = pytest.main(["-q", "-x", "-p", "no:cacheprovider", test])

    assert ended == pytest.ExitCode.TESTS_FAILED
