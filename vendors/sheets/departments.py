"""Categories of a vendor's marketplace as a spreadsheet names them: by name, or by slug where a name is not clear."""

from __future__ import annotations

from collections import Counter

from vendors.models import Category, Vendor
from vendors.sheets.errors import CellError


class Departments:
    """Find the categories of a vendor's own marketplace, and no others."""

    def __init__(self, vendor: Vendor) -> None:
        rows = list(Category.objects.filter(marketplace=vendor.marketplace_id).values_list("pk", "name", "slug"))
        self.by_slug = {slug: pk for pk, _, slug in rows}
        self.times = Counter(name.casefold() for _, name, _ in rows)
        self.by_name = {name.casefold(): pk for pk, name, _ in rows}
        self.texts = {pk: name if self._is_clear(name) else slug for pk, name, slug in rows}

    def read(self, text: str) -> int:
        """Return the primary key of a category. Raise CellError."""
        if text in self.by_slug:
            return self.by_slug[text]
        if self.times[text.casefold()] > 1:
            raise CellError(f"“{text}” is the name of more than one category: write its slug.")
        if text.casefold() not in self.by_name:
            raise CellError(f"there is no category “{text}” in the mall.")
        return self.by_name[text.casefold()]

    def text_of(self, pk: int) -> str:
        """Return the text of a category, which is read as the same again."""
        return self.texts.get(pk, f"category {pk}")

    def _is_clear(self, name: str) -> bool:
        return self.times[name.casefold()] == 1 and name not in self.by_slug and name == name.strip()
