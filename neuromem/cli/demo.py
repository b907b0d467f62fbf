"""``neuromem demo``: the main job in a minute, on nothing but the package."""

from __future__ import annotations

import os
from pathlib import Path

from neuromem.cli.memory import print_answers
from neuromem.cli.output import prepare, print_line, print_table
from neuromem.memory import (
    Learn,
    Memory,
    RecallByContent,
    RecallByCue,
    Session,
    load_recording,
    replay,
)

#: A map of 4 x 4 cells, each in one of six states, in the manner of the published state-map
#: application: the cell is the cue, its state the content.
MAP = ((0, 5, 1, 2), (0, 0, 3, 2), (4, 0, 3, 3), (4, 4, 1, 5))
STATES = ("free", "wall", "door", "rough", "charger", "unknown")


def demo(*, out: Path = Path("neuromem-demo"), recordings: Path | None = None) -> int:
    """Store, recall and overwrite memories, map a room, and draw what the neurons did.

    Parameters
    ----------
    out
        Folder for the files.
    recordings
        Folder of board recordings to replay.
    """
    from neuromem.plotting import raster, save_figure

    out.mkdir(parents=True, exist_ok=True)
    prepare("native")
    print_line("A content-addressable memory of 5 cues and 10 content bits, simulated natively:\n")
    session = store_recall_overwrite()
    print_answers(session.answers())
    figure = save_figure(raster(session.result(), session=session), out / "memory_raster.png")
    result = session.result().save(out / "memory.h5")

    print_line("\nA room of 16 cells in 6 states: each cell's state is learned, then each state is")
    print_line("asked for its cells.\n")
    rooms = map_room()
    right = print_map(rooms)
    room_figure = save_figure(raster(rooms.result(), session=rooms), out / "state_map_raster.png")

    folder = recordings or Path(os.environ.get("NEUROMEM_ORACLE", "../shared/oracle"))
    same = replay_board(folder / "ca3_state_map.json")
    print_line("\nWhere the files are:")
    for path, what in (
        (figure, "raster of the first memory"),
        (room_figure, "raster of the room"),
        (result, "its spikes (HDF5; neuromem.Result.load)"),
    ):
        print_line(f"  {path}  {what}")
    return 0 if right and same else 1


def store_recall_overwrite() -> Session:
    """Return a session that stores three memories, recalls them, and overwrites one."""
    memory = Memory(cues=5, content=10)
    session = memory.start()
    session.learn(0, [0, 1, 8, 9])
    session.learn(3, [4, 5, 6])
    session.learn(4, [2, 7])
    session.recall_by_cue(0)
    session.recall_by_content([7])
    session.recall_by_content([5])
    session.overwrite(3, [1, 3])
    session.recall_by_cue(3)
    session.recall_by_content([1])
    return session


def map_room() -> Session:
    """Return a session that learns the state of 16 cells and asks each state for its cells."""
    cells = [state for row in MAP for state in row]
    learns = [Learn(cue=cell, content=(state,)) for cell, state in enumerate(cells)]
    queries = [RecallByContent(content=(state,)) for state in range(len(STATES))]
    memory = Memory(cues=len(cells), content=len(STATES))
    return memory.run([*learns, *queries, RecallByCue(cue=0)])


def print_map(session: Session) -> bool:
    """Print which cells each state recalled, beside the map; return whether all are right."""
    cells = [state for row in MAP for state in row]
    rows, right = [], True
    for answer in session.answers():
        if isinstance(answer.operation, RecallByContent):
            state = answer.operation.content[0]
            expected = tuple(cell for cell, held in enumerate(cells) if held == state)
            right &= answer.cues == expected
            found = ", ".join(map(str, answer.cues))
            verdict = "as learned" if answer.cues == expected else f"learned: {expected}"
            rows.append((STATES[state], found, f"{answer.latency_ms or 0:g} ms", verdict))
    print_table(("state", "cells that answer", "latency", ""), rows)
    return right


def replay_board(path: Path) -> bool:
    """Replay the board's state map where the recording is at hand; return whether it agrees."""
    if not path.exists():
        print_line(
            "\nNo board recording at hand (--recordings DIR, or $NEUROMEM_ORACLE): the published "
            "state map is not compared."
        )
        return True
    comparisons, _ = replay(load_recording(path))
    recorded = sum(len(c.recorded) for c in comparisons)
    missing = sum(len(c.missing) for c in comparisons)
    extra = sum(len(c.extra) for c in comparisons)
    print_line(
        f"\nThe published state map, recorded on a SpiNNaker board: {recorded} spikes, "
        f"{recorded - missing} reproduced, {missing} missing, {extra} extra."
    )
    return missing == extra == 0
