"""Save a memory in the middle of an operation and go on elsewhere, bit for bit.

Run it: ``python examples/save_and_resume.py``
"""

import tempfile
from pathlib import Path

from neuromem import Memory

session = Memory(cues=16, content=6).start()
session.learn(0, [0, 3])
session.learn(9, [3])
session.simulation.run(3)  # three ticks on, spikes may be on their way

with tempfile.TemporaryDirectory() as folder:
    path = session.save(Path(folder) / "memory.h5")
    resumed = Memory.resume(path)

for one in (session, resumed):
    print(one.recall_by_content([3]).cues, one.recall_by_cue(9).content)
