"""`--valid_targets`: which spellings opt takes, and whose kernels it then uses."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.oracles import envs, lite

from . import lab

pytestmark = pytest.mark.oracle

VERSIONS = ("2.12", "2.13rc0")
X86, ARM, OPENCL = 2, 4, 5
"""Numbers of the targets in the names of kernels: ``conv2d/def/4/1/1``."""


@pytest.fixture(scope="module")
def convolution(tmp_path_factory: pytest.TempPathFactory) -> lab.Case:
    """A convolution with a relu behind it."""
    envs.require(envs.PADDLE_18, envs.PADDLE_26, envs.LITE_213)
    (case,), failed = lab.build("2.6.2", tmp_path_factory.mktemp("targets"), only=["conv2d+relu"])
    assert not failed
    return case


def convert(version: str, case: lab.Case, target: str, folder: Path) -> lite.Converted:
    home = case.program.parent
    out = folder / "out"
    return lite.convert(version, home, case.program.name, case.params.name, out, target)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("target", "kernel"),
    [
        ("arm", ARM),
        ("x86", X86),
        ("opencl,arm", OPENCL),
        ("opencl", OPENCL),
        ("arm,opencl", ARM),
        ("x86,opencl", X86),
    ],
)
def test_the_first_target_is_the_one_whose_kernels_are_used(
    convolution: lab.Case, version: str, target: str, kernel: int, tmp_path: Path
) -> None:
    done = convert(version, convolution, target, tmp_path)
    assert done.nb is not None, done.output
    used = re.findall(rb"conv2d/\w+/(\d)/", done.nb.read_bytes())
    assert {int(number) for number in used} == {kernel}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("target", ["arm opencl", "opencl, arm", "ARM", "arm64", "armv8", ""])
def test_other_spellings_are_refused(
    convolution: lab.Case, version: str, target: str, tmp_path: Path
) -> None:
    done = convert(version, convolution, target, tmp_path)
    assert done.nb is None
    assert done.code != 0
