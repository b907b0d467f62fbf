"""Event streams, the sensors that make them, and how they become input spikes."""

from neuromem.events.cochlea import Cochlea
from neuromem.events.eventset import EventSet
from neuromem.events.framing import Crop, Framing
from neuromem.events.rate_code import bernoulli_spikes
from neuromem.events.saccades import SaccadeSensor
from neuromem.events.stream import EVENT_DTYPE, Events, SensorSize, check_events

__all__ = [
    "EVENT_DTYPE",
    "Cochlea",
    "Crop",
    "EventSet",
    "Events",
    "Framing",
    "SaccadeSensor",
    "SensorSize",
    "bernoulli_spikes",
    "check_events",
]
