"""The job as each program does it. Every file is started as a process; those of peers in their own virtual environment."""
