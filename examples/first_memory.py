"""Store, recall by cue and by content, overwrite: a live memory, one operation at a time.

Run it: ``python examples/first_memory.py``
"""

from neuromem import Memory

# 5 cues, each an address, and 10 content bits.
memory = Memory(cues=5, content=10)
session = memory.start(backend="native")

session.learn(0, [0, 1, 8, 9])
session.learn(3, [4, 5, 6])

answer = session.recall_by_cue(0)
print(f"cue 0 holds {answer.content}, known {answer.latency_ms} ms after asking")

answer = session.recall_by_content([5])
print(f"bit 5 is held by cues {answer.cues}")

answer = session.overwrite(3, [1, 2])
print(f"cue 3 forgets {answer.replaced} and now holds {session.recall_by_cue(3).content}")

print(f"in the synapses: {session.stored()}")
spikes = session.result().spikes
print(f"{sum(map(len, spikes.values()))} spikes in {session.time_ms:g} ms of simulated time")
