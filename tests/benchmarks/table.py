"""The one table that the benchmark prints, a line as soon as it is measured."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field

# Measured against these, each a column of ratios: ours / theirs.
RAW_REDIS = "Redis"
RAW_SQL = "SQL"
STOCK_DB = "db"
STOCK_DJANGO_REDIS = "django-redis"
STOCK_CORE = "core cache"
STOCK_CACHED_DB = "cached_db"
STOCK_SIGNED = "signed"  # signed_cookies, which ask no server
AGAINST = (RAW_REDIS, RAW_SQL, STOCK_DB, STOCK_DJANGO_REDIS, STOCK_CORE, STOCK_CACHED_DB, STOCK_SIGNED)

WIDTHS = {"what": 56, "measured": 26, "target": 24}


@dataclass(frozen=True)
class Bound:
    """A goal: a figure that may not exceed a limit. ``of`` names what it is a ratio to; "" for a plain figure."""

    limit: float
    of: str = ""
    unit: str = ""

    def __str__(self) -> str:
        return f"<= {self.limit:,.4g}" + (f" × {self.of}" if self.of else f" {self.unit}".rstrip())


@dataclass
class Table:
    """Prints its rows; knows which missed their goals."""

    missed: list[str] = field(default_factory=list)

    def begin(self) -> None:
        ratios = " ".join(f"{'× ' + name:>{width(name)}}" for name in AGAINST)
        self.say(f"{'':{WIDTHS['what']}} {'measured':>{WIDTHS['measured']}} {ratios}  {'goal':{WIDTHS['target']}}")

    def heading(self, text: str) -> None:
        self.say(f"-- {text}")

    def row(
        self,
        what: str,
        measured: str,
        ratios: dict[str, float] | None = None,
        goals: dict[Bound, float] | None = None,
    ) -> None:
        """``goals`` gives each bound the figure that it is held against."""
        ratios, goals = ratios or {}, goals or {}
        cells = " ".join(f"{short(ratios[name]) if name in ratios else '':>{width(name)}}" for name in AGAINST)
        bounds = " and ".join(map(str, goals))
        failed = [f"{what}: {short(figure)}, {bound}" for bound, figure in goals.items() if figure > bound.limit]
        verdict = "" if not goals else "MISSED" if failed else "ok"
        self.missed += failed
        self.say(
            f"{what:{WIDTHS['what']}} {measured:>{WIDTHS['measured']}} {cells}  {bounds:{WIDTHS['target']}} {verdict}"
        )

    def end(self) -> None:
        self.say("Every goal is met." if not self.missed else "Missed:\n  " + "\n  ".join(self.missed))

    def say(self, line: str) -> None:
        sys.stdout.write(f"{line.rstrip()}\n")
        sys.stdout.flush()


def width(name: str) -> int:
    return max(len(name) + 2, 6)


def short(figure: float) -> str:
    """Three digits that matter."""
    for digits, limit in ((0, 100), (1, 10), (2, 0.1)):
        if figure >= limit:
            return f"{figure:.{digits}f}"
    return f"{figure:.3f}"
