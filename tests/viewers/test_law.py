"""No reader gets old bytes once they are swept, whatever distribution and buckets there are."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

import pytest
from hypothesis import given, settings

from infra.local.edge.functions import Node
from tests.viewers import mutants
from tests.viewers.law import stale
from tests.viewers.stories import seeded, stories
from tests.viewers.world import Story

Mutant = Callable[[], AbstractContextManager[object]]

STORIES = 5_000

# The seed of a story that misses each mutant.
MUTANTS: Mapping[Mutant, int] = {
    mutants.error_pages_ignored: 113,
    mutants.first_behaviour_always: 2,
    mutants.folder_without_slash_ignored: 1770,
    mutants.function_not_probed: 147,
    mutants.index_documents_ignored: 258,
    mutants.origin_path_kept: 43,
    mutants.query_strings_ignored: 13,
    mutants.root_ignored: 377,
    mutants.second_origin_ignored: 170,
    mutants.spellings_ignored: 146,
    mutants.tilde_sent_encoded: 2,
    mutants.website_taken_for_rest: 1335,
}
# This many stories have to miss a mutant, once its seed tells another story than before.
SEEDS = 1_500


@given(story=stories())
@settings(max_examples=STORIES)
def test_law(node: Node, story: Story) -> None:
    """After the sweep no request of any reader is answered from the past."""
    assert list(stale(story, node)) == []


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_mutant(node: Node, mutant: Mutant) -> None:
    """Some reader gets old bytes once the product is mistaken about the distribution."""
    with mutant():
        seeds = (MUTANTS[mutant], *range(SEEDS))
        caught = next((seed for seed in seeds if list(stale(seeded(seed), node))), None)

    assert caught is not None


@pytest.mark.parametrize("seed", sorted(set(MUTANTS.values())))
def test_without_mutant(node: Node, seed: int) -> None:
    """The same stories hold without the mutants."""
    assert list(stale(seeded(seed), node)) == []
