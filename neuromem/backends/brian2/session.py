"""Brian2's global state, set for one run and put back."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from tempfile import TemporaryDirectory
from typing import Any

#: How Brian2 runs its code, the default first.
TARGETS = ("numpy", "cython", "cpp_standalone")

_PREFERENCES: dict[str, Any] = {
    # Would move constants together, and round differently.
    "codegen.loop_invariant_optimisations": False,
    # The same for the compiler: neither fast-math nor fused multiply-add.
    "codegen.cpp.extra_compile_args_gcc": ["-w", "-O2", "-ffp-contract=off", "-std=c++11"],
    "codegen.cpp.extra_compile_args_msvc": ["/O2", "/w", "/fp:precise", "/MP"],
    # Would end a run early and silently, where others raise KeyboardInterrupt.
    "core.stop_on_keyboard_interrupt": False,
    # Otherwise one compiler for each source file, all at once.
    "devices.cpp_standalone.extra_make_args_unix": [f"-j{os.cpu_count() or 1}"],
}


def target_of(options: Mapping[str, Any]) -> str:
    """Return the target that options choose; raise ValueError for an unknown one."""
    target = options.get("target", TARGETS[0])
    if target not in TARGETS:
        raise ValueError(f"target {target!r}: must be one of {', '.join(TARGETS)}")
    return target


def ran_on(brian2: Any) -> str:
    """Return the target that is active within a session."""
    names = {id(device): name for name, device in brian2.all_devices.items()}
    name = names[id(brian2.get_device())]
    return brian2.prefs["codegen.target"] if name == "runtime" else name


@contextmanager
def session(target: str) -> Iterator[Any]:
    """Yield the ``brian2`` module, set for one run on a target; quiet, and as before after it.

    Results must be read inside: those of ``cpp_standalone`` are files that are deleted.
    """
    # Importing Brian2 warns (of old names of pyparsing) and takes over sys.excepthook.
    with warnings.catch_warnings(), TemporaryDirectory(prefix="neuromem-brian2-") as folder:
        warnings.simplefilter("ignore")
        hook = sys.excepthook
        brian2: Any = import_module("brian2")
        from brian2.devices import all_devices, reset_device, set_device

        sys.excepthook = hook
        log = logging.getLogger("brian2")
        compiled = target == "cpp_standalone"
        wanted = _PREFERENCES | ({} if compiled else {"codegen.target": target})
        level, before = log.level, {name: brian2.prefs[name] for name in wanted}
        log.setLevel(logging.ERROR)
        if compiled:
            set_device("cpp_standalone", directory=folder)
        else:
            set_device("runtime")
        try:
            for name, value in wanted.items():
                brian2.prefs[name] = value
            yield brian2
        finally:
            if compiled:
                all_devices["cpp_standalone"].reinit()
            reset_device()
            for name, value in before.items():
                brian2.prefs[name] = value
            log.setLevel(level)
            # Left behind by an interrupted run; Brian2 would swallow the next Ctrl-C for it.
            brian2.Network._globally_running = False
