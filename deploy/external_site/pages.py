"""The pages of the magazine: a front page, its stories, its facts of the reader; and the word for a shopper."""

import tomllib
from html import escape
from pathlib import Path
from string import Template

FOLDER = Path(__file__).resolve().parent
FRAME = Template((FOLDER / "frame.html").read_text(encoding="utf-8"))
ART = {path.stem: path.read_text(encoding="utf-8") for path in (FOLDER / "art").glob("*.svg")}
STORIES = {story["slug"]: story for story in tomllib.loads((FOLDER / "stories.toml").read_text("utf-8"))["stories"]}
ICON = ART["lantern"].replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg" fill="#a3182e"')
STATIC = {
    "/post.css": ("text/css; charset=utf-8", (FOLDER / "post.css").read_bytes()),
    "/lantern.svg": ("image/svg+xml", ICON.encode()),
}
MALL = "Lantern Arcade"


def static(path: str) -> tuple[str, bytes] | None:
    return STATIC.get(path)


def page(path: str, mall: str, facts: dict | None) -> tuple[int, str]:
    """Status and HTML; ``facts`` are those of the reader that the mall at the origin ``mall`` gives."""
    match path.strip("/").split("/"):
        case [""]:
            return 200, framed("The Lantern Post", front(), greeting(mall, facts))
        case ["stories", slug] if slug in STORIES:
            story = STORIES[slug]
            return 200, framed(f"{story['title']} – The Lantern Post", whole(story), greeting(mall, facts))
        case ["what-we-know"]:
            return 200, framed("What this site knows of you – The Lantern Post", known(mall, facts), "")
    return 404, framed("Not in this number – The Lantern Post", MISSING, "")


MISSING = '<div class="plain"><h1>Not in this number</h1><p><a href="/">To the front page</a></p></div>'


def framed(title: str, content: str, greeting: str) -> str:
    return FRAME.substitute(title=escape(title), lantern=ART["lantern"], greeting=greeting, content=content)


def greeting(mall: str, facts: dict | None) -> str:
    """Return a word for a shopper; nothing for a reader without facts from the mall."""
    pieces, cart = (facts or {}).get("cart_pieces"), (facts or {}).get("cart_url")
    if not isinstance(pieces, int) or not isinstance(cart, str) or not cart.startswith(f"{mall}/"):
        return ""
    if pieces:
        things = "1 thing" if pieces == 1 else f"{pieces} things"
        said, link = f"You have <strong>{things}</strong> in your cart at {MALL}.", (cart, "See your cart")
    else:
        said, link = f"Your cart at {MALL} is empty. Ten small shops are open.", (f"{mall}/", "Come in")
    return f'<aside class="word" aria-label="{MALL}"><p>{said} <a href="{escape(link[0])}">{link[1]}</a></p></aside>'


def front() -> str:
    first, *others = STORIES.values()
    opening = f'<div class="opening">{paragraphs(first["text"][:2])}</div>'
    return (
        f'<div class="front">{teaser(first, "h1", opening)}'
        f'<div class="others">{"".join(map(teaser, others))}</div></div>'
    )


def paragraphs(text: list[str]) -> str:
    return "".join(f"<p>{escape(paragraph)}</p>" for paragraph in text)


def teaser(story: dict, heading: str = "h2", more: str = "") -> str:
    return (
        f'<article class="teaser">{ART[story["art"]]}<p class="kicker">{escape(story["kicker"])}</p>'
        f'<{heading}><a href="/stories/{story["slug"]}/">{escape(story["title"])}</a></{heading}>'
        f'<p>{escape(story["lead"])}</p><p class="by">By {escape(story["by"])}</p>{more}</article>'
    )


def whole(story: dict) -> str:
    return (
        f'<article class="story"><p class="kicker">{escape(story["kicker"])}</p><h1>{escape(story["title"])}</h1>'
        f'<p class="lead">{escape(story["lead"])}</p><p class="by">By {escape(story["by"])}</p>{ART[story["art"]]}'
        f'<div class="text">{paragraphs(story["text"])}</div></article>'
    )


def known(mall: str, facts: dict | None) -> str:
    """All of it, as it came."""
    rows = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(str(value))}</dd></div>" for name, value in (facts or {}).items()
    )
    shown = f"It says this now, and nothing else:</p><dl>{rows}</dl>" if rows else "It tells us nothing of you now.</p>"
    return (
        '<div class="plain"><h1>What this site knows of you</h1>'
        f'<p>We ask <a href="{escape(mall)}/">{MALL}</a>, of which we are a member, about its shoppers. {shown}'
        "<p>The name that it gives you (<i>sub</i>) is of use to nobody else; it changes when you sign in or out. "
        "If your browser asks that nothing is shared (Global Privacy Control), we do not ask.</p></div>"
    )
