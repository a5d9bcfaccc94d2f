"""Laws of the cover, and a second opinion: the best of all covers there are."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from itertools import combinations
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from edgesweep.cover import Cover, Limits, Prices, capped, choose, climb, find_candidates
from edgesweep.errors import Infeasible
from edgesweep.lab import BASELINES
from edgesweep.paths import Pattern, exact_stop
from tests.strategies import Problem, problems, viewer_paths

Objective = tuple[object, int, int, int]


def objective(cover: Cover, problem: Problem) -> Objective:
    """Return what is minimised, ties included."""
    return cover.cost(problem.prices), cover.wildcards, len(cover.members), cover.collateral


def bystanders(problem: Problem) -> set[str]:
    """Return the live paths that did not change."""
    return set(problem.live) - set(problem.dirty)


def wildcards(problem: Problem) -> set[Pattern]:
    """Return every wildcard that matches a dirty path, cut at every character."""
    return {
        Pattern(path[:length], wildcard=True)
        for path in problem.dirty
        for length in range(1, (exact_stop(path) or len(path)) + 1)
    }


def all_covers(problem: Problem) -> Iterator[Objective]:
    """Yield the objective of every cover that keeps the caps."""
    dirty, limits, prices = set(problem.dirty), problem.limits, problem.prices
    matched = {
        pattern: {path for path in dirty if problem.matches(pattern, path)}
        for pattern in wildcards(problem)
    }
    hit = {
        pattern: sum(map(problem.weight, filter(pattern.matches, bystanders(problem))))
        for pattern in matched
    }
    for count in range(min(limits.wildcards, len(matched)) + 1):
        for chosen in combinations(matched, count):
            exact = dirty.difference(*(matched[pattern] for pattern in chosen))
            paths, collateral = count + len(exact), sum(hit[pattern] for pattern in chosen)
            fits = limits.paths is None or paths <= limits.paths
            if fits and all(exact_stop(path) is None for path in exact):
                cost = prices.path * paths + prices.refetch * collateral
                yield cost, count, paths, collateral


def solved(problem: Problem) -> Cover:
    """Return the cover of a problem that has one."""
    try:
        return problem.solve()
    except Infeasible:
        assume(condition=False)
        raise


@settings(max_examples=400, deadline=None)
@given(problems())
def test_best_of_all(problem: Problem) -> None:
    """No cover is better; where there is none, that is what is said."""
    best = min(all_covers(problem), default=None)

    if best is None:
        with pytest.raises(Infeasible):
            problem.solve()
    else:
        found = problem.solve()
        assert objective(found, problem) == best
        assert found.gap == 0


@settings(max_examples=300, deadline=None)
@given(problems())
def test_sound(problem: Problem) -> None:
    """Every dirty path is matched, the caps are kept, and the numbers beside each path are true."""
    cover = solved(problem)

    for member in cover.members:
        assert member.dirty == sum(map(member.pattern.matches, set(problem.dirty)))
        hit = filter(member.pattern.matches, bystanders(problem))
        assert member.collateral == sum(map(problem.weight, hit))
    assert all(
        any(problem.matches(member.pattern, path) for member in cover.members)
        for path in problem.dirty
    )
    assert cover.wildcards <= problem.limits.wildcards
    assert problem.limits.paths is None or len(cover.members) <= problem.limits.paths


@settings(max_examples=200, deadline=None)
@given(problems())
def test_valid(problem: Problem) -> None:
    """Paths are what CloudFront accepts: quoted, led by a slash, the wildcard only last."""
    for path, member in zip(solved(problem).paths, solved(problem).members, strict=True):
        assert path.startswith("/")
        assert path.isascii()
        assert len(path) <= 4_000
        assert path.count("*") == path.endswith("*") == member.pattern.wildcard
        assert not set(path) & set("~? ")


@settings(max_examples=200, deadline=None)
@given(problems())
def test_irreducible(problem: Problem) -> None:
    """No member is matched by another, and each is the only one to match some dirty path."""
    members = solved(problem).members

    for member in members:
        others = [other.pattern for other in members if other != member]
        assert not any(
            problem.matches(other, member.pattern.text) for other in others if other.wildcard
        )
        assert any(
            problem.matches(member.pattern, path)
            and not any(problem.matches(other, path) for other in others)
            for path in problem.dirty
        )


@settings(max_examples=100, deadline=None)
@given(problems(), st.randoms(use_true_random=False))
def test_order_blind(problem: Problem, random: Random) -> None:
    """Neither the order of what comes in nor repeats change the cover."""
    cover = solved(problem)
    dirty, live = [*problem.dirty] * 2, [*problem.live] * 2
    random.shuffle(dirty)
    random.shuffle(live)

    assert replace(problem, dirty=tuple(dirty), live=tuple(live)).solve() == cover


@settings(max_examples=200, deadline=None)
@given(problems(), st.integers(0, 2), st.one_of(st.none(), st.integers(0, 3)))
def test_monotone(problem: Problem, wildcards: int, paths: int | None) -> None:
    """A higher cap never costs more."""
    cost = solved(problem).cost(problem.prices)

    assert problem.capped(wildcards=wildcards, paths=paths).solve().cost(problem.prices) <= cost


@settings(max_examples=200, deadline=None)
@given(problems(), viewer_paths())
def test_more_changes(problem: Problem, path: str) -> None:
    """One more removed object never makes the cover cheaper."""
    before = replace(
        problem,
        dirty=tuple(known for known in problem.dirty if known != path),
        live=tuple(known for known in problem.live if known != path),
    )
    after = replace(before, dirty=(*before.dirty, path))

    assert solved(after).cost(problem.prices) >= before.solve().cost(problem.prices)


@settings(max_examples=200, deadline=None)
@given(problems(), st.integers(0, 40))
def test_gap(problem: Problem, patience: int) -> None:
    """A cover that is not proven keeps the caps, and no cover is cheaper than it less its gap."""
    best = solved(problem)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(capped, "PROVEN_SIZE", 0)
        patch.setattr(capped, "MOST_STEPS", patience)
        quick = problem.solve()

    cost, least = quick.cost(problem.prices), best.cost(problem.prices)
    assert cost - quick.gap <= least <= cost
    assert problem.limits.paths is None or len(quick.members) <= problem.limits.paths
    assert quick.wildcards <= problem.limits.wildcards


@settings(max_examples=200, deadline=None)
@given(problems(most_dirty=24), st.sampled_from(sorted(BASELINES)))
def test_never_dearer(problem: Problem, name: str) -> None:
    """With the wildcards and paths that another strategy uses, the cover costs no more than it."""
    problem = replace(problem, strict=False)
    patterns = BASELINES[name](problem.dirty, sorted(set(problem.live)))
    used = Limits(sum(pattern.wildcard for pattern in patterns), len(patterns))
    hit = {
        path for path in bystanders(problem) if any(pattern.matches(path) for pattern in patterns)
    }
    cost = problem.prices.path * len(patterns)
    cost += problem.prices.refetch * sum(map(problem.weight, hit))

    assert replace(problem, limits=used).solve().cost(problem.prices) <= cost


@given(problems(), st.lists(st.integers(0, 30).map(Decimal), min_size=1, unique=True))
def test_ladder(problem: Problem, path_prices: list[Decimal]) -> None:
    """At every rung of a ladder of path prices the cover is as good as one chosen there alone."""
    limits = Limits(problem.limits.wildcards)
    assume(limits.wildcards or all(exact_stop(path) is None for path in problem.dirty))
    candidates = find_candidates(problem.dirty, problem.live, problem.weight)
    rungs = sorted(path_prices)
    refetch = problem.prices.refetch

    covers = climb(candidates, rungs, refetch, limits)

    for price, found in zip(rungs, covers, strict=True):
        alone = choose(candidates, Prices(price, refetch), limits)
        assert found.cost(Prices(price, refetch)) == alone.cost(Prices(price, refetch))
        assert len(found.members) == len(alone.members)
