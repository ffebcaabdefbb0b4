"""Vendors' texts: Markdown in, safe HTML out.

Path stores share the master's origin, so nothing that a vendor writes may bring script,
style, forms or foreign pictures.
"""

import markdown
import nh3
from django.utils.safestring import SafeString, mark_safe

TAGS = {"p", "br", "hr", "strong", "em", "ul", "ol", "li", "blockquote", "code", "pre", "a", "h3", "h4"} | {
    "table", "thead", "tbody", "tr", "th", "td"
}  # fmt: skip
ATTRIBUTES = {"a": {"href", "title"}}
SCHEMES = {"http", "https", "mailto", "tel"}
LOWERED = str.maketrans({"1": "3", "2": "4"})


def render(text: str) -> SafeString:
    """The HTML of a vendor's Markdown; headings begin at h3, links of others carry ``rel=nofollow``."""
    html = markdown.markdown(text, extensions=["tables", "sane_lists", "smarty"], output_format="html")
    clean = nh3.clean(
        lower_headings(html), tags=TAGS, attributes=ATTRIBUTES, url_schemes=SCHEMES, link_rel="nofollow noopener"
    )
    return mark_safe(clean)  # noqa: S308 -- cleaned in the line above


def lower_headings(html: str) -> str:
    """A vendor's # stands below the page's own headings."""
    for level in "21":
        lowered = level.translate(LOWERED)
        html = html.replace(f"<h{level}>", f"<h{lowered}>").replace(f"</h{level}>", f"</h{lowered}>")
    return html
