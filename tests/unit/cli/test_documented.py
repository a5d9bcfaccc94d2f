"""The documents name only commands and options that there are."""

import re
import shlex
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import click
import pytest

from edgesweep.cli.commands import main
from edgesweep.operate.status import NEXT
from edgesweep.record.recorder import Fate

ROOT = Path(__file__).parents[3]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
# The code generates one; the other describes the past.
WRITTEN = [page for page in PAGES if page.name not in {"cli.md", "CHANGELOG.md"}]


def commands(text: str) -> Iterator[list[str]]:
    """Yield the arguments of each `edgesweep` command in a page."""
    for found in re.finditer(r"(?:^|[\s`|/])edgesweep((?: [^\n`#)]+)+)", text):
        words = shlex.split(found[1].replace("\\\n", " "))
        words = list(takewhile(lambda word: word not in {"|", "&&", ">", ">>"}, words))
        if words[0] in main.commands or words[0].startswith("-"):
            yield words


def fault(words: list[str]) -> str:
    """Return why a command is not understood; prose may leave out an argument."""
    try:
        main.make_context("edgesweep", words).close()
        if words[0] in main.commands:
            main.commands[words[0]].make_context(words[0], words[1:]).close()
    except (click.MissingParameter, click.exceptions.Exit):
        return ""
    except click.ClickException as error:
        return error.format_message()
    return ""


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_parsed(page: Path) -> None:
    """Each command in code is understood; in prose its arguments may be missing."""
    code = re.findall(r"^```\w*\n(.*?)^```|`([^`\n]+)`", page.read_text(), re.DOTALL | re.MULTILINE)

    found = [words for block, span in code for words in commands(block or span)]

    assert [(words, fault(words)) for words in found if fault(words)] == []


def test_noticed() -> None:
    """Commands are found, and an option that there is not would be noticed."""
    pages = "".join(page.read_text() for page in WRITTEN)
    assert {words[0] for words in commands(pages)} >= main.commands.keys() - {"completion"}
    assert list(commands("edgesweep plan - --nothing | sort")) == [["plan", "-", "--nothing"]]
    assert fault(["plan", "-", "--nothing"]).startswith("No such option")


def test_troubleshooting() -> None:
    """The page on changes that do not show up explains every answer of `status` and every fate."""
    page = (ROOT / "docs" / "troubleshooting.md").read_text()

    assert [text for text in NEXT.values() if f"| `{text}` |" not in page] == []
    assert [fate for fate in Fate if fate is not Fate.SWEPT and f"`{fate}`" not in page] == []


def test_linked() -> None:
    """Every page is linked from another one, and every link between pages leads somewhere."""
    led_to = set()
    for page in PAGES:
        for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
            if not link.startswith("http"):
                target = (page.parent / link).resolve()
                assert target.exists(), (page, link)
                led_to.add(target)
    unseen = {page for page in PAGES if led_to.isdisjoint({page, page.parent})}
    assert unseen == {ROOT / "README.md"}
