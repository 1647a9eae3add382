"""Runs one command and prints what the operating system says about it, as a line of JSON.

usage: python3 -I measure.py [--tree] STDOUT_FILE STDERR_FILE COMMAND...

wall: seconds; cpu: user + system seconds of the command and of every descendant it waited for; rss: peak resident
bytes of the largest of them (ru_maxrss of wait4); code: the exit code, negative for a signal. With --tree, tree: the
most that all of them held at one moment, shared pages counted once (Pss), looked at every 50 ms: such a run is slower.
"""

import json
import os
import sys
import time


def descendants(pid):
    open_ones, found = [pid], []
    while open_ones:
        current = open_ones.pop()
        found.append(current)
        try:
            for task in os.listdir(f"/proc/{current}/task"):
                with open(f"/proc/{current}/task/{task}/children") as children:
                    open_ones.extend(map(int, children.read().split()))
        except OSError:
            pass  # it has ended
    return found


def proportional(pid):
    try:
        with open(f"/proc/{pid}/smaps_rollup") as lines:
            for line in lines:
                if line.startswith("Pss:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass  # it has ended
    return 0


def watch(pid):
    most = 0
    while True:
        ended, status, usage = os.wait4(pid, os.WNOHANG)
        if ended:
            return status, usage, most
        most = max(most, sum(map(proportional, descendants(pid))))
        time.sleep(0.05)


def main(tree, out, err, command):
    start = time.perf_counter()
    pid = os.fork()
    if pid == 0:
        for path, number in ((os.devnull, 0), (out, 1), (err, 2)):
            flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            os.dup2(os.open(path, flags, 0o600), number)
        try:
            os.execvp(command[0], command)
        except OSError as error:
            os.write(2, f"cannot run {command[0]}: {error}\n".encode())
            os._exit(127)
    most = None
    if tree:
        status, usage, most = watch(pid)
    else:
        _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - start
    print(
        json.dumps(
            {
                "wall": wall,
                "cpu": usage.ru_utime + usage.ru_stime,
                "rss": usage.ru_maxrss * 1024,
                "tree": most,
                "code": os.waitstatus_to_exitcode(status),
            }
        )
    )


arguments = sys.argv[1:]
with_tree = arguments[0] == "--tree"
if with_tree:
    del arguments[0]
main(with_tree, arguments[0], arguments[1], arguments[2:])
