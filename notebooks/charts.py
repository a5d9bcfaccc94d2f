"""The notebook's sentences and its charts, which are fit for print and for every eye.

The colours are those of Okabe and Ito, https://jfly.uni-koeln.de/color/. Each strategy has a shape
of its own besides, each site its own dashes. Nothing is global: a chart is a figure and its text.
"""

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from io import BytesIO
from math import ceil, floor, log10
from pathlib import Path
from typing import Any

from IPython.display import Markdown
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter
from PIL import Image

from edgesweep.lab import OURS, Replayed
from edgesweep.lab.generators import START
from edgesweep.lab.paced import Swept
from edgesweep.prices import FREE_PATHS
from notebooks.cost.bill import Bill

BLACK, ORANGE, SKY, GREEN, BLUE, RED, PINK = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#0072B2", "#D55E00", "#CC79A7"
)  # fmt: skip
GREY = "#767676"
# Of each strategy: colour, shape and name.
MARKS = {
    OURS: (BLUE, "*", "Edgesweep, as deployed"),
    "exact-folders": (PINK, "v", "whole folders, else paths"),
    "level-collapse": (GREEN, "^", "level collapse"),
    "all-or-nothing": (ORANGE, "D", "up to 50 paths, else /*"),
    "everything": (BLACK, "X", "/*"),
    "each-path": (RED, "s", "one path each"),
}
LINES = ((BLUE, "-"), (RED, "--"), (GREEN, "-."), (ORANGE, ":"), (PINK, (0, (5, 1, 1, 1, 1, 1))))
STYLE = Path(__file__).with_name("print.mplstyle")
WIDTH = 7.4
PRECISION = "Unchanged pages evicted in a month, at $0; fewer is better"


@dataclass(frozen=True, slots=True)
class Chart:
    """A figure as a notebook shows it.

    Attributes:
        figure: what is drawn.
        text: what it shows, for those who cannot see it.
    """

    figure: Figure
    text: str

    @style.context(STYLE)
    def png(self) -> bytes:
        """Return the image; the same figure is the same image, byte for byte."""
        drawn, written = BytesIO(), BytesIO()
        self.figure.savefig(drawn, format="png")
        few_colors = Image.open(drawn).convert("RGB").quantize(128, dither=Image.Dither.NONE)
        few_colors.save(written, "png", optimize=True)
        return written.getvalue()

    def _repr_mimebundle_(self, **_asked: object) -> tuple[Mapping[str, str], Mapping[str, object]]:
        """Return what Jupyter shows, and its alternative text."""
        shown = {"image/png": b64encode(self.png()).decode(), "text/plain": self.text}
        return shown, {"image/png": {"alt": self.text}}


def sentence(text: str) -> Markdown:
    """Show Markdown whose dollars no viewer takes for mathematics.

    A backslash keeps the renderers of Markdown from it. MathJax looks at what they have rendered,
    and pairs no dollars that stand in elements of their own.
    """
    return Markdown(text.replace("$", r"<span>\$</span>"))  # type: ignore[no-untyped-call]


@style.context(STYLE)
def naive(month: Iterable[Replayed]) -> Chart:
    """Draw what one path for each change costs every site."""
    rows = sorted(month, key=lambda row: row.usd)
    figure, (axes,) = _figure(2.6)
    axes.barh([row.history for row in rows], [float(row.usd) for row in rows], color=RED)
    for place, row in enumerate(rows):
        label = f" ${row.usd:.2f} for {row.paths:,} paths"
        axes.text(float(row.usd), place, label, va="center", fontsize=8.5)
    axes.set(xlabel="dollars a month, one path for each changed object")
    axes.margins(x=0.33)
    axes.grid(visible=False, axis="y")
    listed = ", ".join(f"{row.history} ${row.usd:.2f}" for row in rows)
    return Chart(figure, f"One path for each change, dollars a month: {listed}")


@style.context(STYLE)
def break_even(worth: Mapping[int, int], least: Mapping[int, Mapping[int, int]]) -> Chart:
    """Draw how many objects a saved path is worth, and from how many changes on `/*` is.

    Args:
        worth: edge caches -> objects.
        least: edge caches -> objects of the site -> changes.
    """
    figure, (left, right) = _figure(3.2, columns=2)
    left.plot(list(worth), list(worth.values()), color=BLUE)
    for count in least:
        left.plot(count, worth[count], "o", color=BLUE)
        left.annotate(
            f"{worth[count]:,}", (count, worth[count]), (6, 4), textcoords="offset points"
        )
    left.set(
        xscale="log",
        yscale="log",
        title="What one saved path is worth",
        xlabel="edge caches that fetch an object again",
        ylabel="unchanged objects hit",
    )
    for (color, dashes), (count, sizes) in zip(LINES, least.items(), strict=False):
        label = f"{count} cache" + "s" * (count > 1)
        right.plot(list(sizes), list(sizes.values()), color=color, linestyle=dashes, label=label)
    right.set(
        xscale="log",
        yscale="log",
        title="From here on /* is the cheaper one",
        xlabel="objects of the site",
        ylabel="changed objects in one flush",
    )
    right.legend()
    _short_numbers(left, right)
    left.margins(x=0.14)
    text = f"A saved path is worth {', '.join(f'{worth[count]:,}' for count in least)} objects"
    return Chart(figure, f"{text} if {', '.join(map(str, least))} caches fetch them again")


@style.context(STYLE)
def trade(
    month: Sequence[Replayed], frontiers: Mapping[str, Sequence[tuple[Decimal, int, int]]]
) -> Chart:
    """Draw paths against collateral: each strategy a mark, Edgesweep at every path price a line.

    Args:
        month: what strategies did on the sites.
        frontiers: site -> price of a path, paths and collateral.
    """
    columns = min(3, len(frontiers))
    rows = -(-(len(frontiers) + (columns > 1)) // columns)
    figure, panels = _figure(2.55 * rows if columns > 1 else 3.4, rows, columns)
    for axes, (site, line) in zip(panels, frontiers.items(), strict=False):
        _, paths, collateral = zip(*line, strict=True)
        axes.plot(paths, collateral, color=BLUE, linewidth=1.3)
        _marks(axes, [row for row in month if row.history == site])
        axes.axvline(FREE_PATHS, color=GREY, linewidth=0.9, linestyle=":")
        axes.set(title=site, xlabel="paths a month", xlim=_decades(axes), xscale="log")
        axes.set_yscale("symlog", linthresh=10)
        axes.set_ylim(0, 3 * axes.get_ylim()[1])
        _short_numbers(axes)
    for axes in panels[::columns]:
        axes.set(ylabel="unchanged objects hit")
    handles, labels = panels[0].get_legend_handles_labels()
    handles = [*panels[0].lines[:1], *handles, panels[0].lines[-1]]
    labels = ["Edgesweep's cover, any price", *labels, f"{FREE_PATHS:,} free paths"]
    if columns > 1:
        for axes in panels[len(frontiers) :]:
            axes.axis("off")
        panels[len(frontiers)].legend(handles, labels, loc="center left", borderaxespad=0)
    else:
        figure.legend(handles, labels, loc="outside right upper")
    ours = (
        f"{row.history} {row.paths:,} paths, {row.collateral:,} objects"
        for row in month
        if row.strategy == OURS
    )
    return Chart(
        figure,
        "Paths a month against unchanged objects hit; a line shows Edgesweep's covers at rising "
        f"path prices. As deployed it comes to: {'; '.join(ours)}",
    )


@style.context(STYLE)
def slower(
    minutes: Sequence[int],
    dollars: Mapping[str, Sequence[Decimal]],
    stale: Mapping[str, Sequence[float]],
) -> Chart:
    """Draw the flush interval against dollars a month and minutes of staleness, of each site."""
    figure, (left, right) = _figure(3.2, columns=2)
    for (color, dashes), site in zip(LINES, dollars, strict=False):
        left.plot(
            minutes, [*map(float, dollars[site])], "o", color=color, linestyle=dashes, label=site
        )
        right.plot(minutes, stale[site], "o", color=color, linestyle=dashes, label=site)
    left.set(title="What it costs", ylabel="dollars a month, paths and refetches")
    right.set(title="How stale the edge gets", ylabel="minutes, mean wait of a deploy")
    right.set(yscale="log")
    for axes in (left, right):
        axes.set(xscale="log", xlabel="flush interval")
        axes.set_xticks([1, 5, 15, 60, 240, 1_440], ["1 m", "5 m", "15 m", "1 h", "4 h", "1 d"])
        axes.minorticks_off()
    left.set_ylim(bottom=0)
    right.yaxis.set_major_formatter(FuncFormatter(_short))
    left.legend()
    ends = (
        f"{site} ${costs[0]:.2f} and {stale[site][0]:.1f} minutes, at last ${costs[-1]:.2f} and "
        f"{stale[site][-1]:.0f} minutes"
        for site, costs in dollars.items()
    )
    text = "Dollars a month and mean wait, from the shortest flush interval to the longest"
    return Chart(figure, f"{text}: {'; '.join(ends)}")


@style.context(STYLE)
def guarantees(
    default: Mapping[Decimal, float], best: Mapping[Decimal, float], worst: Mapping[Decimal, float]
) -> Chart:
    """Draw what budgets guarantee in minutes, and what the worst of months came to."""
    figure, (axes,) = _figure(3.2)
    axes.plot([*map(float, default)], list(default.values()), color=BLUE, label="default")
    axes.plot(
        [*map(float, best)],
        list(best.values()),
        color=GREEN,
        linestyle="--",
        label="all paths kept for the guarantee",
    )
    axes.plot(
        [*map(float, worst)],
        list(worst.values()),
        "X",
        color=BLACK,
        label="longest wait in a month of a change a minute",
        clip_on=False,
    )
    axes.set(xlabel="budget, dollars a month", ylabel="minutes, longest wait of a change")
    axes.set(yscale="log", xlim=(0, float(max(default))))
    axes.set_yticks([5, 10, 20, 50, 100], ["5", "10", "20", "50", "100"])
    axes.minorticks_off()
    axes.legend()
    (first, longest), *_, (last, shortest) = default.items()
    text = f"Longest wait: {ceil(longest)} minutes at ${first}, {ceil(shortest)} at ${last}"
    return Chart(figure, text)


@style.context(STYLE)
def pacing(swept: Mapping[str, Swept]) -> Chart:
    """Draw how each site spends the free paths of a month."""
    figure, (axes,) = _figure(3.2)
    for (color, dashes), (site, one) in zip(LINES, swept.items(), strict=False):
        days, spent = [0.0], [0]
        for at, paths in one.flushes:
            days.append((at - START) / timedelta(days=1))
            spent.append(spent[-1] + paths)
        axes.plot(
            days, spent, color=color, linestyle=dashes, label=f"{site}: {spent[-1]:,}",
            drawstyle="steps-post",
        )  # fmt: skip
    axes.axhline(FREE_PATHS, color=GREY, linewidth=0.9, linestyle=":")
    axes.text(0.2, FREE_PATHS, f"{FREE_PATHS:,} free paths", va="bottom", fontsize=8.5, color=GREY)
    axes.set(xlabel="day of the month", ylabel="paths so far", xlim=(0, 31))
    axes.set_ylim(0, FREE_PATHS * 1.1)
    axes.yaxis.set_major_formatter("{x:,.0f}")
    figure.legend(loc="outside right center")
    ends = (f"{site} {one.row.paths:,}" for site, one in swept.items())
    return Chart(figure, f"Paths at the end of the month: {', '.join(ends)}")


@style.context(STYLE)
def bought(
    labels: Sequence[str], paid: str, swept: Sequence[Swept], price: Sequence[float]
) -> Chart:
    """Draw what a site hits the more is paid for it, and what is paid: money or minutes."""
    figure, (left, right) = _figure(2.8, columns=2)
    hit = [one.row.collateral for one in swept]
    left.bar(labels, hit, color=BLUE)
    right.bar(labels, price, color=ORANGE)
    left.set(title="What it buys", ylabel="unchanged objects hit")
    left.yaxis.set_major_formatter(FuncFormatter(_short))
    right.set(title="What it takes", ylabel=paid)
    each = zip(labels, hit, price, strict=True)
    text = "; ".join(f"{label}: {objects:,} hit, {cost:.2f}" for label, objects, cost in each)
    return Chart(figure, f"Unchanged objects hit, and {paid}: {text}")


@style.context(STYLE)
def precision(month: Sequence[Replayed]) -> Chart:
    """Draw what each strategy evicts on each site where it is free; elsewhere name its price."""
    sites = list(dict.fromkeys(row.history for row in month))
    figure, panels = _figure(4.6, 2, 3)
    figure.suptitle(PRECISION, x=0, ha="left", fontsize=11)
    for axes, site in zip(panels, sites, strict=False):
        rows = {row.strategy: row for row in month if row.history == site}
        most = max(row.collateral for row in rows.values())
        for place, (strategy, (color, _, _)) in enumerate(MARKS.items()):
            row = rows[strategy]
            length = 0 if row.usd else row.collateral
            axes.barh(place, length, color=color)
            text = f"not free: ${row.usd:.2f}" if row.usd else f"{row.collateral:,}"
            axes.text(length + most / 40, place, text, va="center", fontsize=8)
        axes.set(title=site, xlim=(0, 1.4 * most), xticks=[])
        axes.grid(visible=False)
        axes.set_yticks(range(len(MARKS)), [name for _, _, name in MARKS.values()])
        axes.tick_params(axis="y", length=0, labelleft=axes in panels[::3])
        axes.invert_yaxis()
        axes.spines["bottom"].set_visible(False)
    for axes in panels[len(sites) :]:
        axes.axis("off")
        axes.text(0, 0.9, "Each site has a scale of its own.\nDollars are for a month.", va="top")
    ours = (f"{row.history} {row.collateral:,}" for row in month if row.strategy == OURS)
    all_of_it = (
        f"{row.history} {row.collateral:,}" for row in month if row.strategy == "everything"
    )
    return Chart(figure, f"{PRECISION}. Edgesweep: {', '.join(ours)}. /*: {', '.join(all_of_it)}.")


@style.context(STYLE)
def stack(idle: Bill, changes: Bill) -> Chart:
    """Draw an idle month, and what a million changes add to it."""
    figure, (left, right) = _figure(3.2, columns=2)
    _bars(left, idle, "An idle month")
    _bars(right, changes, "A million changes more")
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return Chart(
        figure,
        f"An idle month: ${idle.gross:.2f}, ${idle.dollars:.2f} of it to pay; a million changes "
        f"more: ${changes.gross:.2f}, ${changes.dollars:.2f} of it to pay",
    )


def _marks(axes: Axes, rows: Iterable[Replayed]) -> None:
    """Draw a mark for each strategy, ours on top of the others."""
    by_strategy = {row.strategy: row for row in rows}
    for strategy, (color, shape, label) in MARKS.items():
        row, ours = by_strategy[strategy], strategy == OURS
        look: dict[str, Any] = (
            {"markersize": 13, "markeredgecolor": "white", "zorder": 3} if ours else {}
        )
        axes.plot(row.paths, row.collateral, shape, color=color, label=label, clip_on=False, **look)


def _bars(axes: Axes, bill: Bill, title: str) -> None:
    lines = sorted(bill.lines, key=lambda line: line.gross)
    names = [str(line.item) for line in lines]
    paid = [float(line.dollars) for line in lines]
    saved = [float(line.gross - line.dollars) for line in lines]
    axes.barh(names, paid, color=BLUE, label="to pay")
    axes.barh(names, saved, left=paid, color=SKY, label="paid by the free tier")
    for place, line in enumerate(lines):
        axes.text(float(line.gross), place, f" {line.gross:.3f}", va="center", fontsize=8)
    axes.margins(x=0.2)
    axes.set(title=title, xlabel="dollars a month")
    axes.grid(visible=False, axis="y")


def _figure(height: float, rows: int = 1, columns: int = 1) -> tuple[Figure, Sequence[Axes]]:
    figure = Figure(figsize=(WIDTH, height))
    return figure, list(figure.subplots(rows, columns, squeeze=False).flat)


def _short_numbers(*panels: Axes) -> None:
    for axes in panels:
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(FuncFormatter(_short))
            axis.set_minor_formatter(NullFormatter())


def _decades(axes: Axes) -> tuple[float, float]:
    """Return powers of ten around the numbers of paths that are drawn."""
    low, high = axes.dataLim.intervalx
    return 10 ** floor(log10(max(1, low))), 10 ** ceil(log10(max(10, high)))


def _short(value: float, _place: int) -> str:
    """Return a tick's number, e.g. 500, 20k or 1M."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"
