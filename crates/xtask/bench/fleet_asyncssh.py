"""asyncssh in one event loop, as its documentation does it for many hosts.

usage: fleet_asyncssh.py DIR HOSTS PORT USER FANOUT TIMEOUT run COMMAND
       fleet_asyncssh.py DIR HOSTS PORT USER FANOUT TIMEOUT put LOCAL REMOTE

Prints a line `OK host bytes` a host.
"""

import asyncio
import sys

import asyncssh


async def main(directory, hosts, port, user, fanout, timeout, action, *args):
    with open(hosts) as lines:
        hosts = lines.read().split()
    key = asyncssh.read_private_key(f"{directory}/id")
    known = asyncssh.read_known_hosts(f"{directory}/known_hosts")
    slots = asyncio.Semaphore(int(fanout))

    async def one(host):
        name, _, own_port = host.partition(":")
        options = {
            "username": user,
            "client_keys": [key],
            "known_hosts": known,
            "agent_path": None,
            "config": None,
            "connect_timeout": float(timeout),
            "login_timeout": float(timeout),
        }
        async with slots:
            try:
                async with asyncssh.connect(name, int(own_port or port), **options) as connection:
                    if action == "put":
                        async with connection.start_sftp_client() as sftp:
                            await sftp.put(args[0], args[1])
                        return f"OK {host}"
                    result = await connection.run(args[0], encoding=None)
                    word = "OK" if result.exit_status == 0 else "FAILED"
                    return f"{word} {host} {len(result.stdout)}"
            except (OSError, asyncssh.Error, TimeoutError) as error:
                return f"FAILED {host} {error!r}"

    for line in await asyncio.gather(*map(one, hosts)):
        print(line)


asyncio.run(main(*sys.argv[1:]))
