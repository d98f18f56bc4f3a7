"""Writing a model's files: every record in its place, in any order and from any thread."""

from __future__ import annotations

import errno
import os
import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.builders import (
    COMBINED,
    LAYOUTS,
    SEPARATE,
    Layout,
    normal,
    record,
    tree,
)
from weightquant_cli.errors import ModelError, OptionError, OutputError
from weightquant_cli.formats.files.atomic_folder import new_folder
from weightquant_cli.formats.files.writing import write_at
from weightquant_cli.formats.model_writer import (
    ModelWriter,
    NewRecord,
    refuse_name_collisions,
)

RECORDS = {name: record(normal(3, size)) for size, name in enumerate(["B", "a", "b/c", "é"])}
NEW_RECORDS = [
    NewRecord(name, data[:20], len(data) - 20) for name, data in RECORDS.items()
]  # how much of a record is called its header does not matter


@contextmanager
def writing(
    folder: Path, layout: Layout, records: Sequence[NewRecord] = NEW_RECORDS
) -> Iterator[ModelWriter]:
    with new_folder(folder) as files:
        yield ModelWriter(files, layout, records)


def write_all(folder: Path, layout: Layout, order: list[str]) -> None:
    with writing(folder, layout) as writer:
        for name in order:
            with writer.record(name) as one:
                one.write(RECORDS[name][25:], 5)
                one.write(RECORDS[name][20:25], 0)
        writer.write_program(b"the program")


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_records_lie_in_their_places_in_whatever_order_they_are_written(
    layout: Layout, seed: int, tmp_path: Path
) -> None:
    write_all(tmp_path / "out", layout, random.Random(seed).sample(list(RECORDS), len(RECORDS)))
    files = tree(tmp_path / "out")
    assert files.pop(layout.program) == b"the program"
    if layout.params is None:
        assert files == {**RECORDS, "b/": b""}
    else:
        assert files == {layout.params: b"".join(RECORDS.values())}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_records_are_written_from_several_threads(layout: Layout, tmp_path: Path) -> None:
    with writing(tmp_path / "out", layout) as writer:

        def work(name: str) -> None:
            with writer.record(name) as one:
                for offset in range(len(RECORDS[name]) - 20):
                    one.write(RECORDS[name][20 + offset : 21 + offset], offset)

        with ThreadPoolExecutor(4) as executor:
            list(executor.map(work, RECORDS))
    written = b"".join(data for name, data in sorted(tree(tmp_path / "out").items(), key=_by_bytes))
    assert written == b"".join(RECORDS.values())


def _by_bytes(item: tuple[str, bytes]) -> bytes:
    return item[0].encode()


def test_a_combined_file_has_its_size_before_the_first_record_is_written(tmp_path: Path) -> None:
    with writing(tmp_path / "out", COMBINED):
        (params,) = tmp_path.glob(".weightquant-*/__params__")
        assert params.stat().st_size == sum(map(len, RECORDS.values()))


def test_a_combined_file_of_no_records_is_empty(tmp_path: Path) -> None:
    with writing(tmp_path / "out", COMBINED, []) as writer:
        writer.write_program(b"p")
    assert tree(tmp_path / "out") == {"__params__": b"", "__model__": b"p"}


def test_a_carried_file_is_written_below_its_folders(tmp_path: Path) -> None:
    with writing(tmp_path / "out", SEPARATE, []) as writer:
        with writer.copied_file("a/b/table") as one:
            one.write(b"rows", 0)
        assert writer.file_names == ("__model__", "a/b/table")
    assert tree(tmp_path / "out")["a/b/table"] == b"rows"


@pytest.mark.parametrize("name", ["../x", "/x", "x" * 256])
def test_a_name_that_no_separate_file_can_have_is_refused_before_anything_is_written(
    name: str, tmp_path: Path
) -> None:
    with pytest.raises(ModelError), writing(tmp_path / "a", SEPARATE, [NewRecord(name, b"", 4)]):
        pass
    with (
        pytest.raises(ModelError),
        writing(tmp_path / "b", SEPARATE) as writer,
        writer.copied_file(name),
    ):
        pass
    assert tree(tmp_path) == {}


def test_in_a_combined_file_any_name_is_harmless(tmp_path: Path) -> None:
    records = [NewRecord("../x", b"", 4)]
    with writing(tmp_path / "out", COMBINED, records) as writer, writer.record("../x") as one:
        one.write(b"data", 0)
    assert tree(tmp_path / "out") == {"__params__": b"data"}


# ---- collisions --------------------------------------------------------------------------------


def test_program_and_parameters_cannot_share_a_file() -> None:
    with pytest.raises(OptionError, match="cannot have the same file name"):
        refuse_name_collisions(Layout("net", "net"), [])


def test_the_program_cannot_be_called_as_a_separate_parameter_is() -> None:
    with pytest.raises(OptionError, match=r"also a parameter's name.*found w;"):
        refuse_name_collisions(Layout("w", None), ["v", "w"])
    refuse_name_collisions(Layout("w", "params"), ["v", "w"])


@pytest.mark.parametrize("layout", [Layout("é" * 128, None), Layout("m", "x" * 256)])
def test_a_file_name_that_is_too_long_is_refused(layout: Layout) -> None:
    with pytest.raises(OptionError, match="the file name is too long"):
        refuse_name_collisions(layout, [])


# ---- a file system that refuses ----------------------------------------------------------------


@pytest.mark.parametrize("call", ["mkdir", "pwrite", "ftruncate", "fsync"])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_a_full_disk_is_an_output_error_wherever_it_is_met(
    layout: Layout, call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if call == "ftruncate" and layout.params is None:
        pytest.skip("separate files grow as they are written")

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(OutputError, match=r"No space left on device.*make room"):
        write_all(tmp_path / "out", layout, list(RECORDS))
    assert tree(tmp_path) == {}


def test_writes_that_the_system_cuts_short_are_continued(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, data, offset: real(fd, data[:3], offset))
    with (tmp_path / "file").open("wb") as file:
        write_at(file.fileno(), b"0123456789", 2, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b"\0\x000123456789"
