"""Whether the next request of a connection has come, told from what the kernel holds of it; nothing is taken from the socket.

A request has come with its whole head and, where that announces a short body, with the body. The poller is asked to wake
only when that much is there (SO_RCVLOWAT), so that a client that trickles costs next to nothing.
"""

import enum
import fcntl
import re
import socket
import struct
import sys
import termios

LONGEST_HEAD = 1 << 14  # bytes
LONGEST_LINE = 8_190  # bytes of its first line, which has the address; RFC 9110 asks for 8,000 at least
_PROBES = (b"GET /healthz ", b"GET /readyz ", b"GET /metrics ")
_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,12})[ \t]*(?=\r|\Z)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
_EXPECTS = re.compile(rb"\r\nexpect:[ \t]*100-continue", re.IGNORECASE)


class State(enum.Enum):
    """How far a request has come."""

    HEAD = enum.auto()  # the head is not whole
    BODY = enum.auto()  # the head is whole, and the body is not
    COME = enum.auto()  # a thread can read a request now, or how the connection broke off
    GONE = enum.auto()  # the client has closed the connection, and nothing is left to read
    LONG_LINE = enum.auto()  # its first line is too long, whatever comes after it
    TOO_LARGE = enum.auto()  # the head goes on for ever


class Arrival:
    """What has come of the next request of one connection; `probe` says whether it is one, once its head is whole."""

    def __init__(self) -> None:
        self.probe = False
        self._seen = 0  # bytes, when last looked

    def look(self, client: socket.socket, longest_body: int) -> State:
        """How far it has come; a body that is announced as longer than `longest_body`, or in chunks, is not waited for."""
        try:
            head, whole, _ = client.recv(LONGEST_HEAD, socket.MSG_PEEK | socket.MSG_DONTWAIT).partition(_END_OF_HEAD)
            here = _held(client) if whole else len(head)
            body = _announced(head, longest_body) if whole else 0
            self.probe = bool(whole) and is_probe(head)
            wanted = len(head) + len(whole) + body if whole else here + 1
            closed = here <= self._seen  # woken without anything new: the client has closed its side
            come = closed or here >= wanted
            self._seen = 0 if come else here
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1 if come else wanted)
        except BlockingIOError:
            return State.HEAD
        except OSError:
            return State.COME
        if come:
            return State.COME if here else State.GONE
        if whole:
            return State.BODY
        if len(head.removeprefix(b"\r\n").partition(b"\r\n")[0]) > LONGEST_LINE:  # one empty line before it is allowed
            return State.LONG_LINE
        return State.HEAD if here < LONGEST_HEAD else State.TOO_LARGE


def expects_word(client: socket.socket) -> bool:
    """Whether the client sends its body only when it is told to go on."""
    head = client.recv(LONGEST_HEAD, socket.MSG_PEEK | socket.MSG_DONTWAIT).partition(_END_OF_HEAD)[0]
    return _EXPECTS.search(head) is not None


def is_whole(ahead: bytes, longest_body: int) -> bool:
    """Whether bytes that were read already hold a request that has come; nothing at all counts, too."""
    head, whole, body = ahead.partition(_END_OF_HEAD)
    return not ahead or (bool(whole) and len(body) >= _announced(head, longest_body))


def is_probe(head: bytes) -> bool:
    """Whether these bytes begin what Kubernetes or Prometheus asks."""
    return head.startswith(_PROBES)


def is_all(come: bytes) -> bool:
    """Whether these bytes are a request of which nothing is still to come, however long its body is."""
    head, whole, body = come.partition(_END_OF_HEAD)
    return bool(whole) and len(body) >= _announced(head, sys.maxsize) and not _CHUNKED.search(head)


def _announced(head: bytes, longest_body: int) -> int:
    """Bytes of a body to wait for."""
    found = _LENGTH.search(head)
    length = int(found[1]) if found else 0
    return length if length <= longest_body else 0


def _held(client: socket.socket) -> int:
    """Bytes that the kernel holds for a reader."""
    (count,) = struct.unpack("i", fcntl.ioctl(client, termios.FIONREAD, b"\0" * 4))
    return int(count)
