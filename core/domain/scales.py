"""What the numbers of a score mean."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """Whole numbers from `minimum` to `maximum`; usable from `usable_from` on."""

    name: str
    minimum: int
    maximum: int
    usable_from: int

    def holds(self, value: int) -> bool:
        """Tell whether the value lies on the scale."""
        return self.minimum <= value <= self.maximum


ONE_TO_FIVE = Scale("score 1-5", 1, 5, 4)
#: The released files hold 0 too.
RELEASED = Scale("released 0-5", 0, 5, 4)
#: What the five dimensions of a generated medical text map to (`core.domain.mtg`).
MTG = Scale("MTG 0-7", 0, 7, 5)
