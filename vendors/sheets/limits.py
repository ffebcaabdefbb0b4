"""Limits of a spreadsheet that is read: none takes more of a worker than this."""

from vendors.jobs.services import FILE_BYTES

__all__ = ["CELL_LENGTH", "COLUMNS", "FILE_BYTES", "ROWS", "SHEET_ROWS", "UNPACKED_BYTES", "UNPACKED_FILES"]

ROWS = 20_000
COLUMNS = 60
CELL_LENGTH = 100_000  # characters; the csv module itself takes 131,072
UNPACKED_BYTES = 100 * 2**20  # an XLSX file is a ZIP archive
UNPACKED_FILES = 500
SHEET_ROWS = 2**20  # of a worksheet, by Excel's own limit
