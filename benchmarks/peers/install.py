"""Each peer's own environment below benchmarks/peers/.venvs: pinned, every package checked against its hash; made once."""

import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
VENVS = HERE / ".venvs"
KSTREAMS = VENVS / "kstreams"


class NotInstalled(RuntimeError):
    """A peer cannot be built here. The text says which, and why."""


def python_of(peer: str) -> str:
    """The interpreter of a Python peer, built if it is not there. Raise NotInstalled."""
    requirements = HERE / "requirements" / f"{peer}.txt"
    folder, made = VENVS / peer, VENVS / peer / ".made"
    if not made.exists() or made.read_bytes() != requirements.read_bytes():
        print(f"building {peer}: {requirements.relative_to(HERE)}", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        _run(peer, [sys.executable, "-m", "venv", str(folder)])
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        _run(peer, [*pip, "--require-hashes", "-r", str(requirements)])
        made.write_bytes(requirements.read_bytes())
    return str(folder / "bin" / "python")


def classpath() -> str:
    """Where the compiled Kafka Streams job and its jars are, built if they are not there. Raise NotInstalled."""
    recipe, job, made = HERE / "kstreams" / "pom.xml", HERE / "kstreams" / "Job.java", KSTREAMS / ".made"
    state = recipe.read_bytes() + job.read_bytes()
    if not made.exists() or made.read_bytes() != state:
        print("building kstreams: kstreams/pom.xml", flush=True)
        shutil.rmtree(KSTREAMS, ignore_errors=True)
        goal = ["dependency:copy-dependencies", f"-DoutputDirectory={KSTREAMS / 'libs'}"]
        _run("kstreams", ["mvn", "-q", "-B", "-f", str(recipe), *goal])
        _run("kstreams", ["javac", "-cp", f"{KSTREAMS}/libs/*", "-d", str(KSTREAMS / "classes"), str(job)])
        made.write_bytes(state)
    return f"{KSTREAMS}/libs/*:{KSTREAMS}/classes"


def _run(peer: str, command: list[str]) -> None:
    try:
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise NotInstalled(f"{peer}: there is no {command[0]}") from error
    except subprocess.CalledProcessError as error:
        raise NotInstalled(f"{peer}: {' '.join(command[:3])} failed: {(error.stdout + error.stderr)[-500:]}") from error
