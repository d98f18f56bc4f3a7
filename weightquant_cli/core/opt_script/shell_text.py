"""The fixed parts of `convert_to_lite.sh`: plain POSIX sh for dash, bash, busybox and mksh."""

from __future__ import annotations

import enum

from ...formats.own_files import SCRIPT_MARK

DEFAULT_SCRIPT = "convert_to_lite.sh"

# A file that starts like this may be replaced.
MARK = SCRIPT_MARK.decode()


TARGETS = ("arm", "opencl", "x86")
"""What the real opt converts for, alone and in any order; it uses the first one's kernels."""

DEFAULT_TARGETS = ("arm",)


class OptimizeOutType(enum.Enum):
    """What opt writes, spelled as its option `--optimize_out_type`."""

    NAIVE_BUFFER = "naive_buffer"
    PROTOBUF = "protobuf"


HEAD = f"""\
{MARK}
#
# Converts a model (for @TARGETS@) with Paddle Lite's opt: $OPT, else paddle_lite_opt on PATH, else
# an opt on PATH that is Paddle Lite's (LLVM has a program of that name too):
#
#     sh {DEFAULT_SCRIPT}
#     OPT=/path/to/opt sh {DEFAULT_SCRIPT}
#
# Call it from anywhere. The model and the output are found relative to this script (links to it
# are followed), so that they can be moved together. What opt says goes to stderr.
#
# Exit codes: 0 done; 1 opt failed or wrote nothing, and what was there is untouched; 2 usage;
# 127 no opt; 129, 130, 143 stopped by a signal.
#
# What an app gives the model and gets from it; ? is a size that it chooses:
#
@PORTS@
set +e -u # every failure is handled here, also under `sh -e`
"""

FIND_OPT = """
fail() { # CODE MESSAGE
  printf '%s: %s\\n' "$0" "$2" >&2
  exit "$1"
}

[ $# -eq 0 ] || fail 2 'takes no arguments; see the comment at its top'

case ${OPT:-} in
  '') opt=$(command -v paddle_lite_opt || command -v opt) ||
    fail 127 "cannot find Paddle Lite's opt: set OPT to its path (pip install paddlelite has it)" ;;
  */*) opt=$OPT ;;
  *) opt=$(command -v "$OPT") || fail 127 "OPT names no program on PATH: $OPT" ;;
esac
case $opt in
  */*) { [ -f "$opt" ] && [ -x "$opt" ]; } ||
    fail 127 "OPT is not a program: $opt; set it to the path of Paddle Lite's opt" ;;
esac
case $opt in
  /*) ;;
  */*) opt=$PWD/$opt ;;
esac
if [ -z "${OPT:-}" ] && [ "${opt##*/}" = opt ]; then
  case $("$opt" --help </dev/null 2>&1) in
    *optimize_out_type*) ;;
    *) fail 127 "$opt is not Paddle Lite's: set OPT to the path of Paddle Lite's opt" ;;
  esac
fi
"""

GO_HOME = """\
# Go to where this script lies.
case $0 in
  /*) script=$0 ;;
  *) script=./$0 ;;
esac
while [ -h "$script" ]; do
  target=$(readlink "$script" && echo .) || fail 1 "cannot follow the link $script"
  target=${target%??} # the newline and the dot, which kept newlines of the name
  case $target in
    /*) script=$target ;;
    *) script=${script%/*}/$target ;;
  esac
done
cd -P "${script%/*}/" || fail 1 'cannot go to the folder of the script'
case $folder in
  /*) output=${folder%/}/$name ;;
  .) output=${PWD%/}/$name ;;
  *) output=${PWD%/}/${folder#./}/$name ;;
esac
"""

CHECK_OUTPUT = {
    OptimizeOutType.NAIVE_BUFFER: """\
[ ! -d "$output" ] || fail 1 "there is a folder in the output's place: $output"
""",
    OptimizeOutType.PROTOBUF: """\
[ -d "$output" ] || [ ! -e "$output" ] || fail 1 "there is a file in the output's place: $output"
""",
}

PREPARE = """\
work=''
child=''
cleanup() {
  if [ -n "$child" ]; then
    kill "$child"
    wait "$child"
  fi 2>/dev/null
  [ -z "$work" ] || rm -rf "$work"
}
stop() { # CODE
  trap - EXIT # mksh would exit with what it returns
  trap '' HUP INT TERM
  cleanup
  exit "$1"
}
trap cleanup EXIT
trap 'stop 129' HUP
trap 'stop 130' INT
trap 'stop 143' TERM
mkdir -p "$folder" || fail 1 "cannot make the folder of $output"
work=$(mktemp -d "$folder/.convert_to_lite.XXXXXX") || fail 1 "cannot write beside $output"
"""

LINK_FOLDER = """\
# opt finds separate parameters only beside a program named __model__.
mkdir "$work/input" || fail 1 "cannot write to $work"
for file in "$model"/*; do
  ln -s "$PWD/$file" "$work/input/" || fail 1 "cannot link to $file"
done
ln -s "$PWD/$model/$program" "$work/input/__model__" || fail 1 "cannot link to $program"
set -- "--model_dir=$work/input"
"""

# In the background, so that a signal is handled before opt is done.
RUN = """\
"$opt" "$@" --optimize_out_type=@TYPE@ "--optimize_out=$work/model" --valid_targets=@TARGETS@ >&2 &
child=$!
wait "$child"
code=$?
child=''
"""

FINISH = {
    OptimizeOutType.NAIVE_BUFFER: """\
if [ "$code" -ne 0 ] || [ ! -s "$work/model.nb" ]; then
  fail 1 "opt wrote no model (its exit code was $code); it was $opt"
fi
size=$(wc -c <"$work/model.nb")
mv -f "$work/model.nb" "$folder/$name" || fail 1 "cannot write $output"
printf 'wrote %s (%d bytes)\\n' "$output" "$size"
""",
    OptimizeOutType.PROTOBUF: """\
if [ "$code" -ne 0 ] || [ ! -s "$work/model/model" ] || [ ! -f "$work/model/params" ]; then
  fail 1 "opt wrote no model (its exit code was $code); it was $opt"
fi
size=$(cat "$work/model/model" "$work/model/params" | wc -c)
mkdir -p "$folder/$name" || fail 1 "cannot make the folder $output"
mv -f "$work/model/params" "$work/model/model" "$folder/$name/" || fail 1 "cannot write $output"
printf 'wrote %s (model and params, %d bytes)\\n' "$output" "$size"
""",
}
