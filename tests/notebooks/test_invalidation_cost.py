"""The cost notebook runs, says what the code says, and fails when a claim of its own breaks."""

import ast
import re
from collections.abc import Iterator
from copy import deepcopy
from io import BytesIO

import numpy as np
import pytest
from matplotlib.image import imread
from nbclient.exceptions import CellExecutionError

from notebooks.__main__ import FIGURE, FIGURE_CELL, NOTEBOOK, ROOT, Notebook, image, read, run

FEWEST_SECTIONS = 10
# Logic would be one of these: it belongs into the package, where it is tested.
LOGIC = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.For, ast.While, ast.If,
    ast.Try, ast.With,
)  # fmt: skip


@pytest.fixture(scope="module", name="kept")
def _kept() -> Notebook:
    return read()


@pytest.fixture(scope="module", name="again")
def _again(kept: Notebook) -> Notebook:
    """The notebook with the outputs of the code as it is now."""
    again = deepcopy(kept)
    run(again)
    return again


def code(notebook: Notebook) -> Iterator[tuple[str, str]]:
    """Yield the id and the source of each cell of code."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            yield cell.id, cell.source


def said(notebook: Notebook) -> dict[str, list[str]]:
    """Return what each cell says in words."""
    return {
        cell.id: [
            output.text if output.output_type == "stream" else output.data[kind]
            for output in cell.outputs
            for kind in ("text/markdown", "text/plain")
            if output.output_type == "stream" or kind in output.data
        ]
        for cell in notebook.cells
        if cell.cell_type == "code"
    }


def pixels(notebook: Notebook) -> dict[str, np.ndarray]:
    """Return the images by their cells."""
    return {
        cell.id: imread(BytesIO(image(notebook, cell.id)))
        for cell in notebook.cells
        if cell.id.endswith("-figure")
    }


def test_words(kept: Notebook, again: Notebook) -> None:
    """Every sentence and table that is kept is what the code says now: run `make notebook`."""
    assert said(kept) == said(again)


def test_figures(kept: Notebook, again: Notebook) -> None:
    """Every figure that is kept is what the code draws now, but for the smoothing of edges."""
    before, now = pixels(kept), pixels(again)

    assert before.keys() == now.keys()
    for name, drawn in now.items():
        assert drawn.shape == before[name].shape, name
        assert np.abs(drawn - before[name]).mean() < 0.002, name


def test_as_kept(again: Notebook) -> None:
    """A run on this machine leaves no trace of it: no time, no version."""
    assert again.metadata.language_info == {"name": "python"}
    assert "execution" not in str([cell.metadata for cell in again.cells])


def test_sections(kept: Notebook) -> None:
    """A section asks a question, shows a figure, and answers with a claim that it asserts."""
    cells = {cell.id: cell for cell in kept.cells}
    sections = [name for name, cell in cells.items() if cell.source.startswith("## ")][:-1]

    assert len(sections) == FEWEST_SECTIONS
    for number, name in enumerate(sections, 1):
        first = name if name != "pacing" else "precision"
        assert cells[name].source.startswith(f"## {number}. ")
        assert "?" in cells[name].source
        assert "image/png" in cells[f"{name}-figure"].outputs[0].data
        assert "\nassert " in cells[f"{first}-answer"].source
        answer = cells[f"{first}-answer"].outputs[-1].data["text/markdown"]
        assert answer.startswith("**")
        assert answer.endswith(".**")


def test_no_logic(kept: Notebook) -> None:
    """The notebook has no function, loop or branch of its own."""
    for name, source in code(kept):
        assert not [node for node in ast.walk(ast.parse(source)) if isinstance(node, LOGIC)], name


def test_no_typed_number(kept: Notebook) -> None:
    """No number of an answer is typed, nor is one of a question; $0 is what is asked about."""
    prose = [cell.source for cell in kept.cells if cell.cell_type == "markdown"]
    typed = [part for _, source in code(kept) for part in answers(source)]

    for text in (*typed, *prose):
        assert not re.search(r"[1-9]", re.sub(r"^## \d+\.|s3deploy|S3|us-east-1", "", text)), text


def answers(source: str) -> Iterator[str]:
    """Yield what is typed of the answers that a cell computes."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "sentence":
            for part in getattr(node.args[0], "values", []):
                if isinstance(part, ast.Constant):
                    yield str(part.value)


def test_broken(kept: Notebook) -> None:
    """If what is claimed holds no longer the run ends with the cell that claims it."""
    copy = deepcopy(kept)
    cells = {cell.id: cell for cell in copy.cells}
    copy.cells = [cells["setup"], cells["wildcards-figure"], cells["wildcards-answer"]]
    cells["wildcards-figure"].source = f"S3_GET_PRICE *= 2\n{cells['wildcards-figure'].source}"

    with pytest.raises(CellExecutionError, match="assert worth == 961"):
        run(copy)


def test_readme(kept: Notebook) -> None:
    """The README says the notebook's three numbers word for word, and then shows its figure."""
    readme = " ".join((ROOT / "README.md").read_text().split())
    numbers = said(kept)["three-numbers"][0].replace(r"<span>\$</span>", "$")
    (text,) = said(kept)[FIGURE_CELL]
    shown = f"![{text}]({FIGURE.relative_to(ROOT)})"

    assert FIGURE.read_bytes() == image(kept, FIGURE_CELL)
    assert numbers.count("\n") == 2
    assert f"{' '.join(numbers.split())} {shown}" in readme
    assert f"({NOTEBOOK.relative_to(ROOT)})" in readme
