"""The table of what strategies did over histories."""

from collections.abc import Sequence

from edgesweep.replay import Replayed


def table(rows: Sequence[Replayed]) -> str:
    """Return a header and one line for each row, in columns."""
    header = (
        f"{'deploys':>8} {'paths':>9} {'collateral':>12} {'dollars':>10} {'busiest month':>14} "
        f"{'missed':>7}  history / strategy"
    )
    return "\n".join([header, *map(_line, rows)])


def _line(row: Replayed) -> str:
    return (
        f"{row.deploys:>8,} {row.paths:>9,} {row.collateral:>12,} {row.usd:>10.2f} "
        f"{row.most_paths_in_a_month:>14,} {row.missed:>7,}  {row.history} / {row.strategy}"
    )
