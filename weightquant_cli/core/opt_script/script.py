"""The text of a POSIX shell script that converts a model with Paddle Lite's `opt`, all quoted.

Measured with opt 2.6.0 to 2.13rc0: it may exit with 0 and write nothing, an earlier output survives
a failed run, it does not create the output's folder, and it appends `.nb` to any name. So the
script lets opt write to a new folder beside the output, and only what is there afterwards counts.

The script never passes `--prefer_int8_kernel`, which opt does not know, nor `--quant_model`, which
breaks Paddle 2.x models.
"""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path

from ...errors import OptionError, OutputError
from ...formats.files.atomic_file import write_file
from ...formats.files.folder import Identity, identity
from ...formats.model_dir import ModelFiles
from ...formats.own_files import NAIVE_BUFFER_SUFFIX, SCRIPT_MARK
from ...formats.params import MAX_COMPONENT_BYTES
from ...formats.text import encode
from ..lite.tags import ModelTags
from ..model.inputs_outputs import Port, feeds, fetches
from ..model.model import Model
from . import shell_text as shell
from .shell_text import DEFAULT_SCRIPT, OptimizeOutType

SCRIPT_MODE = 0o755

# The name under which opt looks for a program beside separate parameter files, in every version.
SEPARATE_PROGRAM = "__model__"

# With these program names the folder's name says more about the model.
GENERIC_STEMS = ("__model__", "model", "inference")

PROTOBUF_FILES = ("model", "params")

# Harmless within single quotes, but shellcheck warns of them.
_SUSPICIOUS = "$`\\\u2018\u2019\u201c\u201d"

# Besides letters and digits, means nothing to printf and shellcheck.
_SAFE = " _./"


@dataclass(frozen=True)
class OptScriptOptions:
    """What the script is to do.

    Attributes:
        script: where the script will lie; None is beside the model.
        optimize_out: the output, relative to the script's folder or absolute: a `.nb` file (the
            suffix may be left out), or for protobuf a folder. None derives it from the model.
        optimize_out_type: what opt writes.
        valid_targets: what to convert for; opt uses the first one's kernels.

    Raises:
        OptionError: an output that names no file, or targets that opt does not convert for.
    """

    script: Path | None = None
    optimize_out: str | None = None
    optimize_out_type: OptimizeOutType = OptimizeOutType.NAIVE_BUFFER
    valid_targets: tuple[str, ...] = shell.DEFAULT_TARGETS

    def __post_init__(self) -> None:
        unknown = [target for target in self.valid_targets if target not in shell.TARGETS]
        if unknown or not self.valid_targets:
            raise OptionError(
                "opt does not convert for it" if unknown else "no target is named",
                option="valid_targets",
                found=repr(unknown[0]) if unknown else None,
                expected=f"some of {', '.join(shell.TARGETS)}",
                remedy="separate several with commas; the first one's kernels are used",
            )
        if len(set(self.valid_targets)) < len(self.valid_targets):
            raise OptionError("a target is named twice", option="valid_targets")
        if self.optimize_out is None:
            return
        name = os.path.basename(self.optimize_out)
        if name.removesuffix(NAIVE_BUFFER_SUFFIX) in ("", ".", "..") or "\0" in name:
            raise OptionError(
                "`optimize_out` names no file",
                found=repr(self.optimize_out),
                remedy="give a name such as model.nb or lite/model.nb",
            )
        if len(encode(name.removesuffix(NAIVE_BUFFER_SUFFIX))) > _longest_stem():
            raise OptionError(
                "`optimize_out` is too long for a file's name",
                expected=f"at most {MAX_COMPONENT_BYTES} bytes",
            )


@dataclass(frozen=True)
class OptScript:
    """A script, not yet written.

    Attributes:
        path: where it belongs.
        text: its text; bytes that are not UTF-8 are kept as surrogates.
        output: what it will write, relative to its folder or absolute.
        optimize_out_type: what opt writes.
        valid_targets: what it converts for.
        source: which files it will read.
        quantized: how many of the model's weights are quantized.
        inputs, outputs: of the model.
    """

    path: Path
    text: str
    output: str
    optimize_out_type: OptimizeOutType
    valid_targets: tuple[str, ...]
    source: ModelFiles
    quantized: int
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]

    @property
    def data(self) -> bytes:
        """The script's bytes."""
        return encode(self.text)


def make_opt_script(model: Model, options: OptScriptOptions | None = None) -> OptScript:
    """The script that converts `model`.

    Writes nothing. Links on the way to the model and to the script are resolved, so that one can be
    found from the other.

    Raises:
        OptionError: the script or its output would overwrite a file of the model, or each other.
    """
    if not os.path.isdir(model.files.folder):
        raise OptionError(
            "opt reads a model's folder, and no tar",
            path=model.files.folder,
            remedy="unpack it with `tar xf`, and give the folder; or quantize it first",
        )
    options = options or OptScriptOptions()
    path = options.script or model.files.folder / DEFAULT_SCRIPT
    home = os.path.realpath(path.parent)
    output = _output(model, options)
    _refuse_collisions(model, options, path, os.path.join(home, output))
    folder = _from(home, os.path.realpath(model.files.folder))
    targets = ",".join(options.valid_targets)
    text = "\n".join(
        (
            shell.HEAD.replace("@TARGETS@", targets).replace("@PORTS@", _ports(model)),
            *_settings(model, folder, output),
            shell.FIND_OPT,
            shell.GO_HOME,
            *_checks(model, folder),
            shell.CHECK_OUTPUT[options.optimize_out_type],
            shell.PREPARE,
            *_arguments(model),
            shell.RUN.replace("@TYPE@", options.optimize_out_type.value).replace(
                "@TARGETS@", targets
            ),
            shell.FINISH[options.optimize_out_type],
        )
    )
    quantized = sum(map(ModelTags(model).is_quantized, model.weights))
    return OptScript(
        path,
        text,
        output,
        options.optimize_out_type,
        options.valid_targets,
        model.files,
        quantized,
        feeds(model),
        fetches(model),
    )


def write_opt_script(script: OptScript, force: bool = False) -> None:
    """Write the script, executable, whole or not at all.

    Args:
        script: what to write, and where.
        force: replace a file that is not a script of ours; one that is, is replaced anyway.

    Raises:
        OutputError: there is another file, or something that is no file; or the file system
            refuses.
    """
    if os.path.exists(script.path) and not os.path.isfile(script.path):
        raise OutputError(
            "the script's path exists and is not a file",
            path=script.path,
            remedy="choose another with `script`",
        )
    if not force and _is_foreign(script.path):
        raise OutputError(
            "the script's path exists and is another file",
            path=script.path,
            remedy="replace it with `force`, or choose another with `script`",
        )
    write_file(script.path, script.data, "the script", SCRIPT_MODE, follow_links=False)


def _is_foreign(path: Path) -> bool:
    """Whether there is a file that is not a script of ours, or that cannot be read."""
    try:
        with open(path, "rb") as stream:
            return stream.read(len(SCRIPT_MARK)) != SCRIPT_MARK
    except OSError:
        return os.path.exists(path)


def _longest_stem() -> int:
    return MAX_COMPONENT_BYTES - len(NAIVE_BUFFER_SUFFIX)


def _output(model: Model, options: OptScriptOptions) -> str:
    protobuf = options.optimize_out_type is OptimizeOutType.PROTOBUF
    name = options.optimize_out
    if name is None:
        name = _default_name(model) + ("_opt" if protobuf else "")
    if not protobuf:
        name = name.removesuffix(NAIVE_BUFFER_SUFFIX) + NAIVE_BUFFER_SUFFIX
    return name


def _default_name(model: Model) -> str:
    """The program's name without its suffix, or where that says nothing, the folder's name."""
    stem = os.path.splitext(model.files.program)[0]
    if stem in GENERIC_STEMS:
        stem = os.path.basename(os.path.realpath(model.files.folder)) or "model"
    room = MAX_COMPONENT_BYTES - len("_opt")
    return encode(stem)[:room].decode("utf-8", "ignore") if len(encode(stem)) > room else stem


def _refuse_collisions(model: Model, options: OptScriptOptions, path: Path, output: str) -> None:
    own = {_file_key(name) for name in _model_paths(model)}
    if _file_key(path) in own:
        raise OptionError("the script would overwrite a file of the model", path=path)
    written = [output]
    if options.optimize_out_type is OptimizeOutType.PROTOBUF:
        written += [os.path.join(output, name) for name in PROTOBUF_FILES]
    for name in written:
        if _file_key(name) in own:
            raise OptionError(
                "`optimize_out` would overwrite a file of the model",
                path=os.path.realpath(name),
                remedy="choose another name",
            )
    if _file_key(path) in map(_file_key, written):
        raise OptionError(
            "`optimize_out` would overwrite the script", path=path, remedy="choose another name"
        )


def _model_paths(model: Model) -> list[Path]:
    files = model.files
    names = [files.program, *([files.params] if files.params else []), *model.stored.carried]
    records = model.stored.parameters.values()
    return [*(files.folder / name for name in names), *(Path(record.path) for record in records)]


def _file_key(path: str | Path) -> Identity | str:
    """Equal for two names of one file: device and inode, or where there is none yet, the path."""
    try:
        return identity(os.stat(path))
    except (OSError, ValueError):
        return os.path.realpath(path)


def _from(home: str, target: str) -> str:
    """`target` as seen from the folder `home`, never starting with a dash."""
    relative = os.path.relpath(target, home)
    return relative if relative == "." else f"./{relative}"


def _ports(model: Model) -> str:
    """A comment line for each input and output."""
    lines = [("input", port) for port in feeds(model)]
    lines += [("output", port) for port in fetches(model)]
    return "\n".join(f"#     {label:<8}{port}" for label, port in lines)


def _settings(model: Model, folder: str, output: str) -> list[str]:
    """The one place where names appear in the script, each in quotes."""
    where, name = os.path.split(output)
    if not os.path.isabs(where):
        where = f"./{where}" if where else "."
    settings = {"model": folder, "program": model.files.program}
    if model.files.params is not None:
        settings["params"] = model.files.params
    settings |= {"folder": where, "name": name}
    return [_assignment(key, value) for key, value in settings.items()]


def _assignment(key: str, value: str) -> str:
    if not value.isprintable():
        return _printed_assignment(key, value)
    quoted = shlex.quote(value)
    line = f"{key}={quoted}" if quoted.startswith("'") else f"{key}='{quoted}'"
    if any(character in value for character in _SUSPICIOUS):
        return f"# shellcheck disable=SC1003,SC1112,SC2016 # the name is meant like this\n{line}"
    return line


def _printed_assignment(key: str, value: str) -> str:
    """An assignment by printf, so that showing the script sends no control characters.

    The full stop protects trailing newlines, which command substitution drops.
    """
    text = "".join(
        character
        if character.isalnum() or character in _SAFE
        else "".join(f"\\{byte:03o}" for byte in encode(character))
        for character in value
    )
    return f"{key}=$(printf '{text}.')\n{key}=${{{key}%.}}"


def _checks(model: Model, folder: str) -> list[str]:
    """Whether the model's files are there; the message names them by their full path."""
    where = "$PWD" if folder == "." else "$PWD/${model#./}"
    return [
        f'[ -f "$model/${file}" ] || fail 1 "no model: there is no {where}/${file}"'
        for file in ("program", "params")[: 1 if model.files.params is None else 2]
    ]


def _arguments(model: Model) -> list[str]:
    if model.files.params is not None:
        return ['set -- "--model_file=$model/$program" "--param_file=$model/$params"', ""]
    if model.files.program == SEPARATE_PROGRAM:
        return ['set -- "--model_dir=$model"', ""]
    return [shell.LINK_FOLDER]
