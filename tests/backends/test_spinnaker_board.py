"""Boards, servers and cards: what is written, what answers, and what is said when nothing does."""

import configparser
import socket
import threading
from contextlib import contextmanager

import pytest

from neuromem.backends.spinnaker import Board, card_names, load_card
from neuromem.backends.spinnaker import board as boards

QUICK_S = 0.05


@contextmanager
def listening(monkeypatch, kind: socket.SocketKind, name: str, answer: bytes | None = None):
    """Listen on a free port of this computer, in place of the one that ``boards.name`` gives."""
    with socket.socket(socket.AF_INET, kind) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)
        monkeypatch.setattr(boards, name, server.getsockname()[1])
        if kind == socket.SOCK_STREAM:
            server.listen()
            yield
            return
        asked: list[bytes] = []

        def reply():
            data, peer = server.recvfrom(512)
            asked.append(data)
            if answer is not None:
                server.sendto(answer, peer)

        thread = threading.Thread(target=reply)
        thread.start()
        yield asked
        thread.join()


@pytest.mark.parametrize(
    ("text", "kind", "address"),
    [
        ("virtual", "virtual", ""),
        ("192.168.240.1", "host", "192.168.240.1"),
        ("spinn-4.lab.example", "host", "spinn-4.lab.example"),
        ("spalloc:spinn.example:22244", "spalloc", "spinn.example:22244"),
        ("spalloc:https://spinn.example/spalloc/", "spalloc", "https://spinn.example/spalloc/"),
    ],
)
def test_a_board_is_read_and_written(text, kind, address):
    board = Board.of(text)
    assert (board.kind, board.address, str(board)) == (kind, address, text)
    parser = configparser.ConfigParser()
    parser.read_string(board.configuration(5))
    machine = dict(parser["Machine"])
    assert machine.pop("version") == "5"
    option = {"virtual": "virtual_board", "host": "machine_name", "spalloc": "spalloc_server"}[kind]
    assert machine == {option: address or "True"}


@pytest.mark.parametrize(
    ("text", "remedy"),
    [("spalloc", "name the server"), ("", "host name"), ("a\n[Machine]", "host name")],
)
def test_a_board_that_is_none_is_refused(text, remedy):
    with pytest.raises(ValueError, match=remedy):
        Board.of(text)


def test_a_board_that_answers_is_reached(monkeypatch):
    with listening(monkeypatch, socket.SOCK_DGRAM, "SCAMP_PORT", answer=bytes(26)) as asked:
        Board.of("127.0.0.1").reach()
    assert asked == [boards.ASK_VERSION]


def test_the_question_is_the_one_that_spynnaker_asks():
    pytest.importorskip("spinnman", reason="needs sPyNNaker: pip install 'neuromem-snn[spinnaker]'")
    from spinnman.messages.scp.impl import GetVersion
    from spinnman.messages.sdp import SDPFlag, SDPHeader

    header = GetVersion(0, 0, 0).sdp_header
    flags, tag, cpu = boards.ASK_VERSION[2], boards.ASK_VERSION[3], boards.ASK_VERSION[4]
    assert flags == header.flags.value == SDPFlag.REPLY_EXPECTED.value
    assert (tag, cpu) == (SDPHeader.from_bytestring(boards.ASK_VERSION, 2).tag, 0)
    assert boards.ASK_VERSION[10:14] == GetVersion(0, 0, 0).scp_request_header.bytestring[:4]


def test_a_board_that_keeps_silent_is_named(monkeypatch):
    with (
        listening(monkeypatch, socket.SOCK_DGRAM, "SCAMP_PORT"),
        pytest.raises(ConnectionError, match=r"'127\.0\.0\.1' does not answer on UDP port"),
    ):
        Board.of("127.0.0.1").reach(QUICK_S)


def test_a_closed_port_is_named(monkeypatch):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setattr(boards, "SCAMP_PORT", taken.getsockname()[1])
    with pytest.raises(ConnectionError, match="switched on"):
        Board.of("127.0.0.1").reach(QUICK_S)


def test_a_server_that_listens_is_reached(monkeypatch):
    with listening(monkeypatch, socket.SOCK_STREAM, "SPALLOC_PORT"):
        Board.of("spalloc:127.0.0.1").reach()


def test_a_server_that_does_not_listen_is_named():
    with pytest.raises(
        ConnectionError, match=r"spalloc server '127\.0\.0\.1' does not answer on TCP"
    ):
        Board.of("spalloc:127.0.0.1:1").reach(QUICK_S)


@pytest.mark.parametrize("text", ["no-such-board.invalid", "spalloc:no-such-server.invalid"])
def test_an_unknown_name_is_said(text):
    with pytest.raises(ConnectionError, match=r"no host 'no-such-.*\.invalid'"):
        Board.of(text).reach(QUICK_S)


def test_the_cards_agree_with_the_machines_that_spynnaker_models():
    pytest.importorskip("spinn_machine", reason="needs sPyNNaker")
    from spinn_machine.config_setup import unittest_setup
    from spinn_machine.version.version_3 import Version3
    from spinn_machine.version.version_5 import Version5

    unittest_setup()
    for name in card_names():
        card = load_card(name)
        model = {3: Version3, 5: Version5}[card.version]()
        assert card.chips_per_board == model.n_chips_per_board
        assert card.chip.cores == model.max_cores_per_chip
        assert card.chip.dtcm_bytes == model.dtcm_bytes
        assert card.chip.routing_entries == model.n_router_entries + 1
        assert card.chip.sdram_bytes > model.max_sdram_per_chip
        assert card.cores == card.chips * card.chip.cores


def test_a_card_that_cannot_be_is_refused(tmp_path):
    text = (boards_folder() / "spinn-3.toml").read_text(encoding="utf-8")
    path = tmp_path / "mine.toml"
    path.write_text(text.replace("cores = 72", "cores = 73"), encoding="utf-8")
    with pytest.raises(ValueError, match=r"mine\.toml: BoardCard\.cores = 73"):
        load_card(path)
    with pytest.raises(FileNotFoundError, match="no board card 'spinn-9': there are million-core"):
        load_card("spinn-9")


def boards_folder():
    from neuromem.network.cards import card_folder

    return card_folder("spinnaker")
