"""Errors of spreadsheets."""


class SheetError(Exception):
    """Report a spreadsheet that cannot be read, in words for its owner."""


class FileRefusedError(SheetError):
    """Report a file that is no spreadsheet, too large, or not to be opened."""


class CellError(SheetError):
    """Report a cell that has no value of its column."""
