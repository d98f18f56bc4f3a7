"""Inputs made up, and inputs given."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given as given_data
from hypothesis import settings
from hypothesis import strategies as st

from tests.builders import INT64, ModelBuilder
from weightquant_cli.core.run.inputs import (
    InputSpec,
    Role,
    given,
    input_specs,
    parse_shape,
    parse_shapes,
    synthetic,
    with_shapes,
)
from weightquant_cli.core.run.inputs.noise import KINDS, coloured, picture
from weightquant_cli.core.run.inputs.npz import read_npy, read_npz
from weightquant_cli.errors import OptionError
from weightquant_cli.formats.dtypes import FP32

from .one import floats, network


def image_model(*shape: int) -> ModelBuilder:
    model = ModelBuilder()
    model.input("x", shape)
    model.fetch(model.conv2d("x", "w", floats(4, 3, 3, 3)))
    return model


def text_model() -> ModelBuilder:
    """Tokens (through an unsqueeze), positions and a mask."""
    model = ModelBuilder()
    for name in ("ids", "pos_ids"):
        model.input(name, (-1, -1), INT64)
        model.op("unsqueeze2", {"X": name}, {"Out": f"{name}_3d"}, {"axes": [-1]})
    model.input("input_mask", (-1, -1, 1))
    words = model.lookup_table("ids_3d", "words", floats(50, 4))
    places = model.lookup_table("pos_ids_3d", "places", floats(9, 4))
    x = model.op("elementwise_add", {"X": words, "Y": places}, {"Out": "sum"}, shape=(-1, -1, 4))
    model.fetch(model.op("elementwise_mul", {"X": x, "Y": "input_mask"}, {"Out": "y"}))
    return model


def specs_of(model: ModelBuilder) -> tuple[InputSpec, ...]:
    return input_specs(model.program.parse())


@pytest.mark.parametrize(
    ("declared", "dense", "expected"),
    [
        ((-1, 3, 48, -1), False, (1, 3, 48, 320)),
        ((-1, 3, 32, -1), False, (1, 3, 32, 320)),
        ((-1, 3, -1, -1), False, (1, 3, 224, 224)),
        ((-1, 3, -1, -1), True, (1, 3, 320, 320)),
        ((-1, -1, -1, -1), True, (1, 3, 320, 320)),
        ((2, 3, 8, 9), True, (2, 3, 8, 9)),
    ],
)
def test_open_sizes_of_images_become_usual_ones(
    declared: tuple[int, ...], dense: bool, expected: tuple[int, ...]
) -> None:
    assert with_shapes(specs_of(image_model(*declared)), dense=dense) == {"x": expected}


def test_channels_that_are_open_are_those_of_the_first_filter() -> None:
    model = ModelBuilder()
    model.input("x", (-1, -1, 16, 16))
    model.fetch(model.conv2d("x", "w", floats(4, 5, 3, 3)))
    assert with_shapes(specs_of(model), batch=2) == {"x": (2, 5, 16, 16)}


def test_roles_of_a_text_models_inputs() -> None:
    specs = {spec.name: spec for spec in specs_of(text_model())}
    assert (specs["ids"].role, specs["ids"].rows) == (Role.TOKENS, 50)
    assert (specs["pos_ids"].role, specs["pos_ids"].rows) == (Role.POSITIONS, 9)
    assert specs["input_mask"].role is Role.MASK


def test_made_up_text_runs_through_its_model() -> None:
    model = text_model()
    net = network(model, {"words": floats(50, 4), "places": floats(9, 4)})
    for inputs in synthetic(specs_of(model), 2):
        outcome = net.run(inputs).require()
        assert outcome.outputs["y"].shape == (1, 32, 4)
    assert not inputs["input_mask"].array[0, 24:].any()
    assert inputs["input_mask"].array[0, :24].all()
    assert inputs["pos_ids"].array.max() == 8


def test_a_given_length_is_that_of_all_inputs_of_a_text_model() -> None:
    shapes = with_shapes(specs_of(text_model()), {"ids": (2, 7)})
    assert shapes == {"ids": (2, 7), "pos_ids": (2, 7), "input_mask": (2, 7, 1)}


def test_the_same_seed_gives_the_same_inputs_and_counts_do_not_matter() -> None:
    specs = specs_of(image_model(-1, 3, 16, 16))
    three, two = list(synthetic(specs, 3, seed=5)), list(synthetic(specs, 2, seed=5))
    for one, other in zip(three, two, strict=False):
        np.testing.assert_array_equal(one["x"].array, other["x"].array)
    (other_seed,) = synthetic(specs, 1, seed=6)
    assert (other_seed["x"].array != three[0]["x"].array).any()
    assert (three[0]["x"].array != three[1]["x"].array).any()


@pytest.mark.parametrize("kind", sorted(set(KINDS)))
def test_pictures_stay_within_bounds_and_are_not_flat(kind: str) -> None:
    for seed in range(20):
        made = picture(np.random.default_rng(seed), kind, (3, 12, 40))
        assert made.dtype == np.float32
        assert -1 <= made.min() < made.max() <= 1
        assert made.std() > 0.01


def test_coloured_noise_has_more_of_its_power_at_low_frequencies() -> None:
    field = coloured(np.random.default_rng(0), (1, 64, 64))
    power = np.abs(np.fft.fft2(field[0])) ** 2
    assert power[1:4, 1:4].mean() > 3 * power[24:32, 24:32].mean()


def test_sequences_are_given_offsets() -> None:
    spec = InputSpec("ids", FP32, (-1, 1), lod_level=1)
    (inputs,) = synthetic([spec], 1)
    assert inputs["ids"].lod == ((0, 16, 26, 32),)
    nested = InputSpec("ids", FP32, (-1, 1), lod_level=2)
    (inputs,) = synthetic([nested], 1)
    assert inputs["ids"].lod == ((0, 3), (0, 16, 26, 32))


def test_detectors_are_told_the_size_of_their_image() -> None:
    model = image_model(-1, 3, 64, 96)
    model.input("im_shape", (-1, 2))
    model.input("scale_factor", (-1, 2))
    (inputs,) = synthetic(specs_of(model), 1)
    assert inputs["im_shape"].array.tolist() == [[64, 96]]
    assert inputs["scale_factor"].array.tolist() == [[1, 1]]


def test_a_shape_option_is_taken_apart_at_its_last_sign() -> None:
    assert parse_shape("a=b=1,3,48,320") == ("a=b", (1, 3, 48, 320))
    assert parse_shapes(["x=1x3", "y=2"]) == {"x": (1, 3), "y": (2,)}


@pytest.mark.parametrize("option", ["x", "x=", "=1,2", "x=1,-1", "x=1,0", "x=1,a"])
def test_a_shape_option_of_another_form_is_refused(option: str) -> None:
    with pytest.raises(OptionError, match="NAME=1,3,48,320"):
        parse_shape(option)


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        ({"y": (1, 3, 8, 8)}, ["no input of the model", "expected x", "found y"]),
        ({"x": (1, 4, 8, 8)}, ["tensor x", "expected [-1, 3, -1, -1]", "found [1, 4, 8, 8]"]),
        ({"x": (3, 8, 8)}, ["tensor x", "found [3, 8, 8]"]),
        ({"x": (9999, 3, 9999, 9999)}, ["far larger"]),
    ],
)
def test_shapes_that_do_not_fit_are_told(shapes: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(OptionError) as error:
        with_shapes(specs_of(image_model(-1, 3, -1, -1)), shapes)
    for word in words:
        assert word in str(error.value)


def test_an_input_that_is_declared_empty_is_told() -> None:
    with pytest.raises(OptionError, match="an input without values"):
        with_shapes(specs_of(image_model(-1, 3, 0, 8)))


def test_a_folder_of_samples_is_read_in_the_order_of_names(tmp_path: Path) -> None:
    specs = specs_of(image_model(-1, 3, -1, -1))
    for name, value in (("b", 2), ("a", 1)):
        np.save(tmp_path / f"{name}.npy", np.full((1, 3, 4, 5), value, np.float32))
    np.savez(tmp_path / "c.npz", x=np.full((1, 3, 6, 6), 3, np.float32))
    read = [inputs["x"].array for inputs in given(tmp_path, specs)]
    assert [array.flat[0] for array in read] == [1, 2, 3]
    assert read[2].shape == (1, 3, 6, 6)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"x": np.zeros((1, 3, 4, 4))}, ["another type", "tensor x", "float32", "float64"]),
        (
            {"x": np.zeros((1, 2, 4, 4), np.float32)},
            ["tensor x", "[-1, 3, -1, -1]", "[1, 2, 4, 4]"],
        ),
        ({"x": np.zeros((1, 3, 0, 4), np.float32)}, ["without values"]),
        ({}, ["lacks inputs", "no x"]),
        ({"x": np.zeros((1, 3, 4, 4), np.float32), "z": np.zeros(1)}, ["no input", "found z"]),
        ({"x": np.array([{}], object)}, ["cannot read the inputs"]),
    ],
)
def test_samples_that_do_not_fit_are_told(
    tmp_path: Path, arrays: dict[str, Any], words: list[str]
) -> None:
    file = tmp_path / "sample.npz"
    np.savez(file, **arrays)
    with pytest.raises(OptionError) as error:
        list(given(file, specs_of(image_model(-1, 3, -1, -1))))
    for word in [*words, "sample.npz"]:
        assert word in str(error.value)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_samples_that_are_not_finite_are_refused(tmp_path: Path, bad: float) -> None:
    image = np.zeros((1, 3, 8, 8), np.float32)
    image[0, 1, 2, 3] = bad
    np.savez(tmp_path / "one.npz", x=image)
    with pytest.raises(OptionError, match="NaN or infinity"):
        list(given(tmp_path / "one.npz", specs_of(image_model(-1, 3, -1, -1))))


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 no archive", b"\x93NUMPY damaged"])
@pytest.mark.parametrize("suffix", [".npz", ".npy"])
def test_damaged_files_are_told(tmp_path: Path, data: bytes, suffix: str) -> None:
    file = tmp_path / f"sample{suffix}"
    file.write_bytes(data)
    with pytest.raises(OptionError, match="cannot read the inputs"):
        list(given(file, specs_of(image_model(-1, 3, -1, -1))))


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_archives_of_numpy_are_read_whole(tmp_path: Path, save: Any) -> None:
    arrays = {
        "a": floats(3, 4),
        "b": np.asfortranarray(np.arange(6).reshape(2, 3)),
        "c": np.int64(5),
    }
    save(tmp_path / "x.npz", **arrays)
    read = read_npz((tmp_path / "x.npz").read_bytes(), 1 << 20)
    assert list(read) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(read[name], array)
        assert read[name].dtype == np.asarray(array).dtype


def test_an_archive_that_unpacks_to_more_than_allowed_is_refused(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "x.npz", a=np.zeros(100_000))
    with pytest.raises(ValueError, match="unpacks to more"):
        read_npz((tmp_path / "x.npz").read_bytes(), 1000)


def test_a_header_that_claims_more_than_there_is_allocates_nothing() -> None:
    text = b"{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999999, 9), }\n"
    data = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(80)
    with pytest.raises(ValueError, match="80 bytes for the shape"):
        read_npy(data)


@given_data(st.data())
@settings(max_examples=200, deadline=None)
def test_damaged_archives_end_in_an_error_or_an_array(data: st.DataObject) -> None:
    stream = io.BytesIO()
    np.savez_compressed(stream, a=np.arange(8), b=floats(3))
    damaged = bytearray(stream.getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ValueError):
        for array in read_npz(bytes(damaged), 1 << 16).values():
            assert isinstance(array, np.ndarray) and array.nbytes <= 1 << 16


def test_what_is_no_file_of_inputs_is_told(tmp_path: Path) -> None:
    specs = specs_of(image_model(-1, 3, -1, -1))
    with pytest.raises(OptionError, match=r"holds no \.npz or \.npy"):
        list(given(tmp_path, specs))
    with pytest.raises(OptionError, match=r"not an \.npz or \.npy file"):
        list(given(tmp_path / "missing.npz", specs))


def test_offsets_beside_an_input_are_its_sequences(tmp_path: Path) -> None:
    spec = InputSpec("ids", FP32, (-1, 1), lod_level=1)
    rows = floats(4, 1)
    saved: Any = {"ids": rows, "ids.lod": np.array([0, 1, 4])}
    np.savez(tmp_path / "a.npz", **saved)
    np.savez(tmp_path / "b.npz", ids=rows)
    first, second = given(tmp_path, [spec])
    assert first["ids"].lod == ((0, 1, 4),)
    assert second["ids"].lod == ((0, 4),)
    saved["ids.lod"] = np.array([0, 9])
    np.savez(tmp_path / "c.npz", **saved)
    with pytest.raises(OptionError, match="offsets of an input do not fit"):
        list(given(tmp_path / "c.npz", [spec]))
