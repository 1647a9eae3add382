"""The Python library parallel-ssh (libssh2 and gevent). It does not check host keys.

usage: fleet_parallel_ssh.py DIR HOSTS PORT USER FANOUT TIMEOUT COMMAND

Prints a line `OK host bytes` a host.
"""

import sys

from pssh.clients import ParallelSSHClient
from pssh.config import HostConfig


def main(directory, hosts, port, user, fanout, timeout, command):
    with open(hosts) as lines:
        hosts = [line.partition(":") for line in lines.read().split()]
    client = ParallelSSHClient(
        [name for name, _, _ in hosts],
        user=user,
        pkey=f"{directory}/id",
        pool_size=int(fanout),
        num_retries=1,
        retry_delay=0,
        timeout=float(timeout),
        allow_agent=False,
        identity_auth=False,
        host_config=[HostConfig(port=int(own_port or port)) for _, _, own_port in hosts],
    )
    outputs = client.run_command(command, stop_on_errors=False)
    client.join(outputs)
    for output in outputs:
        if output.exception is not None or output.client is None:
            print("FAILED", output.host, repr(output.exception))
            continue
        received = sum(len(line) for line in output.stdout)
        print("OK" if output.exit_code == 0 else "FAILED", output.host, received)


main(*sys.argv[1:])
