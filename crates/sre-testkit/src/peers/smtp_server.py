"""An aiosmtpd server for one test. Arguments: security (starttls, tls, plain), certificate, key, folder, user, password.

Prints `PORT n` once it listens. Each message becomes a file N.json in the folder. With a user every client must log in.
A recipient such as `refuse-550@x` is answered with that status; a message with the line `answer-554` likewise.
"""

import asyncio
import email
import email.policy
import json
import os
import re
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

security, certificate, key, folder, user, password = sys.argv[1:7]


def status_in(word, text):
    found = re.search(word + r"-(\d{3})", text)
    return found.group(1) if found else None


class Handler:
    count = 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        status = status_in("refuse", address)
        if status:
            return f"{status} refused on purpose"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        raw = envelope.content
        status = status_in("answer", raw.decode("utf-8", "replace"))
        if status:
            return f"{status} refused on purpose"
        message = email.message_from_bytes(raw, policy=email.policy.default)
        parts = {p.get_content_type(): p.get_content() for p in message.walk() if not p.is_multipart()}
        stored = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "headers": [[name, str(value)] for name, value in message.items()],
            "type": message.get_content_type(),
            "parts": parts,
            "raw": raw.decode("utf-8", "replace"),
            "encrypted": session.ssl is not None or security == "tls",
            "user": session.auth_data,
        }
        path = os.path.join(folder, f"{Handler.count}.json")
        Handler.count += 1
        with open(path + ".new", "w") as file:
            json.dump(stored, file)
        os.rename(path + ".new", path)
        return "250 taken"


def authenticate(server, session, envelope, mechanism, data):
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (user.encode(), password.encode())
    return AuthResult(success=good, handled=False, auth_data=user if good else None)


async def main():
    context = None
    if security != "plain":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate, key)

    def protocol():
        return SMTP(
            Handler(),
            hostname="smtp.testkit",
            data_size_limit=1_000_000,
            tls_context=context if security == "starttls" else None,
            require_starttls=security == "starttls",
            auth_required=bool(user),
            auth_require_tls=security == "starttls",
            authenticator=authenticate,
        )

    wrapped = context if security == "tls" else None
    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0, ssl=wrapped)
    print("PORT", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
