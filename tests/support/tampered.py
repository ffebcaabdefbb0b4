"""A text that is certainly another: to replace a letter by a fixed one leaves it as it was now and then."""


def tampered(text: str) -> str:
    """Return the text with another last letter."""
    return text[:-1] + ("B" if text[-1] == "A" else "A")
