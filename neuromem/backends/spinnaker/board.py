"""Where a network is to be deployed: the virtual board, a board by its name, a spalloc server."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

#: Port on which a booted board answers (SCAMP), and of a spalloc server's own protocol.
SCAMP_PORT, SPALLOC_PORT = 17893, 22244
#: How often a board is asked, and how long an answer may take (s).
ATTEMPTS, TIMEOUT_S = 3, 1.0
#: A command to which a booted board answers with its version (CMD_VER): padding, the SDP header
#: (reply expected; any tag; to the attached chip's monitor, from outside), the command.
ASK_VERSION = struct.pack("<2x8B2H3I", 0x87, 0xFF, 0, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0, 0)


@dataclass(frozen=True)
class Board:
    """Where to deploy.

    Parameters
    ----------
    kind
        ``"virtual"``: map only; ``"host"``: a board; ``"spalloc"``: a server that lends boards.
    address
        Host name, IP address or URL; empty for the virtual board.
    """

    kind: Literal["virtual", "host", "spalloc"]
    address: str = ""

    @classmethod
    def of(cls, text: str) -> Board:
        """Return what ``virtual``, ``HOST`` or ``spalloc:SERVER`` stands for.

        Raises
        ------
        ValueError
            For a spalloc without a server, or no text.
        """
        if text == "virtual":
            return cls("virtual")
        kind, _, server = text.partition(":")
        if kind == "spalloc":
            if not server:
                raise ValueError("board 'spalloc': name the server, as in spalloc:HOST")
            return cls("spalloc", server)
        if not text or any(c.isspace() or c in "[]=;#" for c in text):
            raise ValueError(
                f"board {text!r}: write virtual, a board's host name or IP address, or "
                "spalloc:SERVER"
            )
        return cls("host", text)

    def __str__(self) -> str:
        """Return it as it is written."""
        return {"virtual": "virtual", "host": self.address}.get(
            self.kind, f"spalloc:{self.address}"
        )

    def configuration(self, version: int) -> str:
        """Return sPyNNaker's configuration for a board of a version (3 or 5)."""
        machine = {
            "virtual": f"virtual_board = True\nversion = {version}",
            "host": f"machine_name = {self.address}\nversion = {version}",
            "spalloc": f"spalloc_server = {self.address}\nversion = {version}",
        }[self.kind]
        # Forced compression shows on the virtual board how far the tables can shrink.
        forced = self.kind == "virtual"
        return (
            f"[Machine]\n{machine}\n\n[Mode]\nmode = Info\n\n"
            "[Reports]\nwrite_network_graph = False\nkeep_dataspec_database = True\n"
            "write_compression_comparison = True\n\n"
            f"[Mapping]\nrouter_table_compress_as_far_as_possible = {forced}\n"
        )

    def reach(self, timeout_s: float = TIMEOUT_S) -> None:
        """Ask the board or server whether it is there.

        Raises
        ------
        ConnectionError
            When it is not: its name is unknown, or nothing answers.
        """
        if self.kind == "host":
            _ask_board(self.address, timeout_s)
        elif self.kind == "spalloc":
            _ask_server(self.address, timeout_s)


def _ask_board(host: str, timeout_s: float) -> None:
    address = _resolve(host, SCAMP_PORT, socket.SOCK_DGRAM)
    with socket.socket(address[0], socket.SOCK_DGRAM) as asking:
        asking.settimeout(timeout_s)
        asking.connect(address[1])
        for _ in range(ATTEMPTS):
            try:
                asking.send(ASK_VERSION)
                asking.recv(512)
                return
            except TimeoutError:
                continue
            except OSError:
                break
    raise ConnectionError(
        f"board {host!r} does not answer on UDP port {SCAMP_PORT}: check that it is switched on "
        "and that this computer is in its network; one that was just switched on answers only once "
        "it is booted: deploy without this check (--no-check), which boots it"
    )


def _ask_server(server: str, timeout_s: float) -> None:
    url = urlsplit(server if "://" in server else f"spalloc://{server}")
    host = url.hostname or server
    port = url.port or {"http": 80, "https": 443}.get(url.scheme, SPALLOC_PORT)
    address = _resolve(host, port, socket.SOCK_STREAM)
    try:
        with socket.socket(address[0], socket.SOCK_STREAM) as asking:
            asking.settimeout(timeout_s * ATTEMPTS)
            asking.connect(address[1])
    except OSError:
        raise ConnectionError(
            f"spalloc server {host!r} does not answer on TCP port {port}: check its name, its port "
            "and your network, or use --board virtual"
        ) from None


def _resolve(host: str, port: int, kind: socket.SocketKind) -> tuple:
    try:
        found = socket.getaddrinfo(host, port, type=kind)[0]
    except OSError:
        raise ConnectionError(
            f"no host {host!r}: check the name of the board or server, or give its IP address"
        ) from None
    return found[0], found[4]
