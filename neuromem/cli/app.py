"""The root of the command line, and what all commands do the same."""

from __future__ import annotations

import cyclopts

from neuromem._version import __version__
from neuromem.cli import backends, bench, cite, demo, deploy, memory, rram
from neuromem.cli.output import console, errors

app = cyclopts.App(
    name="neuromem",
    help="Spiking memories and reservoirs, defined once and run anywhere.",
    version=__version__,
    console=console,
    suppress_keyboard_interrupt=False,  # said in one line below
)
app.command(memory.app)
app.command(bench.app)
app.command(rram.app)
app.command(demo.demo)
app.command(deploy.deploy)
app.command(backends.backends)
app.command(cite.cite)


def run(arguments: list[str]) -> int:
    """Run the command line on the given arguments and return its exit code."""
    try:
        code = app(
            arguments,
            exit_on_error=False,
            print_error=False,
            help_on_error=False,
            result_action="return_value",
        )
    except cyclopts.CycloptsError as error:
        _say(f"{error} (see --help)")
        return 2
    except KeyboardInterrupt:
        _say("interrupted")
        return 130
    except OSError as error:
        named = error.filename is not None and error.strerror is not None
        _say(f"{error.filename}: {error.strerror}" if named else str(error))
        return 1
    except (ValueError, ModuleNotFoundError) as error:
        _say(str(error))
        return 1
    return code if isinstance(code, int) else 0


def _say(message: str) -> None:
    """Print an error in one line."""
    errors.print(f"neuromem: {' '.join(message.split())}", markup=False, soft_wrap=True)
