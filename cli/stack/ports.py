"""Free ports on loopback."""

import random
import socket

_PORTS = range(20_000, 32_768)  # below those that systems give to outgoing connections: these come and go at any time
_DICE = random.SystemRandom()  # two processes must not choose alike, whoever seeds `random`
_given: set[int] = set()  # by this process: what was chosen is perhaps not listened on yet


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now and that were not given before, all different. Raise OSError where there are not so many."""
    found: list[int] = []
    for port in _DICE.sample(_PORTS, len(_PORTS)):
        if len(found) == count:
            break
        if port not in _given and _is_free(port):
            found.append(port)
            _given.add(port)
    if len(found) < count:
        raise OSError(f"no {count} free ports between {_PORTS[0]} and {_PORTS[-1]}")
    return found


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def is_open(port: int) -> bool:
    """Whether somebody accepts connections on this port of this machine."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
