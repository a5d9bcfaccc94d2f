"""Shows people how far a command has come."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress


@contextmanager
def progress(label: str, total: float | None = None) -> Iterator[Callable[[float], None]]:
    """Show progress on standard error, or nothing if that is a file; yield what sets how far."""
    console, columns = Console(stderr=True), Progress.get_default_columns()
    hidden = not console.is_terminal
    with Progress(
        *columns, MofNCompleteColumn(), console=console, transient=True, disable=hidden
    ) as display:
        task = display.add_task(label, total=total)
        yield lambda done: display.update(task, completed=done)
