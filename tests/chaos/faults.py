"""What can go wrong, each kind with how it strikes and how it heals. What is claimed by one fault no other touches meanwhile."""

import contextlib
import os
import signal
import time
from abc import ABC, abstractmethod
from pathlib import Path
from random import Random
from typing import ClassVar

from cli.stack.children import Unstartable
from cli.stack.kafka import Broker
from tests.chaos.plant import PARTITIONS, SESSION_SECONDS, SINKS, WORKERS, Plant

BROKERS, POSTGRES = "brokers", "postgres"
FENCED_SECONDS = 9.0  # after so long a broker is thought dead by the others
START_SECONDS = 300  # a busy machine starts three brokers in minutes


class Fault(ABC):
    """One fault at one target. It strikes, lasts `seconds`, and heals."""

    kind: ClassVar[str]
    share: ClassVar[int]  # how often, compared with the others

    def __init__(self, dice: Random) -> None:
        self.target = self.choose(dice)
        self.seconds = round(self.lasts(dice), 1)

    @abstractmethod
    def choose(self, dice: Random) -> str:
        """The target by name."""

    @abstractmethod
    def lasts(self, dice: Random) -> float:
        """For how many seconds."""

    @property
    def claims(self) -> frozenset[str]:
        """What no other fault may touch meanwhile."""
        return frozenset((self.target,))

    @abstractmethod
    def strike(self, plant: Plant) -> None:
        """Do harm."""

    @abstractmethod
    def heal(self, plant: Plant) -> None:
        """End it; return when the part is there again. Raise Unstartable."""

    def __str__(self) -> str:
        return f"{self.kind} {self.target} for {self.seconds:g} s"


# --- workers and sinks


class KillWorker(Fault):
    """kill -9 of a worker; another takes its partitions over, or it is back before that."""

    kind, share = "kill -9", 6

    def choose(self, dice: Random) -> str:
        return dice.choice(WORKERS[:2])

    def lasts(self, dice: Random) -> float:
        return dice.choice((0.2, 1.0, 2.0 * SESSION_SECONDS))

    def strike(self, plant: Plant) -> None:
        plant.kill(self.target)

    def heal(self, plant: Plant) -> None:
        plant.start(self.target)


class StopWorker(Fault):
    """SIGSTOP of a worker, mostly past its session: what it wakes to belongs to others."""

    kind, share = "SIGSTOP", 5

    def choose(self, dice: Random) -> str:
        return dice.choice(WORKERS[:2])

    def lasts(self, dice: Random) -> float:
        return dice.choice((0.5, 0.7, 1.3, 1.6, 2.5)) * SESSION_SECONDS

    def strike(self, plant: Plant) -> None:
        plant.signal(self.target, signal.SIGSTOP)

    def heal(self, plant: Plant) -> None:
        plant.signal(self.target, signal.SIGCONT)


class KillSink(KillWorker):
    """kill -9 of a sink."""

    share = 3

    def choose(self, dice: Random) -> str:
        return dice.choice(SINKS)


class StopSink(StopWorker):
    """SIGSTOP of a sink, sometimes past its session of 10 s."""

    share = 2

    def choose(self, dice: Random) -> str:
        return dice.choice(SINKS)

    def lasts(self, dice: Random) -> float:
        return dice.choice((3.0, 12.0, 14.0))


class AddWorker(Fault):
    """A third worker joins, and leaves in order or by kill -9."""

    kind, share = "one more:", 2

    def choose(self, dice: Random) -> str:
        self._rudely = dice.random() < 0.5
        return WORKERS[2]

    def lasts(self, dice: Random) -> float:
        return dice.uniform(5, 15)

    def strike(self, plant: Plant) -> None:
        plant.start(self.target)

    def heal(self, plant: Plant) -> None:
        (plant.kill if self._rudely else plant.stop)(self.target)


class RollWorkers(Fault):
    """Workers and sinks are restarted in order, one after another, as a deployment does."""

    kind, share = "rolling restart of", 1

    def choose(self, dice: Random) -> str:
        return "workers and sinks"

    def lasts(self, dice: Random) -> float:
        return 0.5

    @property
    def claims(self) -> frozenset[str]:
        return frozenset((*WORKERS, *SINKS))

    def strike(self, plant: Plant) -> None:
        for name in (*WORKERS[:2], *SINKS):
            plant.stop(name)
            plant.start(name)
            time.sleep(2)

    def heal(self, plant: Plant) -> None:
        """They are back already."""


# --- brokers: at most one down at a time, but for the outage


class _BrokerFault(Fault):
    claims = frozenset((BROKERS,))

    def choose(self, dice: Random) -> str:
        """By the partition that it leads then, or by its number."""
        number = dice.randrange(PARTITIONS + 3)
        return f"leader of {number}" if number < PARTITIONS else f"broker {number - PARTITIONS + 1}"

    def node(self, plant: Plant) -> Broker:
        number = int(self.target.split()[-1])
        return plant.leader(number) if self.target.startswith("leader") else plant.cluster.nodes[number - 1]


class KillBroker(_BrokerFault):
    """kill -9 of a broker."""

    kind, share = "kill -9", 3

    def lasts(self, dice: Random) -> float:
        return dice.choice((0.5, 3.0, FENCED_SECONDS + 3))

    def strike(self, plant: Plant) -> None:
        self._node = self.node(plant)
        self._node.kill()

    def heal(self, plant: Plant) -> None:
        self._node.start(seconds=START_SECONDS)
        plant.wait_in_sync()


class StopBroker(_BrokerFault):
    """SIGSTOP of a broker: its clients wait for answers, and it wakes up as a leader that was."""

    kind, share = "SIGSTOP", 2

    def lasts(self, dice: Random) -> float:
        return dice.choice((3.0, FENCED_SECONDS + 3))

    def strike(self, plant: Plant) -> None:
        self._node = self.node(plant)
        _signal(self._node, signal.SIGSTOP)

    def heal(self, plant: Plant) -> None:
        _signal(self._node, signal.SIGCONT)
        plant.wait_in_sync()


class RollBrokers(_BrokerFault):
    """All brokers are restarted in order, one after another."""

    kind, share = "rolling restart of", 1

    def choose(self, dice: Random) -> str:
        return "brokers"

    def lasts(self, dice: Random) -> float:
        return 0.0

    def strike(self, plant: Plant) -> None:
        for node in plant.cluster.nodes:
            node.stop()
            node.start(seconds=START_SECONDS)
            plant.wait_in_sync()

    def heal(self, plant: Plant) -> None:
        """They are back already."""


class Outage(_BrokerFault):
    """All brokers are gone at once, for 20 s."""

    kind, share = "outage of", 1

    def choose(self, dice: Random) -> str:
        return "all brokers"

    def lasts(self, dice: Random) -> float:
        return 20.0

    def strike(self, plant: Plant) -> None:
        plant.cluster.kill()

    def heal(self, plant: Plant) -> None:
        plant.cluster.start(seconds=START_SECONDS)
        plant.wait_in_sync()


def _signal(node: Broker, number: signal.Signals) -> None:
    if node.process is not None:
        node.process.send_signal(number)


# --- the network


class CutWorker(Fault):
    """Nothing passes between a worker and the brokers, all or one of them; nobody is told."""

    kind, share = "network cut", 4

    def choose(self, dice: Random) -> str:
        self._nodes = dice.choice(((0, 1, 2), (0,), (1,), (2,)))
        return dice.choice(WORKERS[:2])

    def lasts(self, dice: Random) -> float:
        return dice.choice((0.6, 1.5, 3.0)) * SESSION_SECONDS

    def strike(self, plant: Plant) -> None:
        plant.network.cut(plant.wires[self.target][node] for node in self._nodes)

    def heal(self, plant: Plant) -> None:
        plant.network.mend(plant.wires[self.target])

    def __str__(self) -> str:
        brokers = "all brokers" if len(self._nodes) > 1 else f"broker {self._nodes[0] + 1}"
        return f"{self.kind} between {self.target} and {brokers} for {self.seconds:g} s"


# --- PostgreSQL


class KillPostgres(Fault):
    """kill -9 of every process of the database server."""

    kind, share = "kill -9", 2

    def choose(self, dice: Random) -> str:
        return POSTGRES

    def lasts(self, dice: Random) -> float:
        return dice.uniform(0.5, 8)

    def strike(self, plant: Plant) -> None:
        server = plant.postgres.process
        assert server is not None
        for pid in [server.pid, *_children(server.pid)]:
            _send(pid, signal.SIGKILL)
        server.wait()
        plant.postgres.process = None

    def heal(self, plant: Plant) -> None:
        end = time.monotonic() + START_SECONDS
        while plant.postgres.process is None:
            try:
                plant.postgres.start()
            except Unstartable:  # what the dead one held of the machine is let go with its last child
                plant.postgres.process = None
                if time.monotonic() > end:
                    raise
                time.sleep(0.5)


class StopPostgres(Fault):
    """SIGSTOP of every process of the database server: connections are open and nobody answers."""

    kind, share = "SIGSTOP", 1

    def choose(self, dice: Random) -> str:
        return POSTGRES

    def lasts(self, dice: Random) -> float:
        return dice.uniform(3, 15)

    def strike(self, plant: Plant) -> None:
        server = plant.postgres.process
        assert server is not None
        self._stopped = [server.pid, *_children(server.pid)]
        for pid in self._stopped:
            _send(pid, signal.SIGSTOP)

    def heal(self, plant: Plant) -> None:
        for pid in reversed(self._stopped):
            _send(pid, signal.SIGCONT)


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):  # a connection that was closed meanwhile
        os.kill(pid, number)


def _children(parent: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            after_name = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
        if int(after_name[1]) == parent:
            found.append(int(path.parent.name))
    return found
