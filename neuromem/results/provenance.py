"""Where a result comes from: enough to run it again."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib import metadata

import msgspec

PACKAGES = ("neuromem-snn", "numpy", "numba", "scipy", "h5py")


class Provenance(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What made a result.

    Parameters
    ----------
    network_sha256
        Digest of the network's definition.
    backend
        Name of the backend.
    backend_version
        Version of the simulator behind it.
    seed
        Seed of the run's random parts, None where none was given.
    fidelity
        ``"exact"``: the definition's own dynamics; ``"native"``: as the simulator would.
    settings
        The backend's options, and what it did to be faithful.
    packages
        Versions of the packages involved.
    python, system
        Interpreter and platform.
    """

    network_sha256: str
    backend: str
    backend_version: str
    seed: int | None = None
    fidelity: str = "exact"
    settings: dict[str, str] = {}
    packages: dict[str, str] = {}
    python: str = ""
    system: str = ""


def provenance(
    network_sha256: str,
    backend: str,
    backend_version: str,
    seed: int | None,
    extra: tuple[str, ...] = (),
    *,
    fidelity: str = "exact",
    settings: Mapping[str, str] | None = None,
) -> Provenance:
    """Return the provenance of a run on this machine; ``extra`` names further packages."""
    versions = {}
    for name in (*PACKAGES, *extra):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return Provenance(
        network_sha256=network_sha256,
        backend=backend,
        backend_version=backend_version,
        seed=seed,
        fidelity=fidelity,
        settings=dict(settings or {}),
        packages=versions,
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}",
    )
