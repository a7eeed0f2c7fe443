"""What machines do to the parts on them: disks that are full, wall clocks that step."""

import time
from random import Random

import psycopg

from tests.chaos.faults import POSTGRES, START_SECONDS, Fault, KillPostgres, _BrokerFault
from tests.chaos.plant import WORKERS, Plant


class FullDatabaseDisk(KillPostgres):
    """Nothing can be written to the database's disk: transactions fail, or the server ends. Then there is room again."""

    kind, share = "full disk of", 1

    def lasts(self, dice: Random) -> float:
        return dice.uniform(4, 12)

    def strike(self, plant: Plant) -> None:
        plant.disks[POSTGRES].fill()

    def heal(self, plant: Plant) -> None:
        plant.disks[POSTGRES].empty()
        end = time.monotonic() + START_SECONDS
        while not _answers(plant) and time.monotonic() < end:
            server = plant.postgres.process
            if server is None or server.poll() is not None:
                plant.postgres.process = None
                super().heal(plant)
            time.sleep(0.5)


def _answers(plant: Plant) -> bool:
    try:
        psycopg.connect(f"host=127.0.0.1 port={plant.postgres.port} user=postgres connect_timeout=2").close()
    except psycopg.OperationalError:
        return False
    return True


class FullBrokerDisk(_BrokerFault):
    """Nothing can be written to a broker's disk: it gives up. Somebody makes room and starts it again."""

    kind, share = "full disk of", 1

    def lasts(self, dice: Random) -> float:
        return dice.choice((3.0, 10.0))

    def strike(self, plant: Plant) -> None:
        self._node = self.node(plant)
        plant.disks[self._node.folder.name].fill()

    def heal(self, plant: Plant) -> None:
        plant.disks[self._node.folder.name].empty()
        self._node.kill()
        self._node.start(seconds=START_SECONDS)
        plant.wait_in_sync()


class StepClock(Fault):
    """A worker's wall clock steps, ahead or back, and later to what is right."""

    kind, share = "clock of", 3

    def choose(self, dice: Random) -> str:
        self._by = dice.choice((-600.0, -20.0, 3.0, 20.0, 600.0))
        return dice.choice(WORKERS[:2])

    def lasts(self, dice: Random) -> float:
        return dice.choice((2.0, 5.0, 12.0))

    def strike(self, plant: Plant) -> None:
        plant.clocks[self.target].step(self._by)

    def heal(self, plant: Plant) -> None:
        plant.clocks[self.target].step(0)

    def __str__(self) -> str:
        return f"{self.kind} {self.target} off by {self._by:+g} s for {self.seconds:g} s"
