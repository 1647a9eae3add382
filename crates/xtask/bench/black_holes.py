"""Hosts that never answer: prints `ready`, then waits until its standard input ends.

usage: python3 -I black_holes.py PORT ADDRESS...

Every other one lets the kernel take connections and never says a word; the rest have a full queue, so that not even a
connection is made.
"""

import socket
import sys


def listen(address, port, backlog):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, port))
    listener.listen(backlog)
    return listener


def fill(address, port):
    """Connects until the queue is full."""
    kept = []
    for _ in range(4):
        client = socket.socket()
        client.settimeout(0.3)
        kept.append(client)
        try:
            client.connect((address, port))
        except TimeoutError:
            return kept
    raise SystemExit("the queue of a listener with a backlog of 0 does not fill up")


def main(port, addresses):
    kept = []
    for i, address in enumerate(addresses):
        silent = i % 2 == 0
        kept.append(listen(address, port, 4096 if silent else 0))
        if not silent:
            kept.append(fill(address, port))
    print("ready", flush=True)
    sys.stdin.read()


main(int(sys.argv[1]), sys.argv[2:])
