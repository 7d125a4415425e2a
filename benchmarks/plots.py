"""The figures of the page as bars, in files of SVG beside it: a bar is a median, its line the quartiles."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.page import ROOT, places, table_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["PLOTS", "Bars", "draw", "file_name"]

FOLDER = ROOT / "docs/images"
SPREAD = re.compile(r"([\d.]+) \(([\d.]+) to ([\d.]+)\)")
COLOURS = ("#1b6ca8", "#7fb2d9", "#b5651d", "#e3b27f")


class Bars(NamedTuple):
    """What is drawn of a table: the column ``value``, a group of bars for each ``label``, a colour for each series."""

    title: str
    label: str
    series: tuple[str, ...]
    value: str


PLOTS = {
    "calls": Bars(
        "A verb of the gateway, in bare calls", "verb", ("database", "server"), "× the bare call (quartiles)"
    ),
    "order_paid": Bars(
        "An order paid by the gateway, in orders paid by others",
        "paid by",
        ("database", "transport"),
        "the gateway × this (quartiles)",
    ),
}


def draw(text: str) -> None:
    """Draw the plots of a page whose tables are filled."""
    for place in places(text):
        if (bars := PLOTS.get(place.name)) and place.figures:
            _save(place.name, bars, table_of(place.figures))


def file_name(name: str) -> str:
    """Return the name of the file of a plot."""
    return f"bench-{name.replace('_', '-')}.svg"


def _save(name: str, bars: Bars, rows: Sequence[dict[str, str]]) -> None:
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": name, "font.family": "sans-serif"})
    from matplotlib import pyplot

    spreads = {_key(bars, row): spread for row in rows if (spread := SPREAD.fullmatch(row[bars.value]))}
    labels = list(dict.fromkeys(label for label, _ in spreads))
    series = list(dict.fromkeys(series for _, series in spreads))
    figure, axes = pyplot.subplots(figsize=(8, 0.8 + 0.22 * len(spreads)), layout="constrained")
    for place, each in enumerate(series):
        _bars(axes, [spreads[label, each] for label in labels], each, place, len(series))
    axes.set_yticks(range(len(labels)), [label.replace("`", "") for label in labels])
    axes.invert_yaxis()
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_title(bars.title)
    figure.legend(loc="outside right upper")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(FOLDER / file_name(name), metadata={"Date": None})
    pyplot.close(figure)


def _bars(axes: "Axes", spreads: Sequence["re.Match[str]"], label: str, place: int, count: int) -> None:
    medians, lows, highs = (tuple(float(spread[part]) for spread in spreads) for part in (1, 2, 3))
    height = 0.8 / count
    offsets = [row - 0.4 + height * (place + 0.5) for row in range(len(spreads))]
    below = [median - low for median, low in zip(medians, lows, strict=True)]
    above = [high - median for median, high in zip(medians, highs, strict=True)]
    style: Any = {"xerr": (below, above), "error_kw": {"elinewidth": 0.8}, "color": COLOURS[place]}
    axes.barh(offsets, medians, height * 0.9, label=label, **style)


def _key(bars: Bars, row: dict[str, str]) -> tuple[str, str]:
    return row[bars.label], ", ".join(row[column] for column in bars.series)
