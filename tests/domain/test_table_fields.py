"""What columns of a table stand for, and on which scale its scores stand."""

import pytest

from core.domain.table_fields import guessed_scale


@pytest.mark.parametrize(
    ("cells", "limits", "usable_from"),
    [
        (["1", "5", "3", None, "cannot judge"], (1, 5), 4),
        ([2.0, 3.0, 4], (1, 5), 4),
        ([0, 1, 2, 3] * 10, (0, 3), 3),
        ([*[0, 1, 2, 3] * 10, 7], (0, 3), 3),  # one slip makes no scale
        ([0, 1, 1, 0] * 5, (0, 1), 1),
        ([0, 4, 5, 2] * 10, (0, 5), 4),
        ([10, 8, 0, 3] * 5, (0, 10), 8),
        ([5, 9, 5], (1, 5), 4),  # too few to tell
        ([-3, 400] * 20, (1, 5), 4),
        ([], (1, 5), 4),
    ],
)
def test_the_scale_is_the_usual_one_or_the_narrowest_that_holds_nearly_all(
    cells, limits, usable_from
):
    found = guessed_scale(cells)

    assert ((found.minimum, found.maximum), found.usable_from) == (limits, usable_from)
