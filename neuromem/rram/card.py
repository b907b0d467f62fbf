"""Device cards: what is known of one resistive memory, every number with its source."""

from __future__ import annotations

import math
import os
import tomllib
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta

from neuromem.network import Spec
from neuromem.network.cards import card_folder
from neuromem.network.neurons import NonNegative, Positive
from neuromem.rram.conductance import Conductance
from neuromem.rram.forming import Forming
from neuromem.rram.noise import ReadNoise
from neuromem.rram.retention import Retention

Fraction = Annotated[float, Meta(ge=0, le=1)]


class Window(Spec, frozen=True, kw_only=True):
    """The conductances that cells of a device can have.

    Parameters
    ----------
    lowest_us, highest_us
        Of an unformed, erased or stuck-low cell, and of the best conducting or stuck-high one
        (µS). Levels of quantisation are spread between them.
    """

    lowest_us: NonNegative
    highest_us: Positive

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.lowest_us < self.highest_us:
            raise ValueError(
                f"Window.lowest_us = {self.lowest_us}: must be below highest_us = {self.highest_us}"
            )


class Programming(Spec, frozen=True, kw_only=True):
    r"""How far from its target a programmed cell ends up.

    .. math::
        G = \max(0,\; G_T + \sigma(G_T)\, z), \qquad
        \sigma(G_T) = \max\!\Big(0, \sum_i c_i (G_T / G_{full})^i\Big)

    with z standard normal, one number a cell.

    Parameters
    ----------
    full_us
        Conductance G_full that stands for the largest weight (µS).
    sd_us
        Coefficients c_0, c_1, ... (µS).
    """

    full_us: Positive
    sd_us: Annotated[tuple[float, ...], Meta(min_length=1)]

    def __post_init__(self) -> None:
        super().__post_init__()
        if not all(math.isfinite(c) for c in self.sd_us):
            raise ValueError(f"Programming.sd_us = {self.sd_us}: every coefficient must be finite")

    def sd(self, target_us: np.ndarray) -> np.ndarray:
        """Return the standard deviation about each target (µS)."""
        relative = np.asarray(target_us) / self.full_us
        return np.maximum(np.polynomial.polynomial.polyval(relative, np.array(self.sd_us)), 0.0)

    def write(self, target_us: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the conductances of cells programmed to the targets (µS)."""
        error = self.sd(target_us) * rng.standard_normal(np.shape(target_us))
        return np.maximum(target_us + error, 0.0)


class Faults(Spec, frozen=True, kw_only=True):
    """Cells that nothing moves.

    Parameters
    ----------
    stuck_low, stuck_high
        Fractions of the cells at the lowest and the highest conductance, together at most 1.
    """

    stuck_low: Fraction = 0.0
    stuck_high: Fraction = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.stuck_low + self.stuck_high > 1:
            raise ValueError(
                f"stuck_low = {self.stuck_low} and stuck_high = {self.stuck_high}: their sum must "
                "not exceed 1"
            )

    def strike(self, g_us: np.ndarray, window: Window, rng: np.random.Generator) -> np.ndarray:
        """Return the conductances with faulty cells at the ends of the window (µS)."""
        lot = rng.random(np.shape(g_us))
        struck = np.where(lot < self.stuck_low, window.lowest_us, g_us)
        return np.where(lot >= 1 - self.stuck_high, window.highest_us, struck)


class Readout(Spec, frozen=True, kw_only=True):
    """The converter of a column.

    Parameters
    ----------
    energy_pj
        Energy of one column read-out (pJ).
    adc_bits
        Resolution of the converter, where published.
    """

    energy_pj: Positive
    adc_bits: Annotated[int, Meta(ge=1)] | None = None


class DeviceCard(Spec, frozen=True, kw_only=True):
    """What is known of one device. What no source gives is None.

    Parameters
    ----------
    name, title
        Short name and what it is.
    window
        Conductances that a cell can have.
    conductance
        Law of the conductance of formed cells.
    formed_fraction
        Fraction of the cells that were formed, 0..1.
    forming
        Breakdown of pristine cells.
    programming
        Error of programming to a target.
    read_noise
        Fluctuation from read to read.
    retention
        Change after programming.
    faults
        Stuck cells.
    readout
        Energy and resolution of a column read-out.
    sources
        Where the numbers of each of the tables above come from, by its name.

    Raises
    ------
    ValueError
        When a number is out of range, or a part of the card has no source.
    """

    name: str
    title: str
    window: Window
    conductance: Conductance
    formed_fraction: Fraction = 1.0
    forming: Forming | None = None
    programming: Programming | None = None
    read_noise: ReadNoise | None = None
    retention: Retention | None = None
    faults: Faults | None = None
    readout: Readout | None = None
    sources: dict[str, str]

    def __post_init__(self) -> None:
        super().__post_init__()
        for part, value in self.parts().items():
            if value is not None and not self.sources.get(part):
                raise ValueError(f"device card {self.name!r}: [{part}] has no source; name one")

    def parts(self) -> dict[str, Spec | None]:
        """Return the laws of the card by name, None where no source gives one."""
        named = ("window", "conductance", "forming", "programming", "read_noise", "retention")
        return {part: getattr(self, part) for part in (*named, "faults", "readout")}

    def form(
        self, shape: tuple[int, ...], rng: np.random.Generator, fraction: float | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the conductances of fresh cells (µS), and which of them are formed.

        Parameters
        ----------
        shape
            Shape of the array of cells.
        rng
            Decides on both. The same state gives a formed cell the same conductance at any
            fraction.
        fraction
            Formed fraction, 0..1; that of the card where None.
        """
        formed = rng.random(shape) < (self.formed_fraction if fraction is None else fraction)
        return np.where(formed, self.conductance.draw(shape, rng), self.window.lowest_us), formed


def card_names() -> list[str]:
    """Return the names of the cards that come with the package."""
    return sorted(path.stem for path in card_folder("rram").glob("*.toml"))


def load_card(card: str | os.PathLike[str]) -> DeviceCard:
    """Read a device card.

    Parameters
    ----------
    card
        Name of a card that comes with the package, or path of a file that ends in ``.toml``.

    Raises
    ------
    ValueError
        When there is no such card, or its file is none; the message names card and number.
    FileNotFoundError
        When there is no such file.

    Examples
    --------
    >>> load_card("macro-40nm").readout.energy_pj
    12.3
    """
    path = Path(card)
    if path.suffix != ".toml":
        path = card_folder("rram") / f"{card}.toml"
        if str(card) not in card_names():
            raise ValueError(
                f"no device card {str(card)!r}: there are {', '.join(card_names())}; or give the "
                "path of a .toml file"
            )
    try:
        table = _with_sources(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not a device card: {error}") from None
    try:
        return msgspec.convert({"name": path.stem, **table}, DeviceCard)
    except msgspec.ValidationError as error:
        raise ValueError(f"{path}: {_in_words(str(error), table)}") from None


def _with_sources(table: dict[str, Any]) -> dict[str, Any]:
    """Move the source of each part of a card into one table."""
    parts = {name: dict(part) for name, part in table.items() if isinstance(part, dict)}
    sources = {name: part.pop("source", "") for name, part in parts.items()}
    return {**table, **parts, "sources": sources}


def _in_words(error: str, table: dict[str, Any]) -> str:
    """Return an error of msgspec with the number at fault in front."""
    reason, _, place = error.partition(" - at `$.")
    reason = reason.replace("Expected", "must be").replace("`", "")
    value: Any = table
    for key in (names := place.rstrip("`").split(".")):
        value = value.get(key) if isinstance(value, dict) else None
    shown = f" = {value}" if isinstance(value, int | float | str) else ""
    return f"{'.'.join(names)}{shown}: {reason}" if place else reason
