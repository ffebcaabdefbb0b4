"""What a page says, whatever its source's line breaks."""

import re


def flat(response) -> str:
    """The page on one line, without white space at the edges of tags."""
    one_line = re.sub(r"\s+", " ", response.text)
    return re.sub(r" ?(<|/?>) ?", r"\1", one_line)
