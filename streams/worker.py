"""Running one worker in this process."""

import logging

import faust

from streams.app import WorkerConfig, create_app


def run(config: WorkerConfig) -> None:
    """Run until SIGTERM or Ctrl-C. Ends with a non-zero status when it crashes; whoever started it starts it again."""
    logging.basicConfig(level=config.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    app = create_app(config)
    worker = faust.Worker(app, loglevel=config.log_level.lower(), redirect_stdouts=False, override_logging=False)
    logging.getLogger("aiokafka").setLevel(logging.WARNING)
    worker.execute_from_commandline()
