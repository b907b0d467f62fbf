r"""What NIR leaves open, and what is meant here.

NIR describes neurons by differential equations and says neither how long a time step is nor how
it is taken. Its table of primitives writes times in ms, potentials in mV and resistances in Ω; the
importers of the simulators take seconds (snnTorch: a step of 1e-4). Files of this package say in
their metadata what is meant:

- times in s, potentials in mV, currents in nA, resistances in MΩ; LIF_hard_reset is dimensionless,
- a spike is a pulse of height 1 that lasts one time step dt, as in snnTorch's exporter: a weight w
  then moves the potential of an ``LIF`` by :math:`w\, R\, dt / \tau`, the current of a ``CubaLIF``
  by :math:`w\, w_{in}\, dt / \tau_{syn}`, and both are w in what is written here,
- one forward Euler step of dt is one tick of LIF_hard_reset: :math:`d = 1 - dt / \tau`,
- from neuron to neuron takes a tick by itself; a ``Delay`` node holds what a delay has beyond it.

Sources: NIR 1.0.8, ``docs/source/primitives.md``; snnTorch 1.0.0, ``export_nir.py`` and
``import_nir.py``; the equations are those of Pedersen et al., Nature Communications 15:8122 (2024),
doi 10.1038/s41467-024-52259-9.
"""

from __future__ import annotations

from types import ModuleType

UNITS = "s, mV, nA, MOhm; LIF_hard_reset: 1"
CONVENTION = (
    "A spike is a pulse of height 1 and length dt. LIF_hard_reset: one forward Euler step of dt is "
    "a tick; IF_curr_*: exact relaxation over dt. From neuron to neuron takes one dt, to which "
    "Delay nodes add."
)


def nir_package() -> ModuleType:
    """Return the package ``nir``; raise ModuleNotFoundError naming the extra without it."""
    try:
        import nir
    except ImportError:
        raise ModuleNotFoundError(
            "exchange with NIR needs nir: pip install 'neuromem-snn[nir]'"
        ) from None
    return nir


def tidy(number: float) -> float:
    """Return a number to 15 digits: a decimal that went through other units comes back whole."""
    return float(f"{number:.15g}")
