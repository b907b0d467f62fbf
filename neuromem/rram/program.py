"""Programming: the weights of any network as a device would hold them."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import numpy as np

from neuromem.network import Network, Projection, Values
from neuromem.rram.card import DeviceCard, load_card
from neuromem.rram.pairs import Pairs
from neuromem.rram.weights import ResistiveWeights

Device = str | DeviceCard | ResistiveWeights


def program(
    network: Network,
    device: Device,
    *,
    rng: np.random.Generator | int,
    labels: Iterable[str] | None = None,
) -> Network:
    """Return the network with static weights as a device would hold them.

    Parameters
    ----------
    network
        Any network; plastic projections are left alone.
    device
        A card (or its name or path), or a :class:`ResistiveWeights` for its conditions.
    rng
        Generator or seed of the device's errors.
    labels
        Projections to program; all static ones where None.

    Returns
    -------
    Network
        The same network with one weight per connection. See :func:`program_weights` for how a
        weight becomes two cells. Excitatory and inhibitory weights stay magnitudes: a pair that
        would read below 0 gives 0.

    Raises
    ------
    ValueError
        When there is no projection of that label, it is plastic, or the device is not programmed
        to a target.
    """
    rng = np.random.default_rng(rng)
    static = [p.label for p in network.projections if not p.plastic]
    chosen = static if labels is None else list(labels)
    for label in chosen:
        if network.projection(label).plastic:
            raise ValueError(
                f"projection {label!r} is plastic: only static weights are programmed; there are "
                f"{', '.join(static) or 'none'}"
            )

    def held(projection: Projection) -> Projection:
        weights = network.weights(projection)
        if projection.label not in chosen or not weights.size:
            return projection
        pairs, us_per_unit = program_weights(weights, device, rng)
        read = pairs.difference_us / us_per_unit
        if projection.receptor_type != "signed":
            read = np.maximum(read, 0.0)
        synapse = msgspec.structs.replace(projection.synapse, weight=Values(array=read))
        return msgspec.structs.replace(projection, synapse=synapse)

    projections = tuple(held(projection) for projection in network.projections)
    return msgspec.structs.replace(network, projections=projections)


def program_weights(
    weights: np.ndarray, device: Device, rng: np.random.Generator
) -> tuple[Pairs, float]:
    r"""Write weights to pairs of cells.

    .. math::
        G_T = G_{min} + \frac{|w|}{\max |w|}\,(G_{full} - G_{min})

    is the target of the cell of the weight's sign, G_min that of the other; both are programmed,
    with the card's error, then meet the conditions. G_min is the lowest of the card's window.

    Parameters
    ----------
    weights
        Weights in any unit.
    device
        As in :func:`program`. Its ``formed_fraction``, where given, is the fraction of cells that
        can be programmed; the others stay at G_min.
    rng
        Decides on all errors.

    Returns
    -------
    tuple
        The cells, and the conductance (µS) that stands for one unit of weight.

    Raises
    ------
    ValueError
        When a weight is not finite or the device is not programmed to a target.
    """
    conditions = device if isinstance(device, ResistiveWeights) else ResistiveWeights()
    card = device if isinstance(device, DeviceCard) else load_card(_name(device))
    if card.programming is None:
        raise ValueError(
            f"device card {card.name!r} has no [programming]: its cells are not programmed to a "
            "target; choose another card"
        )
    weights = np.asarray(weights, dtype=np.float64)
    if not np.all(np.isfinite(weights)):
        raise ValueError("weights to program: every weight must be finite")
    lowest, full = card.window.lowest_us, card.programming.full_us
    largest = float(np.abs(weights).max(initial=0.0)) or 1.0
    share = 1.0 if conditions.formed_fraction is None else conditions.formed_fraction
    cells = []
    for part in (np.maximum(weights, 0.0) / largest, np.maximum(-weights, 0.0) / largest):
        formed = rng.random(weights.shape) < share
        written = card.programming.write(lowest + part * (full - lowest), rng)
        cells.append(conditions.age(card, np.where(formed, written, lowest), formed, rng))
    return Pairs(*cells), (full - lowest) / largest


def _name(device: str | ResistiveWeights) -> str:
    return device.card if isinstance(device, ResistiveWeights) else device
