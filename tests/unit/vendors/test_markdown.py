"""What a vendor writes cannot act on the mall's pages."""

import pytest

from vendors.markdown import render_markdown


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**Oak**, _oiled_.", "<p><strong>Oak</strong>, <em>oiled</em>.</p>"),
        ("# Care", "<h3>Care</h3>"),
        ("<script>alert(1)</script>after", "<p>after</p>"),
        ("<form action=x><input name=y></form>", ""),
        ('<p style="position:fixed" onclick="x()">Words</p>', "<p>Words</p>"),
        ("[go](javascript:alert(1))", '<p><a rel="nofollow noopener">go</a></p>'),
        ("![](https://elsewhere.example/pixel.gif)", "<p></p>"),
    ],
)
def test_render(text, html):
    assert str(render_markdown(text)).strip() == html


def test_render_keeps_a_link():
    assert str(render_markdown("[Us](https://fowlers.example/)")) == (
        '<p><a href="https://fowlers.example/" rel="nofollow noopener">Us</a></p>'
    )
