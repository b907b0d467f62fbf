"""Data sets as event sets, and the simulated stand-ins for those that cannot be had offline."""

from neuromem.datasets.auditory_aedat import AuditoryAedat, read_auditory_aedat
from neuromem.datasets.cards import DataFile, DatasetCard, card_names, load_card
from neuromem.datasets.digits import (
    SIMULATED,
    Digits,
    mnist_images,
    offline_digits,
    simulated_nmnist,
    split,
)
from neuromem.datasets.emnist import LETTERS, LetterImages, read_emnist_letters, read_idx
from neuromem.datasets.handwriting import Handwriting, read_handwriting
from neuromem.datasets.neuromorphic_audio import (
    fetch_neuromorphic_audio,
    read_heidelberg_commands,
    read_heidelberg_digits,
    read_n_tidigits,
)
from neuromem.datasets.nmnist import fetch_nmnist, mnist_index, read_nmnist, write_nmnist
from neuromem.datasets.spoken import (
    SpokenDigits,
    leave_one_speaker_out,
    read_spoken_digits,
    read_wav,
    spoken_events,
)
from neuromem.datasets.synthetic_speech import SYNTHETIC_SPEECH, synthetic_digits

__all__ = [
    "LETTERS",
    "SIMULATED",
    "SYNTHETIC_SPEECH",
    "AuditoryAedat",
    "DataFile",
    "DatasetCard",
    "Digits",
    "Handwriting",
    "LetterImages",
    "SpokenDigits",
    "card_names",
    "fetch_neuromorphic_audio",
    "fetch_nmnist",
    "leave_one_speaker_out",
    "load_card",
    "mnist_images",
    "mnist_index",
    "offline_digits",
    "read_auditory_aedat",
    "read_emnist_letters",
    "read_handwriting",
    "read_heidelberg_commands",
    "read_heidelberg_digits",
    "read_idx",
    "read_n_tidigits",
    "read_nmnist",
    "read_spoken_digits",
    "read_wav",
    "simulated_nmnist",
    "split",
    "spoken_events",
    "synthetic_digits",
    "write_nmnist",
]
