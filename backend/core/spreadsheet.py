"""Tables for spreadsheets: no cell of theirs is taken for a formula.

Files that this program reads back itself (metadata, scores) hold names as they are instead.
"""

import pandas as pd
from pandas.api.types import is_bool_dtype, is_datetime64_any_dtype, is_numeric_dtype

RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # OWASP: CSV injection


def written(frame: pd.DataFrame) -> bytes:
    """The table as CSV, UTF-8, without its index; numbers stay numbers."""
    made = frame.set_axis([_cell(name) for name in frame.columns], axis="columns")
    for place in range(made.shape[1]):
        column = made.iloc[:, place]
        plain = (is_numeric_dtype, is_bool_dtype, is_datetime64_any_dtype)
        if not any(is_plain(column.dtype) for is_plain in plain):
            made.isetitem(place, column.astype(object).map(_cell).array)
    return made.to_csv(index=False).encode()


def harmless(text: str) -> str:
    """A text with a quotation mark before it where a spreadsheet would take it for a formula."""
    return f"'{text}" if len(text) > 1 and text.startswith(RISKY) and not _is_number(text) else text


def _cell(value: object) -> object:
    return harmless(value) if isinstance(value, str) else value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text == text.strip()
