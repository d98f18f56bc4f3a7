"""The job descriptions for CI are read as YAML, and their steps are run; so are recipe files."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.pages import block, with_command
from tests.test_readme import workplace

__all__ = ["workplace"]  # a fixture

PUBLISHED = ["out/", "report.json", "report.html"]


def github() -> tuple[list[str], dict[str, Any]]:
    """The shell steps of the job, and the step that publishes."""
    (job,) = yaml.safe_load(block("test: github"))["jobs"].values()
    upload = job["steps"][-1]
    assert upload["uses"].startswith("actions/upload-artifact@")
    return [step["run"] for step in job["steps"] if "run" in step], upload


def gitlab() -> tuple[list[str], dict[str, Any]]:
    """The lines of the job, and what it publishes."""
    (job,) = yaml.safe_load(block("test: gitlab")).values()
    return [*job["before_script"], *job["script"]], job["artifacts"]


def run_steps(steps: list[str], folder: Path) -> int:
    """Run the steps until one fails, as CI does, but for pip; its exit code, or 0."""
    install, *rest = steps
    assert install == 'pip install "$WEIGHTQUANT"'
    env = with_command(folder)
    for step in rest:
        done = subprocess.run(["bash", "-e", "-c", step], cwd=folder, env=env, check=False)
        if done.returncode:
            return done.returncode
    return 0


def test_both_publish_the_same_and_also_when_a_gate_says_no() -> None:
    _, upload = github()
    assert upload["with"]["path"].split() == PUBLISHED
    assert upload["if"] == "always()"
    _, artifacts = gitlab()
    assert artifacts == {"when": "always", "paths": PUBLISHED}


@pytest.mark.parametrize("service", [github, gitlab])
def test_the_job_passes_with_a_good_model(service: Any, workplace: Path) -> None:
    steps, _ = service()
    assert run_steps(steps, workplace) == 0
    assert all((workplace / name).exists() for name in PUBLISHED)
    assert (workplace / "out" / "convert_to_lite.sh").exists()


@pytest.mark.parametrize("service", [github, gitlab])
def test_the_job_fails_at_the_gate_and_the_page_is_there(service: Any, workplace: Path) -> None:
    steps, _ = service()
    harder = [step.replace("--min-agreement 95", "--min-sqnr 60") for step in steps]
    assert harder != steps
    assert run_steps(harder, workplace) == 1
    assert all((workplace / name).exists() for name in PUBLISHED)
    assert not (workplace / "out" / "convert_to_lite.sh").exists()


def test_the_recipe_file_does_what_the_page_says(workplace: Path) -> None:
    (workplace / "weightquant.toml").write_text(block("test: recipe"))
    env = with_command(workplace)
    lines = block("test: recipe lines")
    done = subprocess.run(["sh", "-e", "-c", lines], cwd=workplace, env=env, check=False)
    assert done.returncode == 0
    report = json.loads((workplace / "report.json").read_text())
    assert report["config"]["file"] == "weightquant.toml"
    assert len(report["config"]["options"]) == 6
    weights = {weight["name"]: weight for weight in report["weights"]}
    assert weights["conv2d_1.w_0"]["bits"] == 16
    codes = {
        name: weights[name]["reason"]["code"] for name in ("fc_1.w_0", "depthwise_conv2d_0.w_0")
    }
    assert codes == {"fc_1.w_0": "excluded", "depthwise_conv2d_0.w_0": "small"}
