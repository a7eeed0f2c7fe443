"""Fetch Kafka's jars with Maven and check them: `make setup` runs this once. Needs Python and Maven only."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
RECIPES = REPOSITORY / "deploy" / "kafka"
SUMS = RECIPES / "jars.sha256"
KAFKA = REPOSITORY / "var" / "kafka"
FOLDERS = {"libs": RECIPES / "pom.xml", "tools": RECIPES / "tools" / "pom.xml"}


class WrongJars(RuntimeError):
    """What came is not what is listed. The text names the first difference."""


def sums(folder: Path) -> dict[str, str]:
    """SHA-256 of every jar below, by path in the folder."""
    return {
        jar.relative_to(folder).as_posix(): hashlib.sha256(jar.read_bytes()).hexdigest()
        for jar in sorted(folder.glob("*/*.jar"))
    }


def listed() -> dict[str, str]:
    """The sums that this repository expects; Maven itself checks only SHA-1 from the same place as the jar."""
    pairs = (line.split("  ", 1) for line in SUMS.read_text(encoding="utf-8").splitlines() if line)
    return {name: digest for digest, name in pairs}


def check(found: dict[str, str], wanted: dict[str, str]) -> None:
    """Raise WrongJars at the first jar that is absent, unexpected or different."""
    for name in sorted(found.keys() | wanted.keys()):
        if found.get(name) != wanted.get(name):
            what = "is missing" if name not in found else "is not listed" if name not in wanted else "has other bytes"
            raise WrongJars(f"{name} {what} (expected: {SUMS.relative_to(REPOSITORY)})")


def resolve(folder: Path) -> None:
    """Let Maven copy the jars of each recipe into its own subfolder."""
    for name, recipe in FOLDERS.items():
        goal = ["dependency:copy-dependencies", f"-DoutputDirectory={folder / name}"]
        command = ["mvn", "-q", "-B", "-f", str(recipe), *goal]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True, text=True)


def main(arguments: list[str]) -> int:
    """Fetch, check, put in place. `--write` records what came as the new list, after a change of version."""
    KAFKA.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=KAFKA) as temporary:
        fresh = Path(temporary)
        try:
            resolve(fresh)
            found = sums(fresh)
            if "--write" in arguments:
                SUMS.write_text("".join(f"{digest}  {name}\n" for name, digest in found.items()), encoding="utf-8")
            check(found, listed())
        except FileNotFoundError:
            if "KAFKA_HOME" in os.environ:
                return 0
            print("No Maven: install it (Debian: apt-get install maven), or set KAFKA_HOME.", file=sys.stderr)
            return 2
        except subprocess.CalledProcessError as error:
            print(f"Maven could not fetch Kafka's jars: {error.stdout[-1000:]}", file=sys.stderr)
            return 1
        except WrongJars as error:
            print(f"Kafka's jars are refused: {error}", file=sys.stderr)
            return 1
        for name in FOLDERS:
            shutil.rmtree(KAFKA / name, ignore_errors=True)
            (fresh / name).rename(KAFKA / name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
