"""Automatic bits for a compressed size: within the target, by the harm per deflated byte."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.builders import zipped
from tests.pages import COMBINED, DIGITS
from weightquant_cli import Model, OptionError, OutputOptions, QuantizeOptions, plan_model, quantize
from weightquant_cli.core.plan.options import AutoBits
from weightquant_cli.core.plan.size import Size
from weightquant_cli.core.quantize.bits_choice import Choice, choose
from weightquant_cli.core.quantize.bits_profiles import EVERY


def options(
    target: float, relative: bool = False, min_sqnr: float | None = None
) -> QuantizeOptions:
    auto = AutoBits(min_sqnr, target_compressed=Size(target, relative))
    return QuantizeOptions(bits=auto, op_types=("all",))


def bits_of(model: Model, wanted: QuantizeOptions, jobs: int | None = None) -> dict[str, int]:
    plan = plan_model(model, wanted, jobs=jobs)
    return {weight.name: weight.quantization.bits for weight in plan.quantized}


def choice(name: str, elements: int, harm: float) -> Choice:
    """A weight that takes an eighth of a byte for each bit of a value, of this harm at 4 bits."""
    return Choice(
        name,
        elements,
        {bits: elements * bits // 8 for bits in EVERY},
        {bits: harm * 4.0 ** (4 - bits) for bits in EVERY},
    )


def test_bits_go_where_they_spare_most_harm_for_the_bytes() -> None:
    harmful, harmless = choice("harmful", 80_000, 1.0), choice("harmless", 80_000, 1e-3)
    smallest = harmful.sizes[4] + harmless.sizes[4]
    found = choose([harmful, harmless], smallest + 40_000)
    assert found["harmful"] > found["harmless"] > 4 or found == {"harmful": 8, "harmless": 4}
    used = harmful.sizes[found["harmful"]] + harmless.sizes[found["harmless"]]
    assert used <= smallest + 40_000
    assert choose([harmful, harmless], smallest) == {"harmful": 4, "harmless": 4}
    assert choose([harmful, harmless], 10**9) == {"harmful": 16, "harmless": 16}


def test_small_weights_take_16_bits_first_but_not_all_there_is() -> None:
    small, large = choice("small", 1000, 1e-9), choice("large", 800_000, 1.0)
    smallest = small.sizes[4] + large.sizes[4]
    assert choose([small, large], smallest + 120_000)["small"] == 16
    assert choose([small, large], smallest + 200)["small"] < 16


def test_a_step_that_saves_no_harm_is_not_taken() -> None:
    flat = replace(choice("flat", 80_000, 1.0), harms=dict.fromkeys(EVERY, 1.0))
    assert flat.steps() == []
    assert choose([flat], 10**9) == {"flat": 4}


def test_steps_leave_out_what_costs_more_than_it_gains() -> None:
    jump = choice("jump", 80_000, 1.0)
    sizes = {bits: size + (60_000 if bits > 8 else 0) for bits, size in jump.sizes.items()}
    steps = replace(jump, sizes=sizes).steps()
    assert steps[0] == (4, 5)
    gains = [replace(jump, sizes=sizes).gain(*one) for one in steps]
    assert gains == sorted(gains, reverse=True)
    assert (8, 9) not in steps


@pytest.mark.parametrize("folder", [DIGITS, COMBINED], ids=["separate", "combined"])
@pytest.mark.parametrize("target", [34_000, 42_000, 70_000])
def test_the_files_once_compressed_keep_to_the_target(
    folder: Path, target: int, tmp_path: Path
) -> None:
    model = Model.load(folder)
    plan = plan_model(model, options(target))
    quantize(model, plan, OutputOptions(tmp_path / "out"))
    size = zipped(tmp_path / "out")
    assert 0.93 * target <= size <= target


def test_a_share_is_one_of_the_compressed_input(tmp_path: Path) -> None:
    model = Model.load(DIGITS)
    quantize(model, plan_model(model, options(20, relative=True)), OutputOptions(tmp_path / "out"))
    assert zipped(tmp_path / "out") <= 0.2 * zipped(DIGITS)


def test_the_bits_are_the_same_on_any_number_of_threads() -> None:
    model = Model.load(DIGITS)
    assert bits_of(model, options(42_000), jobs=1) == bits_of(model, options(42_000), jobs=3)


def test_a_larger_target_gives_no_weight_less_harm_to_spare() -> None:
    model = Model.load(DIGITS)
    low, high = bits_of(model, options(36_000)), bits_of(model, options(60_000))
    assert sum(low.values()) < sum(high.values())


def test_the_floor_holds_for_every_weight(tmp_path: Path) -> None:
    model = Model.load(DIGITS)
    plan = plan_model(model, options(60_000, min_sqnr=30.0))
    result = quantize(model, plan, OutputOptions(tmp_path / "out"))
    errors = [weight.error for weight in result.weights if weight.error is not None]
    assert len(errors) == 6
    assert min(error.sqnr for error in errors) >= 30.0


def test_weights_with_bits_of_their_own_keep_them() -> None:
    model = Model.load(DIGITS)
    wanted = replace(options(90_000), bits_for=(("fc_0.w_0", 11),))
    assert bits_of(model, wanted)["fc_0.w_0"] == 11


def test_an_impossible_target_names_the_smallest_that_can_be_had(tmp_path: Path) -> None:
    model = Model.load(DIGITS)
    with pytest.raises(
        OptionError, match=r"at least .* \(\d+ bytes\), with every weight at 4"
    ) as e:
        plan_model(model, options(10_000))
    smallest = int(str(e.value).split("(")[1].split(" bytes")[0])
    quantize(model, plan_model(model, options(smallest)), OutputOptions(tmp_path / "out"))
    assert zipped(tmp_path / "out") == smallest


def test_two_targets_contradict_each_other() -> None:
    with pytest.raises(OptionError, match="`target_size` and `target_compressed` contradict"):
        AutoBits(None, Size(1000), Size(1000))
