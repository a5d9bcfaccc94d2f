"""The notebook becomes a web page, and every viewer shows its dollars as dollars."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest

from notebooks.__main__ import NOTEBOOK, read

# MathJax looks into none of these, and lets a formula go on past a line break alone.
# https://docs.mathjax.org/en/v2.7-latest/options/preprocessors/tex2jax.html
UNREAD = {"script", "style", "pre", "code", "textarea"}
BREAKS = {"br", "wbr"}
FORMULA = re.compile(r"(?<!\\)\$.*(?<!\\)\$|\\\(|\\\[", re.DOTALL)


class Page(HTMLParser):
    """What a page shows.

    Attributes:
        runs: the text between two elements, each of which MathJax reads by itself.
        images: the alternative text of each image, empty for none.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.runs, self.images = [""], list[str]()
        self._unread = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._unread += tag in UNREAD
        self.runs += [] if tag in BREAKS else [""]
        if tag == "img":
            self.images.append(dict(attrs).get("alt") or "")

    def handle_endtag(self, tag: str) -> None:
        self._unread -= tag in UNREAD
        self.runs.append("")

    def handle_data(self, data: str) -> None:
        self.runs[-1] += "" if self._unread else data

    def formulas(self) -> list[str]:
        """Return the text that MathJax typesets."""
        return [run for run in self.runs if FORMULA.search(run)]


@pytest.fixture(scope="module", name="page", params=["lab", "classic"])
def _page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Page:
    """The page that nbconvert writes, in its default template and in the older one."""
    folder = tmp_path_factory.mktemp("page")
    options = ["--to", "html", "--template", request.param, "--output-dir", folder]
    command = [sys.executable, "-m", "nbconvert", *options, NOTEBOOK]
    environment = os.environ | {"JUPYTER_CONFIG_DIR": str(folder)}
    subprocess.run(command, env=environment, check=True, capture_output=True)
    return Page((folder / Path(NOTEBOOK.name).with_suffix(".html")).read_text())


def test_valid() -> None:
    """The notebook is valid, and its cells are counted in the order in which they ran."""
    notebook = read()
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]

    nbformat.validate(notebook)
    assert counts == list(range(1, len(counts) + 1))


def test_dollars(page: Page) -> None:
    """The page shows dollars, and no pair of them is typeset as mathematics."""
    assert sum(run.count("$") for run in page.runs) > 20
    assert page.formulas() == []


@pytest.mark.parametrize(
    ("text", "typeset"),
    [
        ("<p>five sites $107.40 a month, docs alone <b>x</b> $45.78</p>", 0),
        ("<p>five sites $107.40 a month, docs alone $45.78</p>", 1),
        ("<p>five sites $107.40 a month,<br>docs alone $45.78</p>", 1),
        (r"<p>five sites \$107.40 a month, docs alone \$45.78</p>", 0),
        ("<pre>$5 $6</pre><p><code>$5 $6</code></p>", 0),
        ("<p><span>$</span>5 and <span>$</span>6</p>", 0),
    ],
)
def test_pairs(text: str, typeset: int) -> None:
    """A pair of dollars counts wherever MathJax would look for one."""
    assert len(Page(text).formulas()) == typeset


def test_source() -> None:
    """Every dollar of Markdown is escaped: some viewers look for mathematics in it."""
    notebook = read()
    written = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    outputs = [one for cell in notebook.cells for one in cell.get("outputs", [])]
    written += [
        one.data["text/markdown"] for one in outputs if "text/markdown" in one.get("data", ())
    ]

    assert not [text for text in written if re.search(r"(?<!\\)\$", text)]


@pytest.mark.parametrize("page", ["classic"], indirect=True)
def test_alternative(page: Page) -> None:
    """Every figure says in words what it shows, for the templates that ask for it."""
    cells = [cell for cell in read().cells if cell.id.endswith("-figure")]

    assert page.images == [cell.outputs[0].data["text/plain"] for cell in cells]
    assert all(re.search(r"\d", text) for text in page.images)
