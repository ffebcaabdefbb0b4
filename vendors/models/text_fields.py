"""Model fields for texts that their authors format."""

from __future__ import annotations

from typing import Any

from django.db import models

MARKDOWN_HELP = (
    "A blank line begins a paragraph. **bold**, *italic*, - a list, ### a heading, [words](https://…) a link."
)


class MarkdownField(models.TextField):  # type: ignore[type-arg]  # not subscriptable at run time
    """Hold a text in Markdown; its help says what one may write, after the field's own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["help_text"] = f"{kwargs.get('help_text', '')} {MARKDOWN_HELP}".lstrip()
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        """Describe the plain field: the database knows texts alone."""
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.TextField", args, {key: kwargs[key] for key in kwargs if key != "help_text"}
