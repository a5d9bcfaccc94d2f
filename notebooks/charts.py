"""The notebook's charts, drawn alike: fit for print, in colours and shapes that all can tell apart.

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

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter
from PIL import Image

from edgesweep.lab.cost.bill import Bill
from edgesweep.lab.cost.guarantee import MINUTE, Guarantee, Trial
from edgesweep.lab.cost.intervals import Flushed
from edgesweep.lab.cost.sites import Comparison, Point, is_free
from edgesweep.lab.cost.wildcards import FAN_OUTS, everything_from, worth
from edgesweep.lab.replay import OURS, Replayed
from edgesweep.lab.replay.generators import START
from edgesweep.lab.replay.paced import Swept
from edgesweep.prices import FREE_PATHS

BLACK, ORANGE, SKY, GREEN, BLUE, RED, PINK = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#0072B2", "#D55E00", "#CC79A7"
)  # fmt: skip
GREY = "#767676"
# Of each strategy: colour and shape.
MARKS = {
    OURS: (BLUE, "o"),
    "each-path": (RED, "s"),
    "everything": (BLACK, "X"),
    "all-or-nothing": (ORANGE, "D"),
    "level-collapse": (GREEN, "^"),
    "exact-folders": (PINK, "v"),
}
LINES = ((BLUE, "-"), (RED, "--"), (GREEN, "-."), (ORANGE, ":"), (PINK, (0, (5, 1, 1, 1, 1, 1))))
STYLE = Path(__file__).with_name("print.mplstyle")
WIDTH = 7.4


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
        few_colors = Image.open(drawn).convert("RGB").quantize(64, dither=Image.Dither.NONE)
        few_colors.save(written, "png", optimize=True)
        return written.getvalue()

    def _repr_mimebundle_(self, **_asked: object) -> Mapping[str, str]:
        """Return what Jupyter shows."""
        return {"image/png": b64encode(self.png()).decode(), "text/plain": self.text}


@style.context(STYLE)
def naive(compared: Comparison) -> Chart:
    """Draw what one path for each change costs every site."""
    rows = sorted(compared.of("each-path").values(), key=lambda row: row.usd)
    figure, (axes,) = _figure(2.6)
    axes.barh([row.history for row in rows], [float(row.usd) for row in rows], color=RED)
    for place, row in enumerate(rows):
        label = f" ${row.usd:.2f} for {row.paths:,} paths"
        axes.text(float(row.usd), place, label, va="center", fontsize=8.5)
    axes.set(xlabel="dollars a month, one path for each changed object")
    axes.margins(x=0.33)
    axes.grid(visible=False, axis="y")
    return Chart(figure, f"One path for each change, dollars a month: {_listed(rows)}")


@style.context(STYLE)
def break_even() -> Chart:
    """Draw how many objects a saved path is worth, and from how many changes on `/*` is."""
    caches, sizes = range(1, 101), [round(10 ** (step / 20)) for step in range(20, 121)]
    figure, (left, right) = _figure(3.2, columns=2)
    left.plot(caches, [worth(count) for count in caches], color=BLUE)
    for count in FAN_OUTS:
        left.plot(count, worth(count), "o", color=BLUE)
        left.annotate(
            f"{worth(count):,}", (count, worth(count)), (6, 4), textcoords="offset points"
        )
    left.set(
        xscale="log",
        yscale="log",
        title="What one saved path is worth",
        xlabel="edge caches that fetch an object again",
        ylabel="unchanged objects hit",
    )
    for (color, dashes), count in zip(LINES, FAN_OUTS, strict=False):
        least = [everything_from(size, count) for size in sizes]
        label = f"{count} cache" + "s" * (count > 1)
        right.plot(sizes, least, color=color, linestyle=dashes, label=label)
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
    text = f"A saved path is worth {', '.join(f'{worth(n):,}' for n in FAN_OUTS)} objects"
    return Chart(figure, f"{text} if {', '.join(map(str, FAN_OUTS))} caches fetch them again")


@style.context(STYLE)
def trade(compared: Comparison, frontiers: Mapping[str, Sequence[Point]]) -> Chart:
    """Draw paths against collateral: each strategy a mark, Edgesweep at every path price a line."""
    sites = compared.sites
    columns = min(3, len(sites))
    rows = -(-(len(sites) + (columns > 1)) // columns)
    figure, panels = _figure(2.55 * rows if columns > 1 else 3.4, rows, columns)
    for axes, site in zip(panels, sites, strict=False):
        line = frontiers[site]
        axes.plot([p.paths for p in line], [p.collateral for p in line], color=BLUE, linewidth=1.3)
        for strategy in compared.strategies:
            row = compared.of(strategy)[site]
            color, shape = MARKS[strategy]
            axes.plot(row.paths, row.collateral, shape, color=color, label=strategy, clip_on=False)
        axes.axvline(FREE_PATHS, color=GREY, linewidth=0.9, linestyle=":")
        axes.set(title=site, xlabel="paths a month", xlim=_decades(axes), xscale="log")
        axes.set_yscale("symlog", linthresh=10)
        axes.set_ylim(0, 3 * axes.get_ylim()[1])
        _short_numbers(axes)
    for axes in panels[::columns]:
        axes.set(ylabel="unchanged objects hit")
    handles, labels = panels[0].get_legend_handles_labels()
    labels = [f"{name}, list price" if name == OURS else name for name in labels]
    handles = [*panels[0].lines[:1], *handles, panels[0].lines[-1]]
    labels = [f"{OURS}, any price", *labels, f"{FREE_PATHS:,} free paths"]
    if columns > 1:
        for axes in panels[len(sites) :]:
            axes.axis("off")
        panels[len(sites)].legend(handles, labels, loc="center left", borderaxespad=0)
    else:
        figure.legend(handles, labels, loc="outside right upper")
    return Chart(figure, f"Paths against unchanged objects hit, on {', '.join(sites)}")


@style.context(STYLE)
def slower(by_site: Mapping[str, Mapping[timedelta, Flushed]]) -> Chart:
    """Draw the flush interval against dollars and staleness."""
    figure, (left, right) = _figure(3.2, columns=2)
    for (color, dashes), (site, flushes) in zip(LINES, by_site.items(), strict=False):
        minutes = [interval / MINUTE for interval in flushes]
        dollars = [float(one.dollars) for one in flushes.values()]
        stale = [one.stale_minutes for one in flushes.values()]
        for axes, heights in ((left, dollars), (right, stale)):
            axes.plot(minutes, heights, "o", color=color, linestyle=dashes, label=site)
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
    return Chart(figure, f"Flush interval against cost and staleness, on {', '.join(by_site)}")


@style.context(STYLE)
def guarantees(curve: Sequence[Guarantee], trials: Sequence[Trial]) -> Chart:
    """Draw what budgets guarantee, and what the worst of months came to."""
    figure, (axes,) = _figure(3.2)
    dollars = [float(one.usd) for one in curve]
    axes.plot(dollars, [one.by_default / MINUTE for one in curve], color=BLUE, label="default")
    axes.plot(
        dollars,
        [one.at_best / MINUTE for one in curve],
        color=GREEN,
        linestyle="--",
        label="all paths kept for the guarantee",
    )
    axes.plot(
        [float(one.guarantee.usd) for one in trials],
        [one.longest_wait / MINUTE for one in trials],
        "X",
        color=BLACK,
        label="longest wait in a month of a change a minute",
        clip_on=False,
    )
    axes.set(xlabel="budget, dollars a month", ylabel="minutes, longest wait of a change")
    axes.set(yscale="log", xlim=(0, max(dollars)))
    axes.set_yticks([5, 10, 20, 50, 100], ["5", "10", "20", "50", "100"])
    axes.minorticks_off()
    axes.legend()
    first, last = curve[0], curve[-1]
    return Chart(
        figure,
        f"Longest wait: {first.by_default / MINUTE:.0f} minutes at ${first.usd}, "
        f"{last.by_default / MINUTE:.0f} at ${last.usd}",
    )


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
def precision(compared: Comparison) -> Chart:
    """Draw the collateral of every strategy; those that are not free are hollow."""
    figure, (axes,) = _figure(3.4)
    sites = compared.sites[::-1]
    for number, strategy in enumerate(compared.strategies):
        color, shape = MARKS[strategy]
        height = 0.35 - 0.14 * number
        for place, site in enumerate(sites):
            row = compared.of(strategy)[site]
            filled = "full" if is_free(row) else "none"
            axes.plot(row.collateral, place + height, shape, color=color, fillstyle=filled)
        axes.plot([], [], shape, color=color, label=strategy)
    axes.plot([], [], "o", color=GREY, fillstyle="none", label="hollow: not free")
    axes.set_yticks(range(len(sites)), sites)
    axes.set_xscale("symlog", linthresh=100)
    axes.set_xlim(-10, 2 * axes.get_xlim()[1])
    axes.xaxis.set_major_formatter(FuncFormatter(_short))
    axes.set(xlabel="unchanged objects hit in a month")
    axes.grid(visible=False, axis="y")
    for place in range(1, len(sites)):
        axes.axhline(place - 0.5, color=GREY, linewidth=0.4)
    figure.legend(loc="outside right center")
    sums = (f"{name} {compared.total(name).collateral:,}" for name in compared.strategies)
    return Chart(figure, f"Unchanged objects hit, five sites together: {', '.join(sums)}")


@style.context(STYLE)
def stack(idle: Bill, changes: Bill) -> Chart:
    """Draw an idle month, and what a million changes add to it."""
    figure, (left, right) = _figure(3.2, columns=2)
    _bars(left, idle, "An idle month")
    _bars(right, changes, "A million changes more")
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return Chart(
        figure,
        f"An idle month: ${idle.gross:.2f}, ${idle.dollars:.2f} of it to pay; "
        f"a million changes: ${changes.gross:.2f}",
    )


def _bars(axes: Axes, bill: Bill, title: str) -> None:
    lines = sorted(bill.lines, key=lambda line: line.gross)
    names = [str(line.item) for line in lines]
    paid = [float(line.dollars) for line in lines]
    saved = [float(line.saved) for line in lines]
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


def _listed(rows: Iterable[Replayed]) -> str:
    return ", ".join(f"{row.history} {_dollars(row.usd)}" for row in rows)


def _dollars(usd: Decimal) -> str:
    return f"${usd:.2f}"
