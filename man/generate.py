"""Writes the man pages from the click commands, in the macros that groff and mandoc both know.

python man/generate.py            writes the pages beside this file
python man/generate.py --check    names the pages that are out of date; exit code 1
"""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from weightquant_cli import __version__
from weightquant_cli.cli.completion.scripts import COMPLETION_LINES
from weightquant_cli.cli.exit_codes import MEANINGS
from weightquant_cli.cli.main import group
from weightquant_cli.cli.options.command_docs import (
    CommandDoc,
    OptionDoc,
    command_doc,
    commands_of,
)
from weightquant_cli.cli.options.option import PROGRAM, variable_name

FOLDER = Path(__file__).parent

# The date at the foot of every page: of the last revision, so that the same commands give the same
# bytes on every day.
REVISED = "2026-11-24"

# No hyphenation and no justification, so that names stay whole and can be copied. groff turns
# hyphenation on at every paragraph unless the register HY is 0.
UNBROKEN = (".nr HY 0", ".nh", ".ad l")

# mandoc warns of longer lines in the source; a terminal of 80 columns has no room for them.
SOURCE_WIDTH = 78
EXAMPLE_WIDTH = 68

ORIGIN = r".\" Made by man/generate.py from the click commands; not to be edited."

# Backslashes are doubled first: the escapes below bring their own.
_ESCAPES = (
    ("\\", r"\e"),
    ("'", r"\(aq"),
    ("`", r"\(ga"),
    ("^", r"\(ha"),
    ("~", r"\(ti"),
    ('"', r"\(dq"),
)
_OPTION_IN_TEXT = re.compile(r"(?<![\w-])--?[\w-]*")
_BETWEEN_COMMANDS = re.compile(r"(?<= \|) | (?=&& )")


def page_name(path: str) -> str:
    """The name of a command's page: ``weightquant-quantize``."""
    return path.replace(" ", "-")


def man_page(doc: CommandDoc, related: Sequence[str]) -> str:
    """The page of a command.

    Args:
        doc: the command.
        related: the paths of the commands to see also.
    """
    lines = [
        ORIGIN,
        f'.TH {page_name(doc.path).upper()} 1 {REVISED} "{PROGRAM} {__version__}" "User Commands"',
        *UNBROKEN,
        *_name(doc),
        *_synopsis(doc),
        *_description(doc),
        *_commands(doc),
        *_options(doc),
        *_examples(doc),
        *_exit_status(),
        *_environment(doc),
        *_completion(doc),
        *_see_also(related),
    ]
    return "\n".join(lines) + "\n"


def _name(doc: CommandDoc) -> Iterator[str]:
    yield ".SH NAME"
    yield from _text(f"{page_name(doc.path)} \0 {_phrase(doc.brief)}")


def _synopsis(doc: CommandDoc) -> Iterator[str]:
    yield ".SH SYNOPSIS"
    yield f".B {_literal(doc.path)}"
    yield " ".join(_placeholder(word) for word in doc.usage.removeprefix(doc.path).split())


def _description(doc: CommandDoc) -> Iterator[str]:
    yield ".SH DESCRIPTION"
    for number, paragraph in enumerate((doc.summary, *doc.paragraphs)):
        if number:
            yield ".PP"
        yield from _text(paragraph)


def _commands(doc: CommandDoc) -> Iterator[str]:
    if not doc.commands:
        return
    yield ".SH COMMANDS"
    for name, words in doc.commands:
        yield from _item(f"\\fB{_literal(f'{PROGRAM}-{name}')}\\fR(1)", words)


def _options(doc: CommandDoc) -> Iterator[str]:
    yield ".SH OPTIONS"
    for section in doc.groups:
        yield f".SS {section.heading}"
        for option in section.options:
            yield from _item(_spelling(option), _ended(option.text, option.default))


def _examples(doc: CommandDoc) -> Iterator[str]:
    if not doc.examples:
        return
    yield ".SH EXAMPLES"
    yield ".EX"
    for example in doc.examples:
        yield from (_literal(line) for line in _example_lines(example))
    yield ".EE"


def _exit_status() -> Iterator[str]:
    yield ".SH EXIT STATUS"
    for code, meaning in MEANINGS.items():
        yield from _item(f"\\fB{int(code)}\\fR", f"{meaning[0].upper()}{meaning[1:]}.")


def _environment(doc: CommandDoc) -> Iterator[str]:
    command = doc.path.removeprefix(PROGRAM).strip()
    example = doc.groups[0].options[0].long_name if command else "--bits"
    variable = variable_name(command or "quantize", example)
    pattern = f"{PROGRAM}_{command or '<command>'}_<option>".upper().replace("-", "_")
    yield ".SH ENVIRONMENT"
    yield from _item(
        f"\\fB{_literal(pattern)}\\fR",
        f"Sets an option that the command line does not give, and is spelled as the option is: "
        f"{variable} for {example}. A flag is set by 1 and unset by 0. An option that may be "
        "repeated takes several values, separated by spaces.",
    )
    yield from _item(
        "\\fBNO_COLOR\\fR", "If set and not empty, output has colours only with --color always."
    )
    yield from _item(
        "\\fBTERM\\fR",
        'A terminal of the type "dumb" gets no colours unless --color asks for them.',
    )
    yield from _item(
        f"\\fB{PROGRAM.upper()}_DEBUG\\fR",
        "Set to 1, it does in every command what --debug does.",
    )


def _completion(doc: CommandDoc) -> Iterator[str]:
    if not doc.commands:
        return
    yield ".SH COMPLETION"
    yield from _text(
        "bash, zsh and fish complete commands, options, operator types, folders, and the names of "
        "the weights in the model on the line. The package installs the scripts below share/, "
        "where a shell finds them if it looks there. Otherwise one line in the shell's start-up "
        "file, for bash, zsh and fish respectively, does it:"
    )
    yield ".PP"
    yield ".EX"
    yield from (_literal(line) for line in COMPLETION_LINES.values())
    yield ".EE"


def _see_also(related: Sequence[str]) -> Iterator[str]:
    yield ".SH SEE ALSO"
    names = [_literal(page_name(path)) for path in related]
    yield from (f".BR {name} (1)," for name in names[:-1])
    yield f".BR {names[-1]} (1)"


def _item(head: str, text: str) -> Iterator[str]:
    yield ".TP"
    yield head
    yield from _text(text)


def _spelling(option: OptionDoc) -> str:
    names = ", ".join(f"\\fB{_literal(name)}\\fR" for name in (*option.names, *option.negations))
    return f"{names} {_placeholder(option.metavar)}" if option.metavar else names


def _ended(text: str, default: str) -> str:
    return f"{text} The default is {default}." if default else text


def _placeholder(word: str) -> str:
    """Placeholders in italics; brackets and dots upright."""
    return re.sub(r"[A-Z][A-Z_]*", r"\\fI\g<0>\\fR", _literal(word))


def _phrase(text: str) -> str:
    """A sentence as `whatis` lists it: without capital and full stop."""
    return f"{text[:1].lower()}{text[1:]}".removesuffix(".")


def _example_lines(example: str) -> Iterable[str]:
    """A long example is continued on the next line, after a pipe."""
    if len(example) <= EXAMPLE_WIDTH:
        return [example]
    first, *rest = _BETWEEN_COMMANDS.split(example, maxsplit=1)
    return [first, *(f"    {part}" for part in rest)]


def _text(text: str) -> Iterator[str]:
    """A paragraph in short lines, options with real minus signs. NUL stands for NAME's dash."""
    marked = _OPTION_IN_TEXT.sub(lambda match: match[0].replace("-", "\1"), text)
    escaped = _escaped(marked).replace("\1", r"\-").replace("\0", r"\-")
    for line in textwrap.wrap(
        escaped, SOURCE_WIDTH, break_long_words=False, break_on_hyphens=False
    ):
        yield _guarded(line)


def _literal(text: str) -> str:
    """Text to be typed: every hyphen is a minus sign."""
    return _guarded(_escaped(text).replace("-", r"\-"))


def _escaped(text: str) -> str:
    for character, escape in _ESCAPES:
        text = text.replace(character, escape)
    return text


def _guarded(line: str) -> str:
    """A line that does not start a request."""
    return f"\\&{line}" if line.startswith((".", "'")) else line


def pages() -> dict[str, str]:
    """File name and text of every page."""
    commands = (group, *(command for _, command in commands_of(group)))
    docs = [command_doc(command) for command in commands]
    paths = [doc.path for doc in docs]
    return {
        f"{page_name(doc.path)}.1": man_page(doc, [path for path in paths if path != doc.path])
        for doc in docs
    }


def out_of_date(folder: Path) -> list[str]:
    """The pages that are missing, differ, or belong to no command."""
    wanted = {name: text.encode() for name, text in pages().items()}
    found = {path.name: path.read_bytes() for path in folder.glob("*.1")}
    names = sorted(wanted.keys() | found.keys())
    return [name for name in names if wanted.get(name) != found.get(name)]


def write(folder: Path) -> None:
    """Write every page, and remove those that belong to no command."""
    wanted = pages()
    for path in folder.glob("*.1"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (folder / name).write_bytes(text.encode())


def main(arguments: Sequence[str], folder: Path = FOLDER) -> int:
    """Write the pages or, with `--check`, compare them; the exit code."""
    if list(arguments) not in ([], ["--check"]):
        sys.stderr.write("usage: generate.py [--check]\n")
        return 2
    if not arguments:
        write(folder)
        return 0
    stale = out_of_date(folder)
    for name in stale:
        sys.stderr.write(f"man/{name} is out of date: run `python man/generate.py`\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
