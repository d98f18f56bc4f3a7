"""`weightquant inspect`: on a terminal, in a pipe, as CSV, Markdown and JSON."""

from __future__ import annotations

import csv
import io
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.builders import normal, record
from tests.cli.helpers import (
    run,
    run_process,
    run_terminal,
    shell,
)
from tests.formats.pir.builder import Builder, tensor, write_json_model

DIGITS = Path(__file__).parents[1] / "models" / "digits"
COMBINED = DIGITS.with_name("digits_combined")
WEIGHTS = 24
FC = "fc_0.w_0"


@pytest.fixture(scope="module")
def quantized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The digits, as INT8."""
    folder = tmp_path_factory.mktemp("quantized") / "digits"
    run("quantize", "-q", DIGITS, folder).ok()
    return folder


def table_lines(lines: list[str]) -> list[str]:
    """The table among the lines, its heading first."""
    start = next(index for index, line in enumerate(lines) if line.startswith("weight "))
    return lines[start : start + 1 + WEIGHTS]


def renamed(folder: Path, names: dict[str, str]) -> Path:
    """The combined model with some weights renamed; they keep their lengths and their order."""
    shutil.copytree(COMBINED, folder)
    data = (folder / "__model__").read_bytes()
    for old, new in names.items():
        assert len(old) == len(new.encode("utf-8", "surrogateescape"))
        data = data.replace(old.encode(), new.encode("utf-8", "surrogateescape"))
    (folder / "__model__").write_bytes(data)
    return folder


@pytest.mark.parametrize("model", [DIGITS, COMBINED])
def test_the_first_line_says_what_it_is(model: Path) -> None:
    assert run("inspect", model).ok().lines[0] == "FP32"


def test_a_quantized_model_says_how(quantized: Path) -> None:
    result = run("inspect", quantized).ok()
    assert result.lines[0] == "INT8 channel-wise, 6 of 24 weights"
    assert not any(line.startswith("at 8 bits") for line in result.lines)
    row = next(line for line in result.lines if line.startswith(FC)).split()
    assert row[3:5] == ["INT8", "32768"]
    assert row[6] == "8"
    assert row[8] == "quantized"


def test_a_translated_model_was_written_by_paddle_3(tmp_path: Path) -> None:
    folder = write_json_model(tmp_path / "model")
    assert "written by    Paddle 3" in run("inspect", folder).ok().lines
    assert '"paddle_version": "3"' in run("inspect", "--json", folder).ok().stdout


def test_the_headings_say_format_paddle_size_ports_and_operators() -> None:
    lines = run("inspect", COMBINED).ok().lines
    facts = {line[:14].strip(): line[14:] for line in lines[1 : lines.index("")]}
    assert facts["format"] == "combined: __model__ + __params__"
    assert facts["written by"] == "Paddle 1.8.5"
    assert facts["size"].startswith("234 KiB in all: program 27")
    assert facts["input"] == "image FP32 ?x1x8x8"
    assert facts["output"].endswith(" FP32 ?x10")
    assert facts["operators"].startswith("21 of 10 types: relu 5, batch_norm 4, conv2d 3, ")


def test_the_totals_say_what_is_left_and_what_to_expect() -> None:
    lines = run("inspect", DIGITS).ok().lines
    totals = lines[len(lines) - lines[::-1].index("") :]
    assert totals[0] == "weights       24 with 207 KiB; 6 quantizable (204 KiB, 99.0%)"
    assert totals[1] == "left as it is 18 (2.2 KiB): biases and norms"
    assert [line.split()[:3] for line in totals[2:4]] == [["at", "8", "bits"], ["at", "16", "bits"]]
    assert totals[4:] == ["Paddle Lite   2.13rc0: nothing known speaks against it"]


def test_in_a_pipe_every_row_is_one_plain_line() -> None:
    result = run_process("inspect", DIGITS).ok()
    assert "\x1b" not in result.stdout
    assert not set("─│┃━…") & set(result.stdout)
    header, *rows = table_lines(result.lines)
    assert header.split()[:5] == ["weight", "operator", "shape", "type", "bytes"]
    assert len(rows) == WEIGHTS
    assert all(row.split()[4].isdecimal() for row in rows)
    assert all(line == line.rstrip() for line in result.lines)


def test_sorting_by_the_fifth_field_puts_the_largest_weight_last() -> None:
    result = shell('weightquant inspect "$1" | sort -k5 -n | tail -n 3', DIGITS)
    assert [line.split()[0] for line in result.lines] == ["conv2d_1.w_0", "conv2d_2.w_0", FC]


def test_quiet_prints_what_another_program_reads_and_no_more() -> None:
    assert run("inspect", "-q", DIGITS).ok().stdout == ""
    for asked in (["--json"], ["--format", "csv"], ["--format", "markdown"]):
        assert run("inspect", "-q", *asked, DIGITS).ok() == run("inspect", *asked, DIGITS)


def test_verbose_says_what_was_read() -> None:
    told = run("inspect", "-v", "--json", DIGITS).stderr
    assert told == f"{DIGITS}: __model__, 27.1 KiB; 24 parameter files, 207 KiB; 24 weights\n"


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    result = shell('{ weightquant inspect "$1"; echo "code $?" >&2; } | head -n 1', DIGITS)
    assert (result.stdout, result.stderr) == ("FP32\n", "code 0\n")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
@pytest.mark.parametrize("option", ["--sort=name", "--json", "--format=csv"])
def test_a_full_disk_behind_stdout_is_an_error(option: str) -> None:
    result = shell('weightquant inspect "$1" "$2" > /dev/full', option, DIGITS)
    assert (result.code, result.stderr) == (
        4,
        "weightquant: error: cannot write to stdout: No space left on device\n",
    )


def test_what_does_not_fit_is_said() -> None:
    narrow = run_terminal("inspect", "--color", "never", DIGITS, columns=30).ok()
    assert max(cell_len(line.rstrip()) for line in narrow.lines) <= 30
    header = next(line for line in narrow.lines if line.startswith("weight "))
    assert header.split() == ["weight", "bytes"]
    assert any(line.split() == [FC, "131072"] for line in narrow.lines)
    assert "(too narrow for: operator, shape, type, share, verdict)" in " ".join(
        narrow.stdout.split()
    )
    wide = run_terminal("inspect", "--color", "never", DIGITS, columns=200).ok()
    assert "too narrow" not in wide.stdout


def test_colours_only_where_they_are_wanted() -> None:
    assert "\x1b[1mFP32" in run_terminal("inspect", DIGITS).ok().stdout
    assert "\x1b" not in run_terminal("inspect", DIGITS, env={"NO_COLOR": "1"}).ok().stdout
    assert "\x1b" in run("inspect", "--color", "always", DIGITS).ok().stdout


@pytest.mark.parametrize(
    ("order", "first"), [("size", FC), ("name", "batch_norm_0.b_0"), ("sqnr", FC)]
)
def test_sorts(order: str, first: str) -> None:
    rows = table_lines(run("inspect", "--sort", order, DIGITS).ok().lines)
    if order == "sqnr":
        column = rows[0].split().index("sqnr_db")
        values = [float(row.split()[column]) for row in rows[1:7]]
        assert values == sorted(values)
        assert {row.split()[column] for row in rows[7:]} == {"-"}
    else:
        assert rows[1].split()[0] == first


def test_the_order_can_come_from_the_environment() -> None:
    result = run("inspect", DIGITS, env={"WEIGHTQUANT_INSPECT_SORT": "name"}).ok()
    assert table_lines(result.lines)[1].startswith("batch_norm_0.b_0")


def test_sqnr_needs_the_fp32_model(quantized: Path) -> None:
    result = run("inspect", "--sort", "sqnr", quantized)
    assert (result.code, result.stdout) == (2, "")
    assert "dequantize-check --reference" in result.stderr


def test_histograms_are_drawn_with_bars() -> None:
    rows = table_lines(run("inspect", "--histogram", DIGITS).ok().lines)
    column = rows[0].split().index("distribution")
    drawn = [row.split()[column] for row in rows[1:]]
    assert {len(picture) for picture in drawn} == {24}
    assert set("".join(drawn)) <= set("·▁▂▃▄▅▆▇█")
    assert all("█" in picture for picture in drawn)


def test_histograms_are_ascii_where_the_stream_is() -> None:
    result = run("inspect", "--histogram", DIGITS, encoding="ascii").ok()
    assert result.out.isascii()
    assert "@" in result.stdout


def test_csv_has_one_record_per_weight_and_nothing_else() -> None:
    result = run("inspect", "--format", "csv", "--histogram", "--sort", "sqnr", DIGITS).ok()
    records = list(csv.DictReader(io.StringIO(result.stdout)))
    assert len(records) == WEIGHTS
    record = next(record for record in records if record["weight"] == FC)
    assert (record["bytes"], record["verdict"]) == ("131072", "quantizable")
    assert sum(map(int, record["counts"].split())) == 32768
    assert float(record["sqnr_db"]) > 30
    assert float(record["min"]) < 0 < float(record["max"])


def test_csv_gives_scales_in_full(quantized: Path) -> None:
    records = csv.DictReader(io.StringIO(run("inspect", "--format", "csv", quantized).ok().stdout))
    record = next(record for record in records if record["weight"] == FC)
    assert (record["bits"], record["scales"]) == ("8", "32")
    assert 0 < float(record["scale_min"]) < float(record["scale_max"])


def test_markdown_is_a_title_a_list_and_a_table() -> None:
    lines = run("inspect", "--format", "markdown", DIGITS).ok().lines
    assert lines[0] == "**FP32**"
    table = [line for line in lines if line.startswith("|")]
    assert len(table) == 2 + WEIGHTS
    assert {line.replace("\\|", "").count("|") for line in table} == {10}
    assert table[2].startswith("| fc\\_0.w\\_0 | mul | 1024x32 | FP32 | 131072 |")


def test_json_holds_everything(quantized: Path) -> None:
    document = run("inspect", "--json", "--histogram", "--sort", "sqnr", DIGITS).ok().json
    assert (document["schema"], document["version"]) == ("weightquant.inspect", 1)
    assert document["headline"] == "FP32"
    assert document["totals"] == {
        "weights": WEIGHTS,
        "bytes": 211496,
        "quantized": 0,
        "quantizable": 6,
        "kept": 18,
    }
    assert [expected["bits"] for expected in document["expected"]] == [8, 16]
    assert document["inputs"] == [{"name": "image", "dtype": "FP32", "shape": [-1, 1, 8, 8]}]
    weight = next(weight for weight in document["weights"] if weight["name"] == FC)
    assert weight["shape"] == [1024, 32]
    assert len(weight["distribution"]["counts"]) == 24
    assert weight["sqnr_db"] > 30
    weights = run("inspect", "--json", quantized).ok().json["weights"]
    scales = next(weight for weight in weights if weight["name"] == FC)["scales"]
    assert (scales["bits"], scales["count"]) == (8, 32)
    assert scales["weight_quantize_type"] == "channel_wise_abs_max"


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")
def test_json_is_what_jq_reads() -> None:
    result = shell('weightquant inspect --json "$1" | jq -r ".weights[0].name"', DIGITS)
    assert (result.stdout, result.stderr) == (f"{FC}\n", "")


def test_json_and_another_format_contradict_each_other() -> None:
    assert run("inspect", "--json", "--format", "csv", DIGITS).code == 2


HOSTILE = {
    FC: "fc_0.w\n\x1b",
    "fc_1.w_0": "fd|\u202e\udcff.",
}


@pytest.mark.parametrize(
    "show",
    [
        lambda model: run("inspect", model),
        lambda model: run("inspect", "--format", "csv", model),
        lambda model: run("inspect", "--format", "markdown", model),
        lambda model: run_terminal("inspect", "--color", "never", model, columns=200),
    ],
    ids=["pipe", "csv", "markdown", "terminal"],
)
def test_names_cannot_break_out_of_their_line(
    tmp_path: Path, show: Callable[[Path], object]
) -> None:
    model = renamed(tmp_path / "m", HOSTILE)
    result = show(model)
    out = getattr(result, "stdout", "")
    assert not set("\x1b\u202e\udcff") & set(out)
    assert sum("\\n" in line and "131072" in line for line in out.splitlines()) == 1


def test_names_beyond_the_locale_are_escaped(tmp_path: Path) -> None:
    model = renamed(tmp_path / "m", {FC: "fc_0.量", "fc_1.w_0": "fc_1.wé"})
    shown = run("inspect", model, encoding="ascii").ok()
    assert "fc_0.\\u91cf" in shown.stdout
    assert "fc_1.w\\xe9" in shown.stdout
    assert "fc_0.量" in run("inspect", model).ok().stdout
    document = run("inspect", "--json", model, encoding="ascii").ok().json
    assert {"fc_0.量", "fc_1.wé"} < {weight["name"] for weight in document["weights"]}


def test_progress_goes_to_a_terminal_on_stderr_alone() -> None:
    assert run_process("inspect", "--histogram", DIGITS).ok().stderr == ""
    both = run_terminal("inspect", "--histogram", "--color", "never", DIGITS, stderr_too=True)
    assert "measure" in both.stdout
    assert "measure" not in run_terminal("inspect", "--histogram", DIGITS).ok().stdout


def test_a_narrow_terminal_gets_a_bar_without_numbers_that_would_be_cut() -> None:
    call = ("inspect", "--histogram", "--color", "never", DIGITS)
    narrow = run_terminal(*call, columns=49, stderr_too=True).stdout.split("\r")
    assert next(line for line in narrow if line.startswith("measure")).rstrip().endswith("|")
    wide = run_terminal(*call, columns=50, stderr_too=True).stdout.split("\r")
    assert "207k" in next(line for line in wide if line.startswith("measure"))


def test_a_model_that_is_none_is_refused(tmp_path: Path) -> None:
    result = run("inspect", tmp_path)
    assert (result.code, result.stdout) == (3, "")
    assert len(result.stderr.splitlines()) == 1


def test_compressed_sizes_of_every_number_of_bits(tmp_path: Path) -> None:
    document = run("inspect", "--compressed", "--json", DIGITS).ok().json
    sizes = {one["bits"]: one["compressed"] for one in document["expected"]}
    assert list(sizes) == list(range(4, 17))
    assert list(sizes.values()) == sorted(sizes.values())
    assert document["sizes"]["compressed"] < document["sizes"]["total"]
    told = run("inspect", "--compressed", DIGITS).ok().stdout
    line = next(line for line in told.splitlines() if line.startswith("at 6 bits"))
    assert line.endswith("KiB")
    run("quantize", "-q", "--bits", "6", DIGITS, tmp_path / "out").ok()
    again = run("inspect", "--compressed", "--json", tmp_path / "out").ok().json
    assert again["sizes"]["compressed"] == sizes[6]
    assert again["expected"] == []


def write_unknown_operators(folder: Path) -> Path:
    """A model of Paddle 3 in which three operations are unknown, two of them of one name."""
    builder = Builder()
    x = builder.data("x", 1, 3)
    for name in ("nobody_knows", "nor_this", "nobody_knows"):
        x = builder.op(name, [x], tensor(1, 3))
    weight = builder.parameter("w_0", 3, 4)
    product = builder.op("matmul", [x, weight], tensor(1, 4), transpose_x=False, transpose_y=False)
    builder.fetch(product)
    folder.mkdir()
    (folder / "m.json").write_bytes(builder.json())
    (folder / "m.pdiparams").write_bytes(record(normal(3, 4)))
    return folder


def test_shows_a_model_with_unknown_operators_and_names_them_all(tmp_path: Path) -> None:
    folder = write_unknown_operators(tmp_path / "model")
    told = run("inspect", folder).ok()
    [line] = [line for line in told.lines if line.startswith("unknown operators")]
    assert "pd_op.nobody_knows x2, pd_op.nor_this x1: no other command" in line
    assert "matmul_v2 1" in told.stdout and "w_0" in told.stdout
    assert "at 8 bits" not in told.stdout
    document = run("inspect", "--json", folder).ok().json
    assert document["unknown_operators"] == [
        {"type": "pd_op.nobody_knows", "count": 2, "reason": None},
        {"type": "pd_op.nor_this", "count": 1, "reason": None},
    ]
    assert run("inspect", "--json", DIGITS).ok().json["unknown_operators"] == []


@pytest.mark.parametrize("command", ["quantize", "quantize --bits 32", "dequantize-check"])
def test_every_other_command_refuses_unknown_operators_in_one_line(
    command: str, tmp_path: Path
) -> None:
    folder = write_unknown_operators(tmp_path / "model")
    out = [tmp_path / "out"] if command.startswith("quantize") else []
    result = run(*command.split(), folder, *out)
    assert (result.code, result.stdout) == (3, "")
    assert len(result.stderr.splitlines()) == 1
    for said in ("pd_op.nobody_knows x2, pd_op.nor_this x1", "FLAGS_enable_pir_api=0", "inspect"):
        assert said in result.stderr
    assert not (tmp_path / "out").exists()
