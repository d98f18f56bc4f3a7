"""What the check says of each saved model, and what opt does with it.

`python -m tests.oracles.lite_demands.check_table FOLDER` prints the counts and the exceptions, for
every case of the audit in FOLDER (see `audit.py`), as exported and after mending.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from weightquant_cli.core.check.check import check
from weightquant_cli.core.check.findings import Severity
from weightquant_cli.core.lite.demands.demand import DemandCode, Effect
from weightquant_cli.core.model.model import Model

from . import lab, truth

VERSIONS = ("2.12", "2.13rc0")


@dataclass(frozen=True)
class Verdict:
    """One saved model in one version.

    Attributes:
        case, version: which.
        said: ``ok``, ``doubtful`` (warnings alone), ``aborts`` or ``wrong``, by the check.
        did: ``aborts``, ``faulty`` (converted, and x86 does not run it right), ``right``, or
            ``converted`` (nothing known of its answers).
    """

    case: str
    version: str
    said: str
    did: str

    @property
    def agrees(self) -> bool:
        """No ok where opt aborts or the answers are wrong, and no alarm where all is right."""
        allowed = {
            "aborts": ("aborts", "doubtful"),
            "faulty": ("wrong", "doubtful"),
            "right": ("ok", "doubtful"),
            "converted": ("ok", "doubtful", "wrong"),
        }
        return self.said in allowed[self.did]


def verdicts(cases: Sequence[lab.Case], folder: Path) -> list[Verdict]:
    """The table of these cases."""
    arm = lab.convert_all(VERSIONS, cases, "arm", folder)
    x86 = lab.convert_all(VERSIONS, cases, "x86", folder, run=True)
    return [
        Verdict(
            case.name, version, said(case, version), did(case, arm[version][i], x86[version][i])
        )
        for i, case in enumerate(cases)
        for version in VERSIONS
    ]


def said(case: lab.Case, version: str) -> str:
    """The verdict of `dequantize-check`, told apart by what it says will happen."""
    program, params = case.program.absolute(), case.params.absolute()
    home = program.parent
    if params.parent != home:  # a changed program lies elsewhere
        home = program.with_suffix(".model")
        home.mkdir(exist_ok=True)
        for file in (program, params):
            link = home / file.name
            link.unlink(missing_ok=True)
            link.hardlink_to(file)
    result = check(Model.load(home, program.name, params.name), lite_version=version)
    about = [finding for finding in result.findings if isinstance(finding.code, DemandCode)]
    errors = [finding for finding in about if finding.severity is Severity.ERROR]
    assert list(result.errors) == errors
    if any(finding.consequence == Effect.NOT_CONVERTED.value for finding in errors):
        return "aborts"
    if errors:
        return "wrong"
    return "doubtful" if about else "ok"


def did(case: lab.Case, arm: lab.Outcome, x86: lab.Outcome) -> str:
    """What opt and the x86 runtime did."""
    if not arm.converted:
        return "aborts"
    known = case.name.removeprefix("1x/").split("/")[0] in truth.ONLY_ON_X86
    if not x86.converted or known:
        return "converted"
    return "right" if x86.verdict == "right" else "faulty"


def main(folder: Path) -> None:
    """Print the table for all cases."""
    cases = [case for paddle in lab.BUILDERS for case in lab.build(paddle, folder)[0]]
    for title, tried in (
        ("as exported", cases),
        ("after mending", truth.mended(cases, folder / "mended")),
    ):
        table = verdicts(tried, folder)
        for version in VERSIONS:
            lines = [line for line in table if line.version == version]
            counts = Counter((line.did, line.said) for line in lines)
            for (what, told), count in sorted(counts.items()):
                print(f"| {title} | {version} | {what} | {told} | {count} |")
        for line in table:
            if not line.agrees:
                print(f"exception: {title}: {line}")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
