"""A git repository of a built site is read as a publish history."""

import json
import subprocess
from collections.abc import Generator, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner

from edgesweep.cli.commands import main
from edgesweep.errors import BadInput
from edgesweep.lab.git import Repository

START = 1_790_000_000
OCTOBER = int(datetime(2026, 10, 1, tzinfo=UTC).timestamp())
DAY = 86_400
FILE, PROGRAM, LINK, SUBMODULE = "100644", "100755", "120000", "160000"


def put(path: str, text: str, mode: str = FILE) -> str:
    """Write a file or a symbolic link."""
    return f"M {mode} inline {path}\ndata {len(text.encode())}\n{text}\n"


def module(path: str, commit: str = "1" * 40) -> str:
    """Write a submodule."""
    return f"M {SUBMODULE} {commit} {path}\n"


def drop(path: str) -> str:
    """Delete a file or a folder."""
    return f"D {path}\n"


def move(old: str, new: str) -> str:
    """Rename a file or a folder."""
    return f'R "{old}" {new}\n'


def commit(branch: str, time: int, *changes: str, merge: str = "") -> str:
    """Return a commit on top of its branch, if there is any, in the words of `git fast-import`."""
    merged = f"merge refs/heads/{merge}\n" if merge else ""
    header = f"commit refs/heads/{branch}\ncommitter A <a@b.c> {time} +0900\ndata 0\n"
    return f"{header}{merged}{''.join(changes)}\n"


def build(folder: Path, *commits: str | bytes) -> Path:
    """Make a bare repository."""
    site = folder / "site.git"
    subprocess.run(["git", "init", "--quiet", "--bare", site], check=True)
    stream = b"".join(one if isinstance(one, bytes) else one.encode() for one in commits)
    subprocess.run(
        ["git", "-C", site, "fast-import", "--quiet", "--force"], input=stream, check=True
    )
    return site


# What each commit did, and what an observer of the bucket saw: + added, ~ modified, - deleted.
COMMITS: Sequence[tuple[Sequence[str], str]] = [
    (
        [put("index.html", "1"), put("css/a.css", "1"), put("grüße/日本.html", "1")],
        "+index.html +css/a.css +grüße/日本.html",
    ),
    ([put("index.html", "2")], "~index.html"),
    ([move("css/a.css", "css/b.css")], "-css/a.css +css/b.css"),
    ([], ""),
    ([move("grüße/日本.html", "grüße/🎈.html")], "-grüße/日本.html +grüße/🎈.html"),
    ([move("css", "style")], "-css/b.css +style/b.css"),
    ([put('odd"name', "1"), put(":colon", "1")], '+odd"name +:colon'),
    ([drop('odd"name'), put(":colon", "2")], '-odd"name ~:colon'),
    ([put("latest", "v1", LINK), module("themes")], "+latest"),
    ([put("latest", "v2", LINK), module("themes", "2" * 40)], "~latest"),
    ([put("index.html", "2", PROGRAM)], ""),
    ([put("latest", "v2")], "~latest"),
    ([module("latest")], "-latest"),
    ([drop("latest"), put("themes", "1")], "+themes"),
    ([drop("style"), put("style", "1")], "-style/b.css +style"),
    ([drop("grüße")], "-grüße/🎈.html"),
    *(
        ([put(f"posts/{number}.html", "1"), put("index.html", f"{number}")], "")
        for number in range(17, 51)
    ),
]


def seen(number: int) -> tuple[set[str], set[str], set[str]]:
    """Return what the commit of a number, from 1, added, modified and deleted."""
    if number > 16:
        return {f"/posts/{number}.html"}, {"/index.html"}, set()
    words = COMMITS[number - 1][1].split()
    added, modified, deleted = (
        {"/" + word[1:] for word in words if word.startswith(sign)} for sign in "+~-"
    )
    return added, modified, deleted


def test_history(tmp_path: Path) -> None:
    """Fifty commits of an orphan branch, renames and all, are the history written by hand."""
    site = build(
        tmp_path,
        commit("main", START - DAY, put("source.md", "1")),
        *(
            commit("gh-pages", START + DAY * day, *changes)
            for day, (changes, _) in enumerate(COMMITS)
        ),
    )
    live: set[str] = set()
    counted: list[tuple[int, int]] = []

    steps = list(Repository(site, "gh-pages").steps(lambda *count: counted.append(count)))

    assert len(steps) == len(COMMITS) == 50
    for number, step in enumerate(steps, 1):
        added, modified, deleted = seen(number)
        live = (live | added) - deleted
        assert step.at == datetime.fromtimestamp(START + DAY * (number - 1), UTC)
        assert step.dirty == sorted(added | modified | deleted)
        assert step.live == sorted(live)
    assert sorted(live)[:5] == [
        "/:colon",
        "/index.html",
        *(f"/posts/{n}.html" for n in (17, 18, 19)),
    ]
    assert counted == [(number, 50) for number in range(1, 51)]


def test_command(tmp_path: Path) -> None:
    """The command replays a repository, whose commits move the display of progress."""
    site = build(
        tmp_path, *(commit("main", START + n, put("a", f"{n}"), put("b", "1")) for n in range(400))
    )
    arguments = ["replay", "--git", str(site), "--branch", "main", "--json"]

    shown = CliRunner(env={"FORCE_COLOR": "1"}).invoke(main, arguments)

    rows = json.loads(shown.stdout)
    assert [row["deploys"] for row in rows] == [400] * 6
    assert {row["paths"] for row in rows if row["strategy"] == "each-path"} == {401}
    assert "Replaying" in shown.stderr
    assert "1/1" in shown.stderr


def month_of_commits(folders: int, changes: int, deploys: int) -> Iterator[str]:
    """Yield the commits of October: pages in folders, then each time some pages and a new one."""
    random = Random(1)  # noqa: S311  # repeatable, not secret
    pages = [f"{folder:02}/{page:02}.html" for folder in range(folders) for page in range(20)]
    yield commit("gh-pages", OCTOBER, *(put(page, "0") for page in pages))
    for number in range(1, deploys):
        changed = sorted([*random.sample(pages, changes), f"{number % folders:02}/new/{number}"])
        time = OCTOBER + 31 * DAY * number // deploys
        yield commit("gh-pages", time, *(put(page, f"{number}") for page in changed))


@pytest.mark.parametrize(
    ("folders", "changes", "deploys"),
    [(3, 2, 9), (12, 30, 31), (40, 12, 100), (25, 3, 245)],
)
def test_defaults(folders: int, changes: int, deploys: int, tmp_path: Path) -> None:
    """By default ours is free, and hits no more than collapsing levels where that is free too."""
    site = build(tmp_path, *month_of_commits(folders, changes, deploys))

    shown = CliRunner().invoke(main, ["replay", "--git", str(site), "--json"])

    rows = {row["strategy"]: row for row in json.loads(shown.stdout)}
    ours, levels = rows["edgesweep"], rows["level-collapse"]
    assert ours["missed"] == 0
    assert ours["usd"] == levels["usd"] == 0
    assert ours["collateral"] <= levels["collateral"]


@pytest.mark.parametrize("root", ["docs/", "/docs/", "./docs", "docs//../docs"])
def test_root(tmp_path: Path, root: str) -> None:
    """A folder of a branch is a site, without the files that no tool publishes."""
    site = build(
        tmp_path,
        commit("main", START, put("docs/a", "1"), put("docs/CNAME", "x"), put("docs.md", "1")),
        commit("main", START + DAY, put("docs/.nojekyll", ""), put("docs/b/CNAME", "1")),
        commit("main", START + 2 * DAY, drop("docs/a"), put("readme", "1")),
    )

    steps = list(Repository(site, "main", root).steps())

    assert [step.dirty for step in steps] == [["/a"], ["/b/CNAME"], ["/a"]]
    assert steps[-1].live == ["/b/CNAME"]


@pytest.mark.parametrize("root", ["", ".", "./", "/"])
def test_whole(tmp_path: Path, root: str) -> None:
    """The root of a repository is all of it."""
    site = build(tmp_path, commit("main", START, put("docs/a", "1"), put("b", "1")))

    assert [step.dirty for step in Repository(site, "main", root).steps()] == [["/b", "/docs/a"]]


def test_no_root(tmp_path: Path) -> None:
    """A folder that the branch does not have is refused."""
    site = build(tmp_path, commit("main", START, put("docs/a", "1")))

    with pytest.raises(BadInput, match="the branch 'main' has no folder 'doc'"):
        next(Repository(site, "main", "doc").steps())


def test_many_files(tmp_path: Path) -> None:
    """A site of 100,000 files is read with every one of them live, and none of them twice."""
    files = [f"{number % 300:03}/{number:06}.html" for number in range(100_000)]
    site = build(
        tmp_path,
        "blob\nmark :1\ndata 1\n1\n",
        commit("main", START, *(f"M {FILE} :1 {name}\n" for name in files)),
        commit("main", START + DAY, put(files[7], "2"), drop(files[8])),
    )

    first, second = Repository(site, "main").steps()

    everything = sorted(f"/{name}" for name in files)
    assert first.dirty == first.live == everything
    assert second.dirty == sorted([f"/{files[7]}", f"/{files[8]}"])
    assert second.live == [path for path in everything if path != f"/{files[8]}"]


def test_merge(tmp_path: Path) -> None:
    """A merge is one deploy of what it brought in, even if it joins an unrelated root."""
    site = build(
        tmp_path,
        commit("side", START, put("b", "1")),
        commit("side", START + 1, put("c", "1"), put("b", "2")),
        commit("main", START + 2, put("a", "1")),
        commit("main", START + 3, put("b", "2"), put("c", "1"), merge="side"),
    )

    steps = list(Repository(site, "main").steps())

    assert [step.dirty for step in steps] == [["/a"], ["/b", "/c"]]


def test_clock(tmp_path: Path) -> None:
    """A commit whose clock was behind or ahead counts at the time of the one before it."""
    seconds = (7, 10, 3, 4_000_000_000, 20, 20, 15, 30)
    site = build(
        tmp_path, *(commit("main", START + second, put("a", f"{second}")) for second in seconds)
    )

    steps = list(Repository(site, "main").steps())

    assert [int(step.at.timestamp()) - START for step in steps] == [7, 10, 10, 10, 20, 20, 20, 30]


def test_first_clock(tmp_path: Path) -> None:
    """First commits whose clocks were ahead count at the time of the first that can be right."""
    site = build(
        tmp_path, *(commit("main", START + second, put("a", f"{second}")) for second in (9, 1, 2))
    )

    steps = list(Repository(site, "main").steps())

    assert [int(step.at.timestamp()) - START for step in steps] == [1, 1, 2]


def test_impossible_time(tmp_path: Path) -> None:
    """A time that no calendar holds is refused in one line."""
    site = build(tmp_path, commit("main", 2**55, put("a", "1")))

    with pytest.raises(BadInput, match=r"site\.git: a commit's time is out of range"):
        list(Repository(site, "main").steps())


def test_not_utf8(tmp_path: Path) -> None:
    """A name that is no UTF-8 is a key all the same, since a key is text."""
    change = put("caf?", "1").encode().replace(b"?", b"\xe9")
    site = build(tmp_path, commit("main", START).encode().rstrip(b"\n") + b"\n" + change)

    (step,) = Repository(site, "main").steps()

    assert step.dirty == ["/caf�"]


def test_shallow(tmp_path: Path) -> None:
    """What a shallow clone begins with was live before, and no deploy."""
    site = build(
        tmp_path,
        commit("main", START, put("a", "1"), put("ü", "1")),
        commit("main", START + 1, put("b", "1"), module("themes")),
        commit("main", START + 2, put("a", "2")),
    )
    clone = tmp_path / "clone"
    subprocess.run(
        ["git", "clone", "-q", "--depth=2", "--branch=main", site.as_uri(), clone], check=True
    )

    (step,) = Repository(clone, "main").steps()

    assert (step.dirty, step.live) == (["/a"], ["/a", "/b", "/ü"])


def test_remote_branch(tmp_path: Path) -> None:
    """A branch that only origin has is found, and so is any revision."""
    site = build(
        tmp_path,
        commit("main", START, put("source", "1")),
        commit("gh-pages", START, put("a", "1")),
        commit("gh-pages", START + 1, put("a", "2")),
    )
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", "--branch=main", site.as_uri(), clone], check=True)

    assert [len(list(Repository(clone, name).steps())) for name in ("gh-pages", "main")] == [2, 1]
    assert len(list(Repository(site, "gh-pages~1").steps())) == 1
    assert Repository(site, "gh-pages").name == "site"
    assert Repository(clone, "gh-pages").name == "clone"


def test_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The repository that a hook or a shell points git at does not replace the one asked for."""
    site = build(tmp_path, commit("main", START, put("a", "1")))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "another"))

    (step,) = Repository(site, "main").steps()

    assert step.dirty == ["/a"]


def test_left_early(tmp_path: Path) -> None:
    """A reader that stops early leaves no git behind."""
    site = build(
        tmp_path, *(commit("main", START + n, put("a", f"{n}")) for n in range(3)), put_many(3)
    )
    steps = Repository(site, "main").steps()
    assert isinstance(steps, Generator)
    next(steps)

    steps.close()

    assert list(steps) == []


def put_many(day: int) -> str:
    """Return a commit whose difference fills more than a pipe."""
    return commit("main", START + day, *(put(f"{number:064}", "1") for number in range(2_000)))


@pytest.mark.parametrize("branch", ["nowhere", "--help", "", "a b", "main:a"])
def test_no_branch(tmp_path: Path, branch: str) -> None:
    """A branch that is not there, or looks like an option, is refused by its name."""
    site = build(tmp_path, commit("main", START, put("a", "1")))

    with pytest.raises(BadInput, match=r"site\.git: there is no branch '.*' with a commit$"):
        list(Repository(site, branch).steps())


def test_empty_repository(tmp_path: Path) -> None:
    """A repository without a commit has no branch."""
    with pytest.raises(BadInput, match="there is no branch 'main' with a commit"):
        list(Repository(build(tmp_path), "main").steps())


def test_no_repository(tmp_path: Path) -> None:
    """A folder that is none, or no repository, is refused in git's words, in one line."""
    for folder, says in ((tmp_path, "not a git repository"), (tmp_path / "a", "No such file")):
        with pytest.raises(BadInput, match=says) as refusal:
            list(Repository(folder, "main").steps())
        assert "\n" not in str(refusal.value)


def test_damaged(tmp_path: Path) -> None:
    """A repository that lacks an object is refused, however much of it was read."""
    site = build(
        tmp_path, commit("main", START, put("a", "1")), commit("main", START, put("b", "1"))
    )
    tree = subprocess.check_output(["git", "-C", site, "rev-parse", "main^{tree}"], text=True)
    (site / "objects" / tree[:2] / tree[2:].strip()).unlink()

    with pytest.raises(BadInput, match=r"site\.git: "):
        list(Repository(site, "main").steps())


def test_no_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where git is not installed, that is said."""
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(BadInput, match="git cannot be run: No such file or directory"):
        list(Repository(tmp_path, "main").steps())


@pytest.mark.parametrize("path", ["site", "site.git", "site/.git"])
def test_name(tmp_path: Path, path: str) -> None:
    """A repository has the name of its folder, also as a mirror and by its own data."""
    assert Repository(tmp_path / path, "main").name == "site"
