"""``neuromem backends``: where a network can run, and what each backend can do."""

from __future__ import annotations

from neuromem.backends import BACKENDS, FEATURES, Capabilities, capabilities
from neuromem.cli.output import check_writable, print_line, print_table, write_json
from neuromem.cli.parameters import Json


def backends(backend: str | None = None, /, *, json: Json = None) -> None:
    """Show where a network can run, and what each backend can do.

    Parameters
    ----------
    backend
        Show one in full: its conventions and options.
    json
        Write the capabilities here; "-" for the standard output.
    """
    check_writable(json)
    found = [capabilities(name) for name in ([backend] if backend else BACKENDS)]
    if backend is None:
        print_table(
            ("backend", "found", "what it is"), [(c.name, _found(c), c.what) for c in found]
        )
    else:
        _print_in_full(found[0])
    print_line()
    rows = [(feature, *(_mark(c, feature) for c in found)) for feature in FEATURES]
    print_table(("what a network may need", *(c.name for c in found)), rows)
    print_line()
    print_line("exact: as the definition says, to the spike; native: as that simulator does it")
    write_json(json, [_record(c) for c in found])


def _print_in_full(can: Capabilities) -> None:
    convention = can.convention
    late = f"{convention.extra_delay_ticks:g} ticks"
    print_line(f"{can.name}: {can.what}")
    print_table(
        ("", ""),
        [
            ("found", _found(can)),
            ("delay of a plastic synapse", convention.stdp_delay),
            ("a pair at dt = 0", convention.dt_zero),
            ("weights include the last posts", "yes" if convention.weights_are_current else "no"),
            ("later on IF_curr_exp by", late),
            ("order in a tick", convention.reset),
            *((f"option {name}", meaning) for name, meaning in can.options.items()),
        ],
    )


def _found(can: Capabilities) -> str:
    if can.missing:
        return f"no: pip install 'neuromem-snn[{can.extra}]'"
    return f"{can.packages[0]} {can.version}"


def _mark(can: Capabilities, feature: str) -> str:
    if feature in can.exact:
        return "exact"
    return "native" if feature in can.native else "-"


def _record(can: Capabilities) -> dict[str, object]:
    return {
        "backend": can.name,
        "what": can.what,
        "version": can.version,
        "missing": can.missing,
        "extra": can.extra,
        "runs": can.runs,
        "exact": sorted(can.exact),
        "native": sorted(can.native),
        "convention": can.convention,
        "options": dict(can.options),
    }
