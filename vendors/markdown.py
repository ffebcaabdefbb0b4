"""Vendors' Markdown, rendered as sanitised HTML.

Stores on a path share the master's origin, so a vendor's text may not add script, style, forms or external pictures.
"""

import markdown
import nh3
from django.utils.safestring import SafeString, mark_safe

TAGS = {"p", "br", "hr", "strong", "em", "ul", "ol", "li", "blockquote", "code", "pre", "a", "h3", "h4"} | {
    "table", "thead", "tbody", "tr", "th", "td"
}  # fmt: skip
ATTRIBUTES = {"a": {"href", "title"}}
SCHEMES = {"http", "https", "mailto", "tel"}
DEMOTED = str.maketrans({"1": "3", "2": "4"})


def render_markdown(text: str) -> SafeString:
    """Render a vendor's Markdown as sanitised HTML; headings begin at h3, links carry ``rel=nofollow``."""
    html = markdown.markdown(text, extensions=["tables", "sane_lists", "smarty"], output_format="html")
    clean = nh3.clean(
        demote_headings(html), tags=TAGS, attributes=ATTRIBUTES, url_schemes=SCHEMES, link_rel="nofollow noopener"
    )
    return mark_safe(clean)  # noqa: S308 -- cleaned in the line above


def demote_headings(html: str) -> str:
    """Demote h1 and h2 to h3 and h4, below the page's own headings."""
    for level in "21":
        lowered = level.translate(DEMOTED)
        html = html.replace(f"<h{level}>", f"<h{lowered}>").replace(f"</h{level}>", f"</h{lowered}>")
    return html
