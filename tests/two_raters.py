"""Tables of two raters, and pairs of ratings at random or with a given table."""

import numpy as np

#: Made by hand; κ and weighted κ by statsmodels 0.14 and scikit-learn, which agree.
HAND_MADE = (
    (8, 3, 1, 0, 0),
    (2, 10, 4, 1, 0),
    (0, 3, 15, 6, 1),
    (0, 1, 5, 20, 7),
    (0, 0, 1, 6, 26),
)


def pairs_of(table) -> tuple[np.ndarray, np.ndarray]:
    """First and second ratings whose cross table is `table`."""
    cells = np.asarray(table)
    first, second = np.indices(cells.shape).reshape(2, -1)
    return np.repeat(first, cells.ravel()), np.repeat(second, cells.ravel())


def random_pairs(seed: int, *, categories: int = 5, n: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Two raters who agree about half the time."""
    generator = np.random.default_rng(seed)
    first = generator.integers(0, categories, n)
    other = generator.integers(0, categories, n)
    return first, np.where(generator.random(n) < 0.5, first, other)


def table_of(first: np.ndarray, second: np.ndarray, *, categories: int) -> np.ndarray:
    table = np.zeros((categories, categories))
    np.add.at(table, (first, second), 1)
    return table
