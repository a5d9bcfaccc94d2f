"""The table of what strategies did over histories."""

from collections.abc import Sequence

from edgesweep.lab.replay import Replayed


def table(rows: Sequence[Replayed]) -> str:
    """Return a header and one line for each row, in columns; those of HEADs if there are any."""
    header = (
        f"{'deploys':>8} {'paths':>9} {'collateral':>12} {'dollars':>10} {'busiest month':>14} "
        f"{'missed':>7}"
    )
    if any(row.heads is not None for row in rows):
        header += f" {'heads':>11} {'for heads':>10}"
    return "\n".join([f"{header}  history / strategy", *map(_line, rows)])


def _line(row: Replayed) -> str:
    figures = (
        f"{row.deploys:>8,} {row.paths:>9,} {row.collateral:>12,} {row.usd:>10.2f} "
        f"{row.most_paths_in_a_month:>14,} {row.missed:>7,}"
    )
    if row.heads is not None:
        figures += f" {row.heads:>11,} {row.heads_usd:>10.4f}"
    return f"{figures}  {row.history} / {row.strategy}"
