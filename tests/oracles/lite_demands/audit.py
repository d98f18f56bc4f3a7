"""Measure anew what every opt demands: `python -m tests.oracles.lite_demands.audit [FOLDER]`.

Builds some 850 small programs with PaddlePaddle 2.6.2 and 1.8.5, converts them with five versions
of opt, takes away every attribute one at a time, and writes the package's `measured.json` and the
tables of DEMANDS.md. Takes about ten minutes on two cores. The environments are installed by
`python -m tests.oracles.setup paddle18 paddle26 lite213 lite29 lite210 lite211`.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from weightquant_cli.core.lite.demands import measured

from .. import envs
from . import facts, lab, report, truth
from .ablation import Defaults, Trial, complete, trials

PACKAGE = envs.ROOT / "weightquant_cli" / "core" / "lite"
MEASURED = PACKAGE / "demands" / "measured.json"
PAGE = PACKAGE / "DEMANDS.md"

RUN = ("2.11", "2.12", "2.13rc0")
"""Versions whose x86 results are run: before 2.11 matmul_v2 has no kernel there."""


def main(folder: Path) -> None:
    """Run the whole audit, and write the results into the package.

    Args:
        folder: for its files. What was built and converted in it before is not done again: an
            audit that was interrupted goes on, and one of another judge is quick.
    """
    versions = list(lab.LITE)
    cases: list[lab.Case] = []
    for paddle in lab.BUILDERS:
        built, failed = lab.build(paddle, folder)
        cases += built
        _say(f"PaddlePaddle {paddle}: {len(built)} cases, not built: {', '.join(failed) or 'none'}")
    plain = lab.convert_all(versions, cases, "arm", folder)
    defaults = facts.paddle_defaults(folder)
    aborted = _ablate(versions, cases, facts.merged(defaults), folder)
    operators = {version: lab.supported_operators(version) for version in versions}
    facts.write(MEASURED, facts.measured(operators, aborted, plain, defaults))
    _forget_old_facts()
    ran = lab.convert_all(RUN, cases, "x86", folder, run=True)
    table = truth.judged(cases, plain, ran)
    changed = truth.mended(cases, folder / "mended")
    after = lab.convert_all(versions, changed, "arm", folder)
    after_ran = lab.convert_all(RUN, changed, "x86", folder, run=True)
    mended_table = truth.judged(changed, after, after_ran)
    report.write(PAGE, cases, table, mended_table)
    for line in report.disagreements(table) + report.disagreements(mended_table):
        _say(line)


def _ablate(
    versions: Sequence[str], cases: Sequence[lab.Case], defaults: Defaults, folder: Path
) -> dict[str, list[Trial]]:
    """The trials that made each opt abort, each on a case that it converts."""
    whole = []
    for number, case in enumerate(cases):
        program = case.parse()
        complete(program, defaults)
        whole.append(case.changed(program, folder / f"whole-{number}.pdmodel"))
    converted = lab.convert_all(versions, whole, "arm", folder)

    def of(version: str) -> list[Trial]:
        home = folder / f"trials-{version}"
        home.mkdir(exist_ok=True)
        good = [c for c, o in zip(cases, converted[version], strict=True) if o.converted]
        tried = list(trials(good, defaults, home))
        outcomes = lab.convert(version, [case for _, case in tried], "arm", home)
        _say(f"Paddle Lite {version}: {len(tried)} trials on {len(good)} cases")
        return [t for (t, _), o in zip(tried, outcomes, strict=True) if not o.converted]

    with ThreadPoolExecutor(max_workers=2) as executor:
        return dict(zip(versions, executor.map(of, versions), strict=True))


def _forget_old_facts() -> None:
    for cached in (measured._stored, measured.of_version, measured.defaults):
        cached.cache_clear()


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]).resolve())
    else:
        with tempfile.TemporaryDirectory(prefix="weightquant-audit-") as made:
            main(Path(made))
