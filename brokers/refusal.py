"""Why no broker takes us: the client libraries only say that time is over."""

import asyncio
import socket
import ssl
from typing import Any

from aiokafka.conn import create_conn
from aiokafka.errors import KafkaError, SaslAuthenticationFailed, UnsupportedSaslMechanismError

from brokers.connection import KafkaConnection

ANSWER_SECONDS = 5.0


def refusal(connection: KafkaConnection) -> str | None:
    """Why the first bootstrap server that can be reached refuses us, in one line; None where nobody listens.

    To be asked after a client has failed: then a connection that can be opened does not help. Not to be called in a running event loop.
    """
    return asyncio.run(_first(connection))


async def _first(connection: KafkaConnection) -> str | None:
    for server in connection.servers:
        host, _, port = server.rpartition(":")
        try:
            return await _of(connection, server, host, int(port))
        except ValueError:
            return f"{server} is no address: write host:port"
        except OSError:  # nobody listens there
            continue
    return None


async def _of(connection: KafkaConnection, server: str, host: str, port: int) -> str | None:
    """Why one server refuses us. Raise OSError where it cannot be reached."""
    arguments: dict[str, Any] = connection.client()
    del arguments["bootstrap_servers"]
    try:
        opened = await asyncio.wait_for(
            create_conn(host, port, request_timeout_ms=round(ANSWER_SECONDS * 1000), **arguments), ANSWER_SECONDS
        )
    except ssl.SSLCertVerificationError as error:
        return f"{server} is not trusted: {error.verify_message}"
    except (ssl.SSLError, ConnectionResetError):
        return f"{server} does not speak TLS"
    except SaslAuthenticationFailed:
        return f"{server} does not take user {connection.username} with this password"
    except UnsupportedSaslMechanismError:
        return f"{server} does not take {connection.mechanism}"
    except KafkaError:
        pass
    else:
        opened.close()
    wants = "; it wants TLS" if not connection.is_secured and _speaks_tls(host, port) else ""
    return f"{server} takes the connection and does not answer by {connection.protocol}{wants}"


def _speaks_tls(host: str, port: int) -> bool:
    context = ssl.create_default_context()
    try:
        with socket.create_connection((host, port), timeout=ANSWER_SECONDS) as bare:
            context.wrap_socket(bare, server_hostname=host).close()
    except ssl.SSLCertVerificationError:
        return True
    except OSError:
        return False
    return True
