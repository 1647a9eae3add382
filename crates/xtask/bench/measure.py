"""Runs one command and prints what the operating system says about it, as a line of JSON.

usage: python3 -I measure.py STDOUT_FILE STDERR_FILE COMMAND...

wall: seconds; cpu: user + system seconds of the command and of every descendant it waited for; rss: peak resident
bytes of the largest of them (ru_maxrss of wait4); code: the exit code, negative for a signal.
"""

import json
import os
import sys
import time


def main(out, err, command):
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
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - start
    print(
        json.dumps(
            {
                "wall": wall,
                "cpu": usage.ru_utime + usage.ru_stime,
                "rss": usage.ru_maxrss * 1024,
                "code": os.waitstatus_to_exitcode(status),
            }
        )
    )


main(sys.argv[1], sys.argv[2], sys.argv[3:])
