"""The golden page: what is sent for everyday changes, written out by hand with the reason.

The site: a dozen files at the root, 60 blog posts, 3 docs versions of 100 pages and 20 galleries of
50 images. Two prices: at LIST a path costs as much as fetching 961 objects again; at CHEAP, while
the month is heading for its free paths, as much as 19.
"""

from decimal import Decimal

from edgesweep.cover import Limits, Prices, cover

LIST = Prices()
CHEAP = Prices(path=Decimal("0.0001"))

ROOT = (
    "/404.html",
    "/about.html",
    "/favicon.ico",
    "/feed.xml",
    "/humans.txt",
    "/index.html",
    "/main.js",
    "/manifest.json",
    "/robots.txt",
    "/search.json",
    "/sitemap.xml",
    "/styles.css",
)
POSTS = tuple(f"/blog/2026/post-{number:03d}/index.html" for number in range(60))
DOCS = tuple(f"/docs/v{version}/page-{page:03d}.html" for version in "123" for page in range(100))
IMAGES = tuple(
    f"/images/gallery-{gallery:02d}/img-{image:02d}.jpg"
    for gallery in range(20)
    for image in range(50)
)
SITE = (*ROOT, "/blog/index.html", *POSTS, *DOCS, *IMAGES)


def sent(
    *dirty: str, live: tuple[str, ...] = SITE, prices: Prices = LIST, paths: int | None = None
) -> tuple[str, ...]:
    """Return the quoted paths that are sent when `dirty` changed."""
    return cover(dirty, live, prices=prices, limits=Limits(paths=paths)).paths


POST = (
    "/blog/2026/post-060/hero.jpg",
    "/blog/2026/post-060/index.html",
    "/blog/index.html",
    "/feed.xml",
    "/index.html",
    "/sitemap.xml",
)


def test_post_published() -> None:
    """The new folder is one wildcard, which hits nothing else; the four lists stay exact.

    Widening to /blog/* would save one more path, worth 19 objects, and hit 60 posts.
    """
    assert sent(*POST, prices=CHEAP) == (
        "/blog/2026/post-060/*",
        "/blog/index.html",
        "/feed.xml",
        "/index.html",
        "/sitemap.xml",
    )


def test_post_published_at_list_price() -> None:
    """Everything is the cheapest: /* saves three paths more than /blog/*, and hits 1,309 more.

    Three paths are worth 2,884 objects. Beside an archive of 3,000 more it is /blog/* instead.
    """
    assert sent(*POST) == ("/*",)
    assert sent(*POST, live=(*SITE, *(f"/archive/{n}" for n in range(3_000)))) == (
        "/blog/*",
        "/feed.xml",
        "/index.html",
        "/sitemap.xml",
    )


def test_post_published_on_the_last_paths() -> None:
    """With four paths left /blog/* is the narrowest way to save one more: 60 posts."""
    assert sent(*POST, prices=CHEAP, paths=4) == (
        "/blog/*",
        "/feed.xml",
        "/index.html",
        "/sitemap.xml",
    )


def test_docs_version_rebuilt() -> None:
    """A hundred pages share all up to the first digit that differs, and nothing else does."""
    rebuilt = [page for page in DOCS if page.startswith("/docs/v3/")]

    assert sent(*rebuilt, prices=CHEAP) == ("/docs/v3/page-0*",)
    assert sent(*rebuilt, prices=LIST) == ("/docs/v3/page-0*",)


def test_image_folder() -> None:
    """One gallery is one wildcard that stops where its images begin to differ."""
    gallery = [image for image in IMAGES if "/gallery-07/" in image]

    assert sent(*gallery, prices=CHEAP) == ("/images/gallery-07/img-*",)


SCATTERED = tuple(
    f"/images/gallery-{gallery}/img-17.jpg"
    for gallery in ("00", "01", "02", "03", "04", "05", "10", "11", "12", "13")
)


def test_scattered_images() -> None:
    """Ten images of ten galleries stay ten paths: saving nine is worth 173 objects, not 990."""
    assert sent(*SCATTERED, prices=CHEAP) == SCATTERED


def test_scattered_images_at_list_price() -> None:
    """Nine paths are worth 8,653 objects: all 1,000 images are less, and one path is the least."""
    assert sent(*SCATTERED) == ("/images/gallery-*",)


def test_scattered_images_on_the_last_paths() -> None:
    """A wildcard over the first ten galleries hits 494 objects, one over the others 496."""
    assert sent(*SCATTERED, prices=CHEAP, paths=7) == ("/images/gallery-0*", *SCATTERED[6:])


def test_nine_root_files() -> None:
    """Only /f* and /ma* hit nothing that did not change; the others stand alone."""
    changed = [
        "/404.html",
        "/about.html",
        "/favicon.ico",
        "/feed.xml",
        "/humans.txt",
        "/index.html",
        "/main.js",
        "/manifest.json",
        "/robots.txt",
    ]

    assert sent(*changed, prices=CHEAP) == (
        "/404.html",
        "/about.html",
        "/f*",
        "/humans.txt",
        "/index.html",
        "/ma*",
        "/robots.txt",
    )


def test_template_changed() -> None:
    """All pages changed, no image did: folders of pages collapse, pages at the root stay exact."""
    pages = [path for path in SITE if path.endswith(".html")]

    assert sent(*pages, prices=CHEAP) == (
        "/404.html",
        "/about.html",
        "/blog/*",
        "/docs/v*",
        "/index.html",
    )


def test_template_changed_at_list_price() -> None:
    """Four paths more than /* are worth 3,846 objects, and /* hits 1,009 that did not change."""
    pages = [path for path in SITE if path.endswith(".html")]

    assert sent(*pages) == ("/*",)


def test_non_ascii_names() -> None:
    """Names are compared as text and quoted last: größe and größer part after the e.

    Both files of the one folder changed, none of the other.
    """
    live = (*SITE, "/blog/größe/index.html", "/blog/größe/bild.jpg", "/blog/größer/index.html")

    assert sent("/blog/größe/index.html", "/blog/größe/bild.jpg", live=live, prices=CHEAP) == (
        "/blog/gr%C3%B6%C3%9Fe/*",
    )


def test_non_ascii_cut() -> None:
    """A cut never falls inside a character: é and è share their first byte, yet the cut is caf."""
    assert sent("/café", "/cafè", live=()) == ("/caf*",)


def test_tilde() -> None:
    """A tilde cannot be said: the wildcard stops before it, and hits report.pdf as well."""
    assert sent("/files/report~1.pdf", live=("/files/report.pdf",)) == ("/files/report*",)


def test_asterisk() -> None:
    """A literal asterisk reads as a wildcard, so the path stops there; a plain one beside it stays.

    /notes/a* covers /notes/a*b.txt and /notes/a.txt; /notes/z.txt shares only /notes/ with them,
    where 1,000 unchanged notes are.
    """
    live = tuple(f"/notes/m{number}" for number in range(1_000))

    assert sent("/notes/a*b.txt", "/notes/a.txt", "/notes/z.txt", live=live) == (
        "/notes/a*",
        "/notes/z.txt",
    )


def test_everything_at_once() -> None:
    """A whole site uploaded again is one path, at any price."""
    assert sent(*SITE, prices=CHEAP) == ("/*",)
    assert sent(*SITE, prices=LIST) == ("/*",)
