"""`python deploy/compile.py FOLDER`: the domain as machine code (mypyc), as the image carries it (docs/adr/0008).

FOLDER gets the packages `handover` and `schemas` whole, with every module that decides or reads compiled; put it before
the sources: PYTHONSAFEPATH=1 PYTHONPATH=FOLDER:. Needs a C compiler. The sources stay as they are.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("handover", "schemas")
READERS = (
    "parse",
    "pii",
    "cloudevents",
    "instants",
    "envelope",
)  # the rest of schemas is pydantic, which is compiled already
_BUILD = """
from mypyc.build import mypycify
from setuptools import setup
import sys
modules = sys.argv[1:]
options = ["--strict", "--follow-imports=silent", *modules]
setup(name="compiled", packages=[], ext_modules=mypycify(options, opt_level="2"), script_args=["-q", "build_ext", "--inplace"])
"""


def modules(folder: Path) -> list[str]:
    """The modules that are compiled, as paths in `folder`."""
    domain = sorted(folder.glob("handover/**/*.py"))
    return [str(path.relative_to(folder)) for path in (*domain, *(folder / "schemas" / f"{one}.py" for one in READERS))]


def compiled(target: Path) -> None:
    """Compile into `target`, which is replaced as a whole. Raise CalledProcessError with the compiler's words."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for package in PACKAGES:
            shutil.copytree(
                ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__", "node_modules")
            )
        (folder / "mypy.ini").write_text("[mypy]\nplugins = pydantic.mypy\n", encoding="utf-8")
        command = [sys.executable, "-c", _BUILD, *modules(folder)]
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": ""}
        )
        if done.returncode:
            sys.stderr.write(done.stdout + done.stderr)
            done.check_returncode()
        shutil.rmtree(folder / "build")
        (folder / "mypy.ini").unlink()
        shutil.rmtree(folder / ".mypy_cache", ignore_errors=True)
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(folder, target)


if __name__ == "__main__":
    compiled(Path(sys.argv[1]))
