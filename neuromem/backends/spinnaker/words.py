"""A preflight report in plain words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from neuromem.backends.spinnaker.preflight import CoreUse, Machine, Preflight

NOT_KNOWN = """\
Not known before a run: how long a core takes for a tick, lost packets, contention for memory, and
what else of a core's own memory (DTCM) neurons, program and stack take. A virtual board is a map,
and no emulation."""


def report(found: Preflight) -> str:
    """Return the whole report."""
    counts = [_count(len(found.of(s)), s) for s in ("error", "warning", "note")]
    verdict = "can run on the board" if found.ok else "CANNOT run on the board"
    lines = [
        f"Preflight: {found.network}",
        f"definition {found.sha256[:16]}, {found.duration_ms:g} ms, board {found.board}",
        f"It {verdict} as far as a map tells: {', '.join(counts)}.",
    ]
    if found.findings:
        lines += ["", "FINDINGS", ""]
    for finding in found.findings:
        lines.append(f"{finding.severity} ({finding.check}) {finding.where}: {finding.what}.")
        if finding.remedy:
            lines.append(f"  -> {finding.remedy}")
    if found.machine is not None:
        lines += ["", "MACHINE", "", *_machine(found.machine)]
        lines += _section("CORES", *_cores(found.cores))
        lines += _section("RING BUFFERS (sums of what arrives in one tick)", *_buffers(found))
        lines += _section("WEIGHTS (read back from what was generated)", *_weights(found))
        if found.loads:
            lines += _section(
                "LOAD of the busiest core, by a run of the native backend", *_loads(found)
            )
        lines += ["", NOT_KNOWN]
    return "\n".join(lines) + "\n"


def beside_counts(
    found: Preflight, counts: Mapping[str, str]
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return what was predicted beside what the emulated board counted in its run.

    Parameters
    ----------
    found
        The report.
    counts
        The settings in the provenance of a result of ``spinnaker-emulated``.

    Returns
    -------
    header, rows
        A table. A prediction of sums or packets is for the worst case, or for a run of the native
        backend; the count is of one run.
    """
    fewest = [b.saturating_inputs for b in found.ring_buffers if b.saturating_inputs is not None]
    sums = f"if {min(fewest)} inputs of a neuron arrive at once" if fewest else "cannot be"
    packets = str(max(load.packets for load in found.loads)) if found.loads else "no input given"
    lost = counts.get("packets lost at a full buffer", "none").partition(",")[0]
    silent = sum("deliver nothing" in finding.what for finding in found.findings)
    rows = [
        (
            "weights rounded to zero",
            str(sum(use.zeros for use in found.weights)),
            counts["weights rounded to zero"],
        ),
        (
            "sums beyond a ring buffer",
            sums,
            f"{counts['weights beyond a full ring buffer']} weights",
        ),
        (
            "most packets at a core in a tick",
            packets,
            f"{counts['most packets waiting at a core']}, {lost} lost",
        ),
        (
            "plastic weights that are not delivered",
            f"those of {_count(silent, 'projection')}" if silent else "none",
            f"{counts['plastic weights skipped as too late']} times",
        ),
    ]
    return ("what", "preflight predicts", "the emulated board counted"), rows


def _machine(m: Machine) -> list[str]:
    return [
        f"sPyNNaker {m.simulator} on a {m.card} board; time scale factor {m.time_scale_factor:g}",
        f"{_count(m.cores, 'core')} on {_count(m.chips, 'chip')}, {_count(m.boards, 'board')}; "
        f"{_count(m.system_cores, 'core')} of the system besides",
        f"SDRAM of the fullest chip: {_bytes(m.fullest_chip_sdram_bytes)} of "
        f"{_bytes(m.sdram_per_chip)}, recording buffers included",
        f"routing entries: {m.routing_before}, {m.routing_after} after compression; fullest table "
        f"{m.fullest_table_before}, then {m.fullest_table_after} of {m.routing_entries_per_chip}",
    ]


def _cores(cores: Sequence[CoreUse]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    header = (
        "population", "program", "neurons", "cores", "SDRAM a core", "DTCM known", "rows",
        "row memory",
    )  # fmt: skip
    rows = [
        (
            core.population,
            core.program,
            str(core.neurons),
            str(core.cores),
            _bytes(core.sdram_bytes),
            "not known" if core.dtcm_known_bytes is None else f">= {_bytes(core.dtcm_known_bytes)}",
            str(core.rows),
            _bytes(core.row_bytes),
        )
        for core in cores
    ]
    return header, rows


def _buffers(found: Preflight) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    header = ("population", "receptor", "shift", "step", "holds", "largest sum", "can saturate")
    rows = [
        (
            b.population,
            b.receptor_type,
            str(b.shift),
            f"{b.step:g}",
            f"{b.largest:g}",
            f"{b.largest_sum:g} of {b.inputs} inputs",
            "no"
            if b.saturating_inputs is None
            else f"if {b.saturating_inputs} inputs of a neuron arrive in one tick",
        )
        for b in found.ring_buffers
    ]
    return header, rows


def _weights(found: Preflight) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    header = (
        "projection", "receptor", "connections", "defined", "on the board", "largest error",
        "zeros", "longest delay",
    )  # fmt: skip
    rows = [
        (
            w.projection,
            w.receptor_type,
            str(w.connections),
            _range(w.lowest, w.highest),
            _range(w.held_lowest, w.held_highest),
            f"{w.largest_error:.3g}",
            str(w.zeros),
            f"{w.longest_delay_ms:g} ms",
        )
        for w in found.weights
    ]
    return header, rows


def _loads(found: Preflight) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    header = ("population", "spikes in a tick", "synaptic events in a tick", "of what is planned")
    rows = [(x.population, str(x.packets), str(x.events), f"{x.share:.1%}") for x in found.loads]
    return header, rows


def _section(title: str, header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    table = [header, *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    table.insert(1, tuple("-" * width for width in widths))
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in table
    ]
    return ["", title, "", *lines]


def _range(low: float, high: float) -> str:
    return f"{low:g}" if low == high else f"{low:g}..{high:g}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")


def _bytes(count: int) -> str:
    return f"{count} B" if count < 10_000 else f"{count / 1000:,.0f} kB".replace(",", " ")
