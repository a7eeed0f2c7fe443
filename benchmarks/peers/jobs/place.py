"""Where a job runs: what the race gives its programs, by environment variables; and how all of them collect garbage."""

import gc
import os

BROKERS = os.environ["PEERS_BROKERS"]
RUN = os.environ["PEERS_RUN"]  # put before every topic and group
FOLDER = os.environ["PEERS_FOLDER"]  # for state on disk
PARTITIONS = int(os.environ["PEERS_PARTITIONS"])
TOY_SOURCES = [f"{RUN}.release", f"{RUN}.checkin"]
ALERTS = f"{RUN}.alerts"

gc.set_threshold(
    50_000, 20, 1_000
)  # as our own processes do (cli.main.collect_seldom); as Python is, it takes ours a third of its time
