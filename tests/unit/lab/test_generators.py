"""Made-up histories are the same for the same seed, and whole."""

import pytest

from edgesweep.lab.generators import SHAPES


@pytest.mark.parametrize("name", SHAPES)
def test_shape(name: str) -> None:
    """The same seed makes the same history, another one another; time never goes back."""
    history = SHAPES[name](7, 20)

    times = [deploy.at for deploy in history.deploys]
    assert history.name == name
    assert history.deploys
    assert len(set(history.live)) == len(history.live)
    assert times == sorted(times)
    assert history == SHAPES[name](7, 20)
    assert history != SHAPES[name](8, 20)
