"""Find and open a model folder in every layout, and say what is wrong with the others."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest

from tests.builders import (
    COMBINED,
    FP32,
    LAYOUTS,
    PDMODEL,
    SEPARATE,
    Layout,
    ModelBuilder,
    ProgramBuilder,
    normal,
    raw_record,
    record,
    small_model,
    write_files,
    write_model,
)
from tests.formats.pir.builder import Builder, tensor, write_json_model
from weightquant_cli.errors import (
    AmbiguousModelError,
    MissingParameterError,
    ModelError,
    ModelNotFoundError,
    OptionError,
    ParameterError,
    ProgramError,
    UnsupportedModelError,
)
from weightquant_cli.formats.model_dir import (
    StoredModel,
    find_model,
    open_model,
)
from weightquant_cli.formats.validation import MAX_JSON_BYTES


def load(
    folder: Path, model_filename: str | None = None, params_filename: str | None = None
) -> StoredModel:
    return open_model(find_model(folder, model_filename, params_filename))


def folder_of(tmp_path: Path, *names: str) -> Path:
    """A folder of empty files."""
    for name in names:
        (tmp_path / name).touch()
    return tmp_path


# ---- finding -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "program", "params"),
    [
        (["__model__", "conv.w", "fc.b"], "__model__", None),
        (["__model__", "__params__"], "__model__", "__params__"),
        (["__model__", "params"], "__model__", "params"),
        (["model", "params"], "model", "params"),
        (["model", "weights"], "model", "weights"),
        (["model", "conv.w"], "model", None),
        (["det.pdmodel", "det.pdiparams", "det.pdiparams.info"], "det.pdmodel", "det.pdiparams"),
        (["inference.pdmodel", "conv.w"], "inference.pdmodel", None),
        (["inference.pdmodel", "other.pdiparams"], "inference.pdmodel", "other.pdiparams"),
        (["__model__", "model.pdiparams"], "__model__", "model.pdiparams"),
        (["det.pdmodel", "det.pdiparams", "rec.pdiparams"], "det.pdmodel", "det.pdiparams"),
        (["det.pdmodel", "det.pdiparams", "params"], "det.pdmodel", "det.pdiparams"),
        (["det.pdmodel", "det.json", "det.pdiparams"], "det.pdmodel", "det.pdiparams"),
        ([".pdmodel", ".pdiparams"], ".pdmodel", ".pdiparams"),
    ],
)
def test_finds_every_layout_by_looking(
    names: list[str], program: str, params: str | None, tmp_path: Path
) -> None:
    found = find_model(folder_of(tmp_path, *names))
    assert (found.folder, found.program, found.params) == (tmp_path, program, params)
    assert found.layout == ("separate" if params is None else "combined")


@pytest.mark.parametrize(
    ("names", "program", "params", "expected"),
    [
        (["a.pdmodel", "a.pdiparams", "b.pdmodel", "b.pdiparams"], "b.pdmodel", None,
         ("b.pdmodel", "b.pdiparams")),
        (["__model__", "model", "params"], "model", None, ("model", "params")),
        (["net.pb", "net.bin"], "net.pb", "net.bin", ("net.pb", "net.bin")),
        (["net.pb", "w"], "net.pb", None, ("net.pb", None)),
        (["__model__", "__params__", "w.bin"], None, "w.bin", ("__model__", "w.bin")),
        (["__model__"], None, "not there yet", ("__model__", "not there yet")),
    ],
)  # fmt: skip
def test_finds_every_layout_by_name(
    names: list[str],
    program: str | None,
    params: str | None,
    expected: tuple[str, str | None],
    tmp_path: Path,
) -> None:
    found = find_model(folder_of(tmp_path, *names), program, params)
    assert (found.program, found.params) == expected


def test_folders_are_not_taken_for_files(tmp_path: Path) -> None:
    for name in ("model", "params"):
        (tmp_path / name).mkdir()
    found = find_model(folder_of(tmp_path, "__model__"))
    assert (found.program, found.params) == ("__model__", None)


def test_several_programs_are_ambiguous_and_all_are_named(tmp_path: Path) -> None:
    folder_of(tmp_path, "__model__", "rec.pdmodel", "det.pdmodel", "det.pdiparams")
    with pytest.raises(AmbiguousModelError) as caught:
        find_model(tmp_path)
    assert "3 files could be the program: __model__, det.pdmodel, rec.pdmodel" in str(caught.value)
    assert "`model_filename`" in str(caught.value)


@pytest.mark.parametrize("names", [["__params__", "weights"], ["a.pdiparams", "b.pdiparams"]])
def test_several_parameter_files_are_ambiguous(names: list[str], tmp_path: Path) -> None:
    folder_of(tmp_path, "__model__", *names)
    with pytest.raises(AmbiguousModelError, match=f"{names[0]}, {names[1]}.*`params_filename`"):
        find_model(tmp_path)
    assert find_model(tmp_path, params_filename=names[1]).params == names[1]


def test_a_model_of_paddle_3_is_translated_where_it_is_opened(tmp_path: Path) -> None:
    folder = write_json_model(tmp_path / "model")
    (folder / "inference.yml").write_text("Global: {}")
    model = open_model(find_model(folder))
    assert (model.files.program, model.files.params) == ("inference.json", "inference.pdiparams")
    types = [operator.type for _, _, operator in model.program.operators()]
    assert types == ["feed", "conv2d", "fetch"]
    assert model.parameters["conv.w"].shape == (4, 3, 3, 3)
    assert model.program_size == (folder / "inference.json").stat().st_size


def test_json_without_its_parameters_beside_it_is_no_program(tmp_path: Path) -> None:
    folder = write_json_model(tmp_path / "model")
    (folder / "config.json").write_text("{}")
    assert find_model(folder).program == "inference.json"


def test_two_models_of_paddle_3_are_ambiguous(tmp_path: Path) -> None:
    write_json_model(write_json_model(tmp_path / "model"), "other")
    with pytest.raises(AmbiguousModelError, match=r"inference\.json, other\.json"):
        find_model(tmp_path / "model")


def test_a_pdmodel_goes_before_a_json_which_is_told(tmp_path: Path) -> None:
    folder = write_json_model(write_json_model(tmp_path / "model"), "other")
    (folder / "notes.json").write_text("{}")
    (folder / "inference.pdmodel").touch()
    found = find_model(folder)
    assert (found.program, found.params) == ("inference.pdmodel", "inference.pdiparams")
    assert found.passed_over == ("inference.json", "other.json")
    assert find_model(folder / "inference").passed_over == ("inference.json",)


@pytest.mark.parametrize("name", ["inference.pdmodel", "inference.json"])
def test_nothing_is_passed_over_where_the_program_is_named(name: str, tmp_path: Path) -> None:
    folder = write_json_model(tmp_path / "model")
    (folder / "inference.pdmodel").touch()
    for found in (find_model(folder, name), find_model(folder / name)):
        assert (found.program, found.passed_over) == (name, ())


def test_json_that_is_no_program_is_damaged(tmp_path: Path) -> None:
    folder = write_json_model(tmp_path / "model")
    (folder / "inference.json").write_text("{}")
    with pytest.raises(ProgramError):
        load(folder)


def test_json_of_impossible_size_is_refused_before_it_is_read(tmp_path: Path) -> None:
    folder = write_json_model(tmp_path / "model")
    os.truncate(folder / "inference.json", MAX_JSON_BYTES + 1)
    with pytest.raises(UnsupportedModelError, match="larger than any program"):
        load(folder)


def test_unknown_operations_of_paddle_3_can_be_looked_at(tmp_path: Path) -> None:
    builder = Builder()
    x = builder.data("x", 1, 3)
    builder.fetch(builder.op("nobody_knows", [x], tensor(1, 3)))
    tmp_path.joinpath("m.json").write_bytes(builder.json())
    tmp_path.joinpath("m.pdiparams").write_bytes(b"")
    with pytest.raises(UnsupportedModelError, match="nobody_knows x1"):
        load(tmp_path)
    model = open_model(find_model(tmp_path), unknown_operators=True)
    types = [operator.type for _, _, operator in model.program.operators()]
    assert "pd_op.nobody_knows" in types


def test_a_program_of_paddle_3_under_another_name_is_unsupported(tmp_path: Path) -> None:
    (tmp_path / "__model__").write_text('{"base_code": {"magic": "pir"}}')
    with pytest.raises(UnsupportedModelError, match=r"suffix \.json"):
        load(tmp_path)


@pytest.mark.parametrize("name", ["inference.pdmodel", "inference"])
def test_the_program_s_file_or_the_path_prefix_names_the_model(name: str, tmp_path: Path) -> None:
    folder_of(tmp_path, "inference.pdmodel", "inference.pdiparams", "other.pdmodel")
    found = find_model(tmp_path / name)
    assert (found.folder, found.program) == (tmp_path, "inference.pdmodel")
    assert found.params == "inference.pdiparams"


def test_a_path_prefix_names_a_model_of_paddle_3_too(tmp_path: Path) -> None:
    folder = write_json_model(tmp_path / "model")
    assert find_model(folder / "inference").program == "inference.json"
    assert find_model(folder / "inference.json").program == "inference.json"


def test_a_folder_goes_before_a_prefix_of_the_same_name(tmp_path: Path) -> None:
    folder_of(tmp_path, "model.pdmodel", "model.pdiparams")
    inner = tmp_path / "model"
    inner.mkdir()
    folder_of(inner, "__model__")
    assert find_model(inner).folder == inner


@pytest.mark.parametrize("names", [[], ["conv.w", "readme.txt"], ["__params__"]])
def test_a_folder_without_a_program_is_not_a_model(names: list[str], tmp_path: Path) -> None:
    with pytest.raises(
        ModelNotFoundError, match=r"no __model__, model, \*\.pdmodel, or \*\.json with its"
    ):
        find_model(folder_of(tmp_path, *names))


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match=r"no such folder \(.*/nowhere\)"):
        find_model(tmp_path / "nowhere")


def test_a_file_in_place_of_the_folder_says_how_to_name_it(tmp_path: Path) -> None:
    (tmp_path / "det.pdmodel").touch()
    with pytest.raises(ModelNotFoundError) as caught:
        find_model(tmp_path / "det.pdmodel", "det.pdmodel")
    assert caught.value.remedy == f"give {tmp_path} and name the file with `model_filename`"


def test_a_folder_name_that_no_folder_can_have_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match="cannot list the folder"):
        find_model(tmp_path / ("x" * 300))
    with pytest.raises(ModelNotFoundError, match="cannot list the folder"):
        find_model(Path("a\0b"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root lists everything")
def test_a_folder_that_may_not_be_listed_is_not_found(tmp_path: Path) -> None:
    tmp_path.chmod(0o300)
    with pytest.raises(ModelNotFoundError, match="cannot list the folder: Permission denied"):
        find_model(tmp_path)


def test_a_program_named_by_hand_that_is_not_there_lists_what_is(tmp_path: Path) -> None:
    folder_of(tmp_path, "a.pdmodel", "b.pdmodel")
    with pytest.raises(ModelNotFoundError, match=r"can be one of: a\.pdmodel, b\.pdmodel"):
        find_model(tmp_path, "c.pdmodel")


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/etc/passwd", "../model", "a\0b"])
def test_file_names_are_names_and_not_paths(name: str, tmp_path: Path) -> None:
    folder_of(tmp_path, "__model__")
    with pytest.raises(OptionError, match="`model_filename` is the name of a file"):
        find_model(tmp_path, name)
    with pytest.raises(OptionError, match="`params_filename` is the name of a file"):
        find_model(tmp_path, "__model__", name)


# ---- opening -----------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_opens_every_layout(layout: Layout, tmp_path: Path) -> None:
    builder = small_model()
    model = load(builder.write(tmp_path / "model", layout))
    assert list(model.parameters) == sorted(builder.records)
    assert model.program_size == len(builder.program.bytes())
    assert model.parameters.size == sum(map(len, builder.records.values()))
    assert model.size == sum(path.stat().st_size for path in (tmp_path / "model").iterdir())
    assert model.carried == ()


def test_parameters_of_sub_blocks_are_parameters(tmp_path: Path) -> None:
    builder = ModelBuilder()
    inner = builder.program.block()
    inner.var("inner.w", (2, 2), persistable=True)
    builder.parameter("inner.w", normal(2, 2), declare=False)
    builder.parameter("outer.w", normal(3))
    assert list(load(builder.write(tmp_path)).parameters) == ["inner.w", "outer.w"]


def test_a_parameter_declared_alike_in_two_blocks_is_one(tmp_path: Path) -> None:
    builder = ModelBuilder()
    builder.parameter("w", normal(2, 2))
    builder.program.block().var("w", (2, 2), persistable=True)
    assert list(load(builder.write(tmp_path, COMBINED)).parameters) == ["w"]


def test_rejects_two_parameters_of_one_name_and_different_shapes(tmp_path: Path) -> None:
    builder = ModelBuilder()
    builder.parameter("w", normal(2, 2))
    builder.program.block().var("w", (4,), persistable=True)
    with pytest.raises(ProgramError, match=r"tensor w\); found \[2, 2\] and \[4\]"):
        load(builder.write(tmp_path))


def test_rejects_a_parameter_without_a_shape(tmp_path: Path) -> None:
    builder = ModelBuilder()
    builder.parameter("w", normal(2))
    builder.main.desc.vars[0].type.ClearField("lod_tensor")
    with pytest.raises(ProgramError, match=r"a parameter without a shape .*tensor w"):
        load(builder.write(tmp_path))


def test_a_declared_dimension_that_is_unknown_fits_no_record(tmp_path: Path) -> None:
    builder = ModelBuilder()
    builder.main.var("w", (-1, 2), persistable=True)
    builder.records["w"] = record(normal(3, 2))
    with pytest.raises(ParameterError, match=r"expected \[-1, 2\], found \[3, 2\]"):
        load(builder.write(tmp_path))


def test_files_that_the_program_does_not_name_are_left_alone(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "model")
    os.mkfifo(folder / "pipe")
    (folder / "inference.pdiparams.info").write_bytes(b"\x80\x04never unpickled")
    assert "pipe" not in load(folder, params_filename=None, model_filename="__model__").parameters


def test_a_model_without_parameters_is_a_model(tmp_path: Path) -> None:
    builder = ModelBuilder()
    builder.main.op("relu", {"X": "x"}, {"Out": "y"})
    for name, layout in LAYOUTS.items():
        model = load(builder.write(tmp_path / name, layout))
        assert (len(model.parameters), model.parameters.size) == (0, 0)


def test_a_model_without_parameters_needs_no_parameter_file(tmp_path: Path) -> None:
    builder = ModelBuilder()
    builder.main.op("relu", {"X": "x"}, {"Out": "y"})
    assert load(builder.write(tmp_path), params_filename="none").parameters.size == 0


# ---- the wrong files ---------------------------------------------------------------------------


def test_a_combined_model_read_as_separate_names_the_missing_files(tmp_path: Path) -> None:
    write_model(tmp_path, Layout("__model__", "everything.bin"))
    with pytest.raises(MissingParameterError, match=r"10 of 10 .*conv\.w.*`params_filename`"):
        load(tmp_path)
    assert len(load(tmp_path, params_filename="everything.bin").parameters) == 10


def test_a_separate_model_read_as_combined_by_name_says_so(tmp_path: Path) -> None:
    write_model(tmp_path, SEPARATE)
    with pytest.raises(ParameterError, match="leave out `params_filename`"):
        load(tmp_path, params_filename="conv.w")


@pytest.mark.parametrize("name", ["weights", "params", "x.pdiparams"])
def test_a_parameter_may_be_called_as_a_combined_file_is(name: str, tmp_path: Path) -> None:
    builder = ModelBuilder()
    builder.parameter("a", normal(2))
    builder.parameter(name, normal(3))
    separate = load(builder.write(tmp_path / "separate", SEPARATE))
    assert (separate.files.params, list(separate.parameters)) == (None, ["a", name])
    combined = load(builder.write(tmp_path / "combined", Layout("__model__", name)))
    assert (combined.files.params, list(combined.parameters)) == (name, ["a", name])


def test_a_combined_file_called_as_a_parameter_may_hold_names_that_are_paths(
    tmp_path: Path,
) -> None:
    builder = ModelBuilder()
    for name in ("../x", "weights"):
        builder.parameter(name, normal(3))
    builder.write(tmp_path, Layout("__model__", "weights"))
    assert list(load(tmp_path).parameters) == ["../x", "weights"]


def test_a_combined_file_named_as_a_parameter_is_over_long(tmp_path: Path) -> None:
    write_model(tmp_path, Layout("__model__", "bn.Bias"))
    with pytest.raises(ParameterError, match="name it with `params_filename`"):
        load(tmp_path)


def test_swapped_file_names_are_found_out(tmp_path: Path) -> None:
    write_model(tmp_path, COMBINED)
    with pytest.raises(ProgramError, match="`model_filename` and `params_filename` are swapped"):
        load(tmp_path, "__params__", "__model__")


def test_the_parameters_of_another_model_are_found_out(tmp_path: Path) -> None:
    write_model(tmp_path, PDMODEL)
    (tmp_path / "other.pdiparams").write_bytes(record(normal(2, 2)))
    with pytest.raises(ParameterError, match=r"tensor bn\.Bias.*expected \[4\], found \[2, 2\]"):
        load(tmp_path, params_filename="other.pdiparams")


def test_a_program_that_is_a_fifo_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "__model__")
    with pytest.raises(ModelError, match="not a regular file"):
        load(tmp_path)


def test_a_program_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.pdmodel").mkdir()
    with pytest.raises(ModelError, match="not a regular file"):
        load(tmp_path)


def test_a_program_that_links_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(small_model().program.bytes())
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "__model__").symlink_to(secret)
    with pytest.raises(ModelError, match="a link leaves the model's folder"):
        load(tmp_path / "model")


def test_a_program_that_vanishes_is_not_found(tmp_path: Path) -> None:
    files = find_model(folder_of(tmp_path, "__model__"))
    (tmp_path / "__model__").unlink()
    with pytest.raises(ModelNotFoundError, match="no such program file"):
        open_model(files)


def test_an_empty_program_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match="the program file is empty"):
        load(folder_of(tmp_path, "__model__"))


def test_a_parameter_file_of_gigabytes_in_place_of_the_program_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "__model__"
    path.write_bytes(struct.pack("<IQ", 0, 0))
    os.truncate(path, 2**42)  # a sparse file: reading it would take the memory
    with pytest.raises(ProgramError, match="holds parameters, not a program"):
        load(tmp_path)


def test_a_file_too_large_for_a_program_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "__model__"
    path.write_bytes(b"a large file of something else")
    os.truncate(path, 2**42)
    with pytest.raises(ProgramError, match="not a Paddle program"):
        load(tmp_path)


def test_a_large_file_that_begins_like_a_program_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "__model__"
    path.write_bytes(b"\x0a\x8d\x00\x08\x00\x10" + b"\xff" * 9 + b"\x01")
    assert len(open_model(find_model(tmp_path)).program.blocks) == 1
    os.truncate(path, 2**42)
    with pytest.raises(ProgramError, match="too large for a Paddle program"):
        load(tmp_path)


def test_parameters_of_terabytes_cost_nothing_to_open(tmp_path: Path) -> None:
    builder = ModelBuilder()
    builder.main.var("w", (2**40,), persistable=True)
    builder.records["w"] = raw_record(b"", FP32, [2**40])
    folder = builder.write(tmp_path)
    os.truncate(folder / "w", len(builder.records["w"]) + 2**42)  # sparse
    assert load(folder).parameters["w"].data_size == 2**42


# ---- SELECTED_ROWS -----------------------------------------------------------------------------


def test_selected_rows_are_carried_by_name(tmp_path: Path) -> None:
    builder = ModelBuilder()
    builder.parameter("w", normal(2))
    builder.selected_rows("block/table", b"any bytes at all")
    model = load(builder.write(tmp_path))
    assert (list(model.parameters), model.carried) == (["w"], ("block/table",))
    assert model.carried_size == len(b"any bytes at all")
    assert model.size == model.program_size + model.parameters.size + model.carried_size
    with model.carried_file("block/table") as file:
        assert file.read_at(file.size, 0) == b"any bytes at all"


def test_missing_selected_rows_are_an_error(tmp_path: Path) -> None:
    builder = ModelBuilder()
    builder.selected_rows("table", b"")
    builder.write(tmp_path)
    (tmp_path / "table").unlink()
    with pytest.raises(ParameterError, match=r"the parameter's file is missing .*tensor table"):
        load(tmp_path)


@pytest.mark.parametrize("name", ["../table", "/table", "a/../../table"])
def test_selected_rows_whose_name_is_a_path_are_refused(name: str, tmp_path: Path) -> None:
    builder = ProgramBuilder()
    model = ModelBuilder()
    model.program, model.main = builder, builder.main
    model.selected_rows(name, b"")
    write_files(tmp_path / "model", builder.bytes(), {})
    with pytest.raises(ParameterError, match="not a path inside the model's folder"):
        load(tmp_path / "model")


def test_selected_rows_in_a_combined_file_are_unsupported(tmp_path: Path) -> None:
    builder = ModelBuilder()
    builder.parameter("w", normal(2))
    builder.selected_rows("table", b"")
    with pytest.raises(UnsupportedModelError, match=r"SELECTED_ROWS .*separate parameter files"):
        load(builder.write(tmp_path, COMBINED))


def test_selected_rows_that_vanish_while_they_are_read_are_a_model_error(tmp_path: Path) -> None:
    builder = ModelBuilder()
    builder.selected_rows("table", b"")
    model = load(builder.write(tmp_path))
    (tmp_path / "table").unlink()
    with pytest.raises(ModelError, match="changed while it was read: it vanished"):
        model.verify_unchanged()
