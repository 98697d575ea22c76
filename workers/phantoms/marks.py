"""Letters burned into pixels: the word SYNTHETIC and the side marker."""

import numpy as np
from numpy.typing import NDArray

WORD = "SYNTHETIC"

# Five columns by seven rows a letter, one hexadecimal byte a row (five low bits).
_GLYPHS = {
    "A": "0E11111F111111",
    "C": "0F10101010100F",
    "D": "1E11111111111E",
    "E": "1F10101E10101F",
    "H": "1111111F111111",
    "I": "0E04040404040E",
    "L": "1010101010101F",
    "M": "111B1515111111",
    "N": "11191513111111",
    "O": "0E11111111110E",
    "P": "1E11111E101010",
    "R": "1E11111E141211",
    "S": "0F10100E01011E",
    "T": "1F040404040404",
    "U": "1111111111110E",
    "X": "11110A040A1111",
    "Y": "11110A04040404",
    " ": "00000000000000",
    "-": "0000001F000000",
}


def text_mask(text: str, *, scale: int = 1) -> NDArray[np.bool_]:
    """Draws a line of capitals as a mask of 7 × scale rows.

    Args:
        text: letters that the small font has; others are left blank.
        scale: pixels per dot.
    """
    columns = []
    for letter in text:
        rows = bytes.fromhex(_GLYPHS.get(letter, _GLYPHS[" "]))
        bits = [[bool(row >> (4 - i) & 1) for i in range(5)] for row in rows]
        columns += [np.array(bits, dtype=bool), np.zeros((7, 1), dtype=bool)]
    line = np.concatenate(columns[:-1], axis=1)
    return np.kron(line, np.ones((scale, scale), dtype=bool))


def text_scale(rows: int) -> int:
    """Returns the dots' size that reads well on an image of so many rows."""
    return max(1, round(rows / 360))


def burn(
    pixels: NDArray[np.generic],
    text: str,
    *,
    value: float,
    place: tuple[float, float] = (0.985, 0.02),
    scale: int | None = None,
) -> tuple[int, int, int, int]:
    """Writes a text into the last two axes of an image or stack, in place.

    Args:
        pixels: [row, column] or [slice, row, column].
        text: the words.
        value: pixel value of the letters.
        place: where, as shares of (rows, columns) left over: (0, 0) is the top left
            corner, (1, 1) the bottom right one.
        scale: pixels per dot; by default fitting the image.

    Returns:
        The box (row, column, row, column) that the text covers.
    """
    rows, columns = pixels.shape[-2:]
    mask = text_mask(text, scale=scale or text_scale(rows))[:rows, :columns]
    height, width = mask.shape
    top = round(place[0] * (rows - height))
    left = round(place[1] * (columns - width))
    pixels[..., top : top + height, left : left + width][..., mask] = value
    return top, left, top + height, left + width
