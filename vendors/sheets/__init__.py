"""Spreadsheets of a vendor's products, prices and stock: made for a person, read again, and imported all or nothing.

A file is read into a table of texts (:mod:`reading`), its cells into values (:mod:`cells`), its rows into a plan of
changes against the shop's rows (:mod:`products`, :mod:`prices`, :mod:`stock`). A job checks a file and keeps the plan
as its preview; the job behind it makes the plan again while it holds the rows, and writes it only if it is the same.

    SheetError
    ├── FileRefusedError     a file is no spreadsheet that can be read; the message is for its owner
    └── CellError            a cell has no value of its column; the message is for its owner
"""
