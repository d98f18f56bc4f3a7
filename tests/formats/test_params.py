"""Parameters on disk: separate and combined files, damaged, missing, or leading elsewhere."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import (
    in_byte_order,
    normal,
    raw_record,
    record,
)
from weightquant_cli.errors import MissingParameterError, ModelError, ParameterError
from weightquant_cli.formats import params
from weightquant_cli.formats.files.input_folder import InputFolder
from weightquant_cli.formats.files.regular import read_into
from weightquant_cli.formats.params import Parameters, require_file_name, sorted_names

Shapes = dict[str, tuple[int, ...]]

ARRAYS = {
    "b": normal(3),
    "a": normal(2, 3),
    "c/d": normal(4, 1),
    "B": normal(1),
    "é": normal(2),
    "empty": normal(0, 3),
    "number": np.asarray(7, "<i8"),
}
SHAPES: Shapes = {name: array.shape for name, array in ARRAYS.items()}
ORDER = ["B", "a", "b", "c/d", "empty", "number", "é"]


@pytest.fixture
def separate(tmp_path: Path) -> Path:
    for name, array in ARRAYS.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(record(array))
    return tmp_path


@pytest.fixture
def combined(tmp_path: Path) -> Path:
    path = tmp_path / "__params__"
    path.write_bytes(b"".join(record(ARRAYS[name]) for name in ORDER))
    return path


def read_separate(folder: Path, shapes: Shapes) -> Parameters:
    return params.read_separate(InputFolder.open(folder), shapes)


def read_combined(path: Path, shapes: Shapes) -> Parameters:
    return params.read_combined(InputFolder.open(path.parent), path.name, shapes)


def read_all(parameters: Parameters, name: str) -> bytes:
    with parameters.reader(name) as reader:
        data = bytearray(reader.record.data_size)
        reader.read_data(memoryview(data), 0)
        return bytes(data)


# ---- what is read --------------------------------------------------------------------------


def test_names_are_ordered_by_their_bytes() -> None:
    assert sorted_names(list(SHAPES)) == ORDER
    assert sorted_names(["\ud7ff", "\udcff", "z", "\U0001f600"]) == [
        "z", "\ud7ff", "\U0001f600", "\udcff"
    ]  # fmt: skip


def test_separate_files_are_records_by_name(separate: Path) -> None:
    parameters = read_separate(separate, SHAPES)
    assert list(parameters) == ORDER
    assert parameters.combined is None
    assert parameters.size == sum(len(record(array)) for array in ARRAYS.values())
    for name, array in ARRAYS.items():
        assert parameters[name].path == separate / name
        assert read_all(parameters, name) == array.tobytes()


def test_a_combined_file_is_records_in_the_order_of_the_names(combined: Path) -> None:
    parameters = read_combined(combined, SHAPES)
    assert list(parameters) == ORDER
    assert parameters.combined == combined.name
    assert parameters.size == combined.stat().st_size
    for name, array in ARRAYS.items():
        assert read_all(parameters, name) == array.tobytes()


def test_a_piece_of_the_data_is_read_from_its_place(combined: Path) -> None:
    parameters = read_combined(combined, SHAPES)
    with parameters.reader("a") as reader:
        piece = np.empty(2, "<f4")
        reader.read_data(piece.data.cast("B"), 3 * 4)
        whole = bytearray(reader.record.size)
        reader.read_record(memoryview(whole), 0)
    assert piece.tolist() == ARRAYS["a"].reshape(-1)[3:5].tolist()
    assert whole == record(ARRAYS["a"])


@given(
    st.dictionaries(
        st.text("abzéZ._0\udcff", min_size=1, max_size=6),
        st.lists(st.integers(0, 3), max_size=3),
        max_size=12,
    )
)
def test_any_names_and_shapes_are_read_back_from_a_combined_file(
    tmp_path_factory: pytest.TempPathFactory, given_shapes: dict[str, list[int]]
) -> None:
    path = tmp_path_factory.mktemp("combined") / "params"
    shapes = {name: tuple(shape) for name, shape in given_shapes.items()}
    arrays = {name: normal(*shape, seed=len(name)) for name, shape in shapes.items()}
    path.write_bytes(b"".join(record(arrays[name]) for name in in_byte_order(arrays)))
    parameters = read_combined(path, shapes)
    assert {name: read_all(parameters, name) for name in parameters} == {
        name: array.tobytes() for name, array in arrays.items()
    }


# ---- damaged files -------------------------------------------------------------------------


def test_truncation_of_a_combined_file_at_every_byte_is_a_parameter_error(combined: Path) -> None:
    data = combined.read_bytes()
    for length in range(len(data)):
        combined.write_bytes(data[:length])
        with pytest.raises(ParameterError):
            read_combined(combined, SHAPES)


def test_truncation_of_a_separate_file_at_every_byte_is_a_parameter_error(tmp_path: Path) -> None:
    data = record(normal(3, 2))
    for length in range(len(data)):
        (tmp_path / "w").write_bytes(data[:length])
        with pytest.raises(ParameterError, match="tensor w"):
            read_separate(tmp_path, {"w": (3, 2)})


def test_rejects_bytes_after_the_last_record_of_a_combined_file(combined: Path) -> None:
    size = combined.stat().st_size
    combined.write_bytes(combined.read_bytes() + b"\0")
    with pytest.raises(ParameterError) as caught:
        read_combined(combined, SHAPES)
    assert "bytes are left after the program's 7 parameters" in caught.value.what
    assert (caught.value.offset, caught.value.found) == (size, str(size + 1))


def test_rejects_bytes_after_a_separate_record(tmp_path: Path) -> None:
    (tmp_path / "w").write_bytes(record(normal(2)) + b"\0")
    with pytest.raises(ParameterError, match="bytes are left after the parameter's record"):
        read_separate(tmp_path, {"w": (2,)})


def test_a_record_that_claims_more_than_the_file_holds_is_refused_before_it_is_read(
    tmp_path: Path,
) -> None:
    (tmp_path / "w").write_bytes(raw_record(bytes(8), 5, [2**40, 2**20]))
    with pytest.raises(ParameterError, match="too short for a tensor"):
        read_separate(tmp_path, {"w": (2**40, 2**20)})


@pytest.mark.parametrize("layout", ["separate", "combined"])
def test_a_shape_that_differs_from_the_programs_names_tensor_and_both_shapes(
    layout: str, tmp_path: Path
) -> None:
    path = tmp_path / ("w" if layout == "separate" else "__params__")
    path.write_bytes(record(normal(3, 2)))
    with pytest.raises(ParameterError) as caught:
        if layout == "separate":
            read_separate(tmp_path, {"w": (2, 3)})
        else:
            read_combined(path, {"w": (2, 3)})
    assert caught.value.tensor == "w"
    assert "shape differs from the program's" in str(caught.value)
    assert "expected [2, 3], found [3, 2]" in str(caught.value)


def test_a_scalar_that_the_program_declares_as_one_element_is_read(tmp_path: Path) -> None:
    (tmp_path / "scale").write_bytes(record(np.array(0.5, np.float32)))
    parameters = read_separate(tmp_path, {"scale": (1,)})
    assert parameters["scale"].shape == ()


def test_a_combined_file_of_another_program_is_found_out_by_its_shapes(combined: Path) -> None:
    shapes = {**SHAPES, "b": SHAPES["a"], "a": SHAPES["b"]}
    with pytest.raises(ParameterError, match=re.escape("tensor a, offset 28")):
        read_combined(combined, shapes)


def test_a_combined_file_of_too_few_parameters_says_how_many_there_were(combined: Path) -> None:
    with pytest.raises(ParameterError, match=r"ends after 7 of the program's 8 parameters.*ü"):
        read_combined(combined, {**SHAPES, "ü": (1,)})


def test_a_combined_file_of_too_many_parameters_is_refused(combined: Path) -> None:
    shapes = {name: shape for name, shape in SHAPES.items() if name != "é"}
    with pytest.raises(ParameterError, match="belong to another program"):
        read_combined(combined, shapes)


def test_a_combined_file_in_place_of_a_separate_one_says_which_option_helps(
    tmp_path: Path,
) -> None:
    (tmp_path / "w").write_bytes(record(normal(2)) + record(normal(3)))
    with pytest.raises(
        ParameterError, match=r"if this file holds all parameters.*`params_filename`"
    ):
        read_separate(tmp_path, {"w": (2,)})


def test_a_separate_file_in_place_of_a_combined_one_says_which_option_helps(
    tmp_path: Path,
) -> None:
    (tmp_path / "a").write_bytes(record(normal(2)))
    with pytest.raises(ParameterError, match="leave out `params_filename`"):
        read_combined(tmp_path / "a", {"a": (2,), "b": (2,)})


# ---- missing files -------------------------------------------------------------------------


def test_every_missing_file_is_listed(separate: Path) -> None:
    shapes: Shapes = {**SHAPES, **{f"gone{number}": (1,) for number in range(9)}}
    with pytest.raises(MissingParameterError) as caught:
        read_separate(separate, shapes)
    gone = ", ".join(f"gone{number}" for number in range(9))
    assert caught.value.what == f"no file for 9 of 16 parameters: {gone}"
    assert caught.value.remedy is not None and "copy the missing files" in caught.value.remedy


def test_where_all_files_are_missing_one_file_may_hold_them(tmp_path: Path) -> None:
    with pytest.raises(MissingParameterError, match=r"1 of 1 .*`params_filename`"):
        read_separate(tmp_path, {"w": (1,)})


def test_a_file_in_place_of_a_folder_is_a_missing_parameter(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(record(normal(2)))
    with pytest.raises(MissingParameterError, match="no file for 1 of 2 parameters: a/b"):
        read_separate(tmp_path, {"a": (2,), "a/b": (2,)})


def test_a_combined_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingParameterError, match=r"no such parameter file \(.*/weights\)"):
        read_combined(tmp_path / "weights", {"w": (1,)})


def test_a_file_that_vanishes_after_its_header_was_read_is_a_model_error(separate: Path) -> None:
    folder = InputFolder.open(separate)
    params.read_separate(folder, SHAPES)
    folder.verify_unchanged()
    (separate / "a").unlink()
    with pytest.raises(ModelError, match="changed while it was read: it vanished"):
        folder.verify_unchanged()


def test_a_file_that_shrinks_after_its_header_was_read_is_a_model_error(separate: Path) -> None:
    parameters = read_separate(separate, SHAPES)
    os.truncate(separate / "a", 30)
    with pytest.raises(ModelError, match="became shorter while it was read"):
        read_all(parameters, "a")


# ---- names that are paths ------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["../x", "/etc/passwd", "a/../../x", "..", ".", "./x", "a//b", "a/", "/", "x\0y", "a/./b", ""],
)
def test_rejects_a_name_that_leads_out_of_the_folder(name: str, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="not a path inside the model's folder"):
        require_file_name(tmp_path, name)
    with pytest.raises(ParameterError, match="store the parameters in one combined file"):
        read_separate(tmp_path, {name: (1,)})


@pytest.mark.parametrize("name", ["x" * 256, "folder/" + "é" * 128])
def test_rejects_a_name_that_is_too_long_for_a_file(name: str, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"too long for a file.*at most 255 bytes") as caught:
        read_separate(tmp_path, {name: (1,)})
    assert len(str(caught.value)) < 400


def test_a_path_that_is_too_long_for_the_system_is_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(MissingParameterError):
        read_separate(tmp_path, {"/".join(["x" * 200] * 40): (1,)})


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "x" * 300, "x\0y"])
def test_in_a_combined_file_any_name_is_harmless(name: str, tmp_path: Path) -> None:
    (tmp_path / "params").write_bytes(record(normal(2)))
    assert list(read_combined(tmp_path / "params", {name: (2,)})) == [name]


@pytest.mark.parametrize("name", ["a b", "fc:0@GRAD", "卷积", "-rf", "...", "..a", "w\udcff", "%s"])
def test_odd_names_are_names(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(record(normal(2)))
    assert read_separate(tmp_path, {name: (2,)})[name].path == tmp_path / name


# ---- what is not a regular file ------------------------------------------------------------


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _folder(path: Path) -> None:
    path.mkdir()


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as bound:
        # By a relative name: the whole path may be too long for a socket.
        descriptor = os.open(path.parent, os.O_RDONLY)
        try:
            bound.bind(f"/proc/self/fd/{descriptor}/{path.name}")
        finally:
            os.close(descriptor)


@pytest.mark.parametrize(
    "make",
    [
        _fifo,
        _folder,
        pytest.param(
            _socket,
            marks=pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc"),
        ),
    ],
)
@pytest.mark.parametrize("layout", ["separate", "combined"])
def test_rejects_what_is_not_a_regular_file(
    make: Callable[[Path], None], layout: str, tmp_path: Path
) -> None:
    make(tmp_path / "w")
    with pytest.raises(ModelError, match=r"not a regular file|cannot read the file"):
        if layout == "separate":
            read_separate(tmp_path, {"w": (1,)})
        else:
            read_combined(tmp_path / "w", {"w": (1,)})


def test_rejects_a_link_to_a_device(tmp_path: Path) -> None:
    (tmp_path / "w").symlink_to("/dev/zero")
    with pytest.raises(ModelError, match=r"a link leaves the model's folder.*found /dev/zero"):
        read_separate(tmp_path, {"w": (1,)})


@pytest.mark.parametrize("target", ["../secret", "folder/../../secret"])
def test_rejects_a_link_that_leaves_the_folder(target: str, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    (folder / "folder").mkdir(parents=True)
    (tmp_path / "secret").write_bytes(record(normal(2)))
    (folder / "w").symlink_to(target)
    with pytest.raises(ModelError, match=r"leaves the model's folder.*cp -rL"):
        read_separate(folder, {"w": (2,)})
    with pytest.raises(ModelError, match="leaves the model's folder"):
        read_combined(folder / "w", {"w": (2,)})


def test_rejects_a_folder_that_is_a_link_out_of_the_model(tmp_path: Path) -> None:
    model, elsewhere = tmp_path / "model", tmp_path / "elsewhere"
    model.mkdir()
    elsewhere.mkdir()
    (elsewhere / "w").write_bytes(record(normal(2)))
    (model / "block").symlink_to(elsewhere)
    with pytest.raises(ModelError, match="leaves the model's folder"):
        read_separate(model, {"block/w": (2,)})


def test_a_folder_whose_name_begins_alike_is_outside(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model2").write_bytes(record(normal(2)))
    (tmp_path / "model" / "w").symlink_to("../model2")
    with pytest.raises(ModelError, match="leaves the model's folder"):
        read_separate(tmp_path / "model", {"w": (2,)})


def test_a_link_inside_the_folder_is_followed(tmp_path: Path) -> None:
    (tmp_path / "blobs").mkdir()
    (tmp_path / "blobs" / "1").write_bytes(record(normal(2)))
    (tmp_path / "w").symlink_to("blobs/1")
    assert read_all(read_separate(tmp_path, {"w": (2,)}), "w") == normal(2).tobytes()
    assert list(read_combined(tmp_path / "w", {"w": (2,)})) == ["w"]


def test_a_model_folder_that_is_a_link_itself_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "w").write_bytes(record(normal(2)))
    (tmp_path / "real" / "v").symlink_to("w")
    (tmp_path / "link").symlink_to("real")
    assert len(read_separate(tmp_path / "link", {"w": (2,), "v": (2,)})) == 2


def test_a_dangling_link_is_a_missing_file(tmp_path: Path) -> None:
    (tmp_path / "w").symlink_to("nothing")
    with pytest.raises(MissingParameterError, match="1 of 1"):
        read_separate(tmp_path, {"w": (2,)})


def test_links_in_a_circle_are_a_model_error(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(ModelError, match="cannot read the file"):
        read_separate(tmp_path, {"a": (2,)})


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_is_a_model_error(tmp_path: Path) -> None:
    (tmp_path / "w").write_bytes(record(normal(2)))
    (tmp_path / "w").chmod(0)
    with pytest.raises(ModelError, match="cannot read the file: Permission denied"):
        read_separate(tmp_path, {"w": (2,)})


def test_a_read_error_of_the_disk_is_a_model_error(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path, os.O_RDONLY)  # a folder: reading it fails
    try:
        with pytest.raises(ModelError, match=r"cannot read the file: Is a directory \(w\)"):
            read_into(descriptor, memoryview(bytearray(1)), 0, Path("w"))
    finally:
        os.close(descriptor)
