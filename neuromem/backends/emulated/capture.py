"""Take a snapshot of a network that sPyNNaker has mapped, in the process that mapped it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from neuromem.backends.emulated.counters import names_of
from neuromem.backends.emulated.snapshot import (
    SNAPSHOT,
    SPIKE_COUNTS,
    Entry,
    PlacedChip,
    PlacedCore,
    PlasticBlock,
    Snapshot,
)

#: Programs of the system, which move data to and from the host and take no part in a run.
SYSTEM_PROGRAMS = ("data_speed_up_packet_gatherer", "extra_monitor_support")


def save(folder: Path, projections: Sequence[tuple[str, Any]], zeros: int = 0) -> None:
    """Write a snapshot of the network that sPyNNaker has just mapped in this process.

    Parameters
    ----------
    folder
        Where to.
    projections
        Label and sPyNNaker's projection of all plastic ones.
    zeros
        How many weights that are not 0 were generated as 0.
    """
    from pacman.operations.router_compressors import pair_compressor
    from spynnaker.pyNN.data import SpynnakerDataView

    machine = SpynnakerDataView.get_machine()
    tables = {(t.x, t.y): _entries(t) for t in SpynnakerDataView.get_uncompressed()}
    compressed = {(t.x, t.y): _entries(t) for t in pair_compressor()}
    cores = []
    for placement in SpynnakerDataView.iterate_placemements():
        vertex: Any = placement.vertex
        program = vertex.get_binary_file_name()
        if program.removesuffix(".aplx") not in SYSTEM_PROGRAMS:
            path = SpynnakerDataView.get_executable_path(program)
            cores.append(_core(placement, str(path)))
    chips = [
        PlacedChip(
            x=chip.x,
            y=chip.y,
            sdram=chip.sdram,
            links={
                link.source_link_id: (link.destination_x, link.destination_y)
                for link in chip.router.links
            },
            table=tables.get((chip.x, chip.y), []),
            compressed=compressed.get((chip.x, chip.y), []),
        )
        for chip in machine.chips
    ]
    found = Snapshot(
        database=str(Path(SpynnakerDataView.get_run_dir_path()) / "ds.sqlite3"),
        cores=cores,
        chips=chips,
        plastic=[block for label, made in projections for block in _blocks(label, made)],
        zeros=zeros,
        longest_run_ticks=SpynnakerDataView.get_max_run_time_steps(),
    )
    (folder / SNAPSHOT).write_bytes(msgspec.json.encode(found))


def _entries(table: Any) -> list[Entry]:
    return [Entry(e.key, e.mask, e.spinnaker_route) for e in table.multicast_routing_entries]


def _core(placement: Any, program: str) -> PlacedCore:
    vertex = placement.vertex
    parent, part = vertex.app_vertex, vertex.vertex_slice
    return PlacedCore(
        x=placement.x,
        y=placement.y,
        p=placement.p,
        program=program,
        holds=parent.label,
        first=part.lo_atom,
        neurons=part.n_atoms,
        recorded=_recorded(vertex),
        send_buffers=_send_buffers(vertex),
        counters=names_of(vertex),
    )


def _recorded(vertex: Any) -> dict[str, int]:
    from spynnaker.pyNN.models.spike_source.spike_source_poisson_machine_vertex import (
        SpikeSourcePoissonMachineVertex,
    )

    if isinstance(vertex, SpikeSourcePoissonMachineVertex):
        return {SPIKE_COUNTS: 0} if vertex.get_recorded_region_ids() else {}
    if not hasattr(vertex, "neuron_generator_region"):  # its neurons are on another core
        return {}
    recorder = vertex.app_vertex.neuron_recorder
    return {name: recorder.get_region(name) for name in recorder.recording_variables}


def _blocks(label: str, projection: Any) -> list[PlasticBlock]:
    """Return the blocks of a plastic projection; sPyNNaker shows their places to nobody else."""
    from spynnaker.pyNN.data import SpynnakerDataView
    from spynnaker.pyNN.utilities.utility_calls import get_n_bits

    info, edge = projection._synapse_information, projection._projection_edge
    found = []
    for vertex in edge.post_vertex.machine_vertices:
        if not hasattr(vertex, "_synaptic_matrices"):
            continue
        where = SpynnakerDataView.get_placement_of_vertex(vertex)
        matrix = vertex._synaptic_matrices._SynapticMatrices__matrices[edge, info]

        def of(name: str, matrix: Any = matrix) -> Any:
            return getattr(matrix, f"_SynapticMatrixApp__{name}")

        rows, sizes = edge.pre_vertex.n_atoms, of("max_row_info")
        for offset, size, stages in (
            (of("syn_mat_offset"), sizes.undelayed_max_bytes, 1),
            (of("delay_syn_mat_offset"), sizes.delayed_max_bytes, edge.n_delay_stages),
        ):
            if offset is None:
                continue
            block = PlasticBlock(
                label=label,
                x=where.x,
                y=where.y,
                p=where.p,
                region=of("synaptic_matrix_region"),
                offset=offset,
                rows=rows * stages,
                row_words=size // 4,
                sources=rows,
                first=vertex.vertex_slice.lo_atom,
                index_bits=get_n_bits(of("max_atoms_per_core")),
                header_bytes=info.synapse_dynamics._n_header_bytes,
                weight_scale=float(of("weight_scales")[info.synapse_type]),
            )
            found.append(block)
    return found


def _send_buffers(vertex: Any) -> dict[int, bytes]:
    """Return what sPyNNaker would write into a source's memory before the run, by region."""
    from spinn_front_end_common.interface.buffer_management.buffer_manager import (
        _SDP_MAX_PACKAGE_SIZE,
        BufferManager,
    )
    from spinn_front_end_common.interface.buffer_management.buffer_models import (
        AbstractSendsBuffersFromHost,
    )
    from spinnman.messages.eieio.command_messages import EventStopRequest

    if not isinstance(vertex, AbstractSendsBuffersFromHost) or not vertex.buffering_input():
        return {}
    create = BufferManager._create_message_to_send
    written = {}
    for region in vertex.get_regions():
        vertex.rewind(region)
        data, room = b"", vertex.get_region_buffer_size(region)
        while vertex.is_next_timestamp(region):
            left = min(room - len(data), _SDP_MAX_PACKAGE_SIZE)
            message = create(object.__new__(BufferManager), left, vertex, region)
            if message is None:
                break
            data += message.bytestring
        if vertex.is_next_timestamp(region):
            raise ValueError(f"{vertex.label}: its spikes do not fit into the memory of its core")
        written[region] = data + EventStopRequest().bytestring
    return written
