"""``neuromem rram``: the device cards of resistive memory, as numbers and pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import cyclopts
import msgspec
import numpy as np
from cyclopts import Parameter, validators

from neuromem.cli.output import check_plot, check_writable, print_line, print_table, write_json
from neuromem.cli.parameters import Json
from neuromem.rram import DeviceCard, card_names, load_card

app = cyclopts.App(name="rram", help="Device cards of resistive memory.")

Seed = Annotated[int, Parameter(validator=validators.Number(gte=0))]

_CELLS = 100_000


@app.command(name="list")
def list_cards() -> None:
    """List the device cards that come with the package."""
    rows = []
    for name in card_names():
        card = load_card(name)
        known = [part.replace("_", " ") for part, law in card.parts().items() if law is not None]
        rows.append((name, card.title, ", ".join(known)))
    print_table(("card", "device", "what is known"), rows)


@app.command
def show(card: str, /, *, seed: Seed = 0, plot: Path | None = None, json: Json = None) -> None:
    """Show a device card: its numbers, their sources, and what cells drawn from it are like.

    Parameters
    ----------
    card
        Name of a card (see "neuromem rram list"), or path of a .toml file.
    seed
        Seed of the cells drawn.
    plot
        Write pictures of cells, read noise and retention here (.png, .pdf, .svg).
    json
        Write the card here as JSON; "-" for the standard output.
    """
    check_writable(json)
    check_plot(plot)
    device = load_card(card)
    drawn = _drawn(device, seed)
    print_line(f"{device.name}: {device.title}")
    print_line()
    print_table(("part", "number", "value"), _rows(device))
    print_line()
    cells = [(what, f"{value:.4g}") for what, value in drawn.items()]
    print_table((f"{_CELLS:,} pairs drawn, seed {seed}", ""), cells)
    print_line()
    for part, source in device.sources.items():
        print_line(f"{part}: {' '.join(source.split())}")
    if plot is not None:
        from neuromem.plotting import save_figure
        from neuromem.plotting.rram import device_card

        print_line(f"wrote {save_figure(device_card(device, seed=seed), plot)}")
    record = {**msgspec.to_builtins(device), "sha256": device.digest()}
    write_json(json, {**record, "seed": seed, "drawn": drawn})


def _drawn(card: DeviceCard, seed: int) -> dict[str, float]:
    """Return the statistics of pairs of cells drawn from a card."""
    rng = np.random.default_rng(seed)
    (plus, formed), (minus, _) = (card.form((_CELLS,), rng) for _ in range(2))
    conducting = plus[formed] if formed.any() else plus
    return {
        "formed fraction": float(formed.mean()),
        "formed cells: mean (µS)": float(conducting.mean()),
        "formed cells: standard deviation (µS)": float(conducting.std()),
        "pairs: standard deviation of G+ - G- (µS)": float((plus - minus).std()),
    }


def _rows(card: DeviceCard) -> list[tuple[str, str, str]]:
    """Return part, name and value of every number of a card; a dash for what is not known."""
    rows = [("", "formed fraction", f"{card.formed_fraction:g}")]
    for part, law in card.parts().items():
        title = part.replace("_", " ")
        if law is None:
            rows.append((title, "-", "no source gives it"))
            continue
        fields = msgspec.to_builtins(law)
        if fields["kind"].lower() == part:  # a part of one kind only
            del fields["kind"]
        for name, value in _flat(fields):
            rows.append((title, name, value))
            title = ""
    return rows


def _flat(law: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Return the fields of a law as texts, those of laws inside it with their names before."""
    rows = []
    for name, value in law.items():
        if isinstance(value, dict):
            rows += _flat(value, f"{prefix}{name}.")
        elif name != "kind" or not prefix:  # what is inside a law has one kind
            many = isinstance(value, list | tuple)
            rows.append((prefix + name, ", ".join(map(str, value)) if many else str(value)))
    return rows
