"""Run the notebook, and write its outputs and the figure of the README in place.

    python -m notebooks

The outputs depend on the code alone: no times, no versions.
"""

import os
import sys
from base64 import b64decode
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from traitlets.config import Config

ROOT = Path(__file__).parent.parent
NOTEBOOK = ROOT / "notebooks" / "invalidation_cost.ipynb"
FIGURE, FIGURE_CELL = ROOT / "docs" / "precision.png", "precision-figure"
# Only what is broken takes this long, on a machine that has much else to do as well.
SECONDS = 1_800

Notebook = Any


def read(path: Path = NOTEBOOK) -> Notebook:
    """Return a notebook with the outputs that it was kept with."""
    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]


def run(notebook: Notebook) -> None:
    """Run a notebook from its own folder, and replace its outputs.

    The kernel is this interpreter's own, whatever else is called python3 on this machine. It
    listens on no port, and knows nothing of the user's own configuration.

    Raises:
        CellExecutionError: a cell failed.
    """
    with TemporaryDirectory() as home:
        client = NotebookClient(
            notebook,
            timeout=SECONDS,
            startup_timeout=SECONDS,
            kernel_name="python3",
            resources={"metadata": {"path": str(NOTEBOOK.parent)}},
            record_timing=False,
            extra_arguments=["--HistoryManager.enabled=False"],
            config=Config(
                KernelManager={"transport": "ipc", "ip": f"{home}/kernel"},
                KernelSpecManager={"kernel_dirs": []},
            ),
        )
        client.execute(env={**os.environ, "IPYTHONDIR": home})
    notebook.metadata.language_info = {"name": "python"}


def image(notebook: Notebook, cell_id: str) -> bytes:
    """Return the image that a cell shows."""
    (cell,) = (cell for cell in notebook.cells if cell.id == cell_id)
    (output,) = cell.outputs
    return b64decode(output.data["image/png"])


def main() -> int:
    """Run from the command line; return the exit status."""
    notebook = read()
    try:
        run(notebook)
    except CellExecutionError as error:
        print(error, file=sys.stderr)  # noqa: T201  # to whoever runs it
        return 1
    nbformat.validate(notebook)
    nbformat.write(notebook, NOTEBOOK)  # type: ignore[no-untyped-call]
    FIGURE.write_bytes(image(notebook, FIGURE_CELL))
    return 0


if __name__ == "__main__":
    sys.exit(main())
