#!/bin/sh
# Behaves like Paddle Lite's opt as far as convert_to_lite.sh can see it: it knows the same
# arguments, exits with 0 for missing ones, does not make folders and appends .nb.
#
# FAKE_OPT=silent   exit 0, and write nothing
# FAKE_OPT=empty    exit 0, and write an empty file
# FAKE_OPT=abort    write half a file, and abort
# FAKE_OPT=hang     write half a file, and wait to be killed
# FAKE_OPT_LOG      a file that gets the process id, the folder and the arguments, one a line
model_dir='' model_file='' param_file='' type='naive_buffer' out='' targets=''
for argument; do
  case $argument in
    --model_dir=*) model_dir=${argument#*=} ;;
    --model_file=*) model_file=${argument#*=} ;;
    --param_file=*) param_file=${argument#*=} ;;
    --optimize_out_type=*) type=${argument#*=} ;;
    --optimize_out=*) out=${argument#*=} ;;
    --valid_targets=*) targets=${argument#*=} ;;
    --help)
      echo 'usage: opt [--optimize_out_type {protobuf,naive_buffer}]'
      exit 0
      ;;
    *)
      echo "opt: error: unrecognized arguments: $argument" >&2
      exit 2
      ;;
  esac
done
log() {
  if [ -n "${FAKE_OPT_LOG:-}" ]; then printf '%s\n' "$@" >"$FAKE_OPT_LOG"; fi
}
[ -n "$out" ] && [ -n "$targets" ] || exit 0
if [ -n "$model_dir" ]; then
  model_file=$model_dir/__model__
elif [ -z "$model_file" ] || [ -z "$param_file" ]; then
  exit 0
fi
[ -s "$model_file" ] || exit 134
[ -z "$param_file" ] || [ -s "$param_file" ] || exit 134
[ -d "${out%/*}" ] || exit 134
echo "Loading topology data from $model_file"
case ${FAKE_OPT:-} in
  silent) exit 0 ;;
  empty) : >"$out.nb" && exit 0 ;;
  abort) echo half >"$out.nb" && exit 134 ;;
  hang)
    echo half >"$out.nb"
    log "$$"
    exec sleep 120 # should nobody come
    ;;
esac
log "$$" "$PWD" "$@"
if [ "$type" = protobuf ]; then
  mkdir -p "$out"
  cat "$model_file" >"$out/model"
  echo parameters >"$out/params"
else
  cat "$model_file" >"$out.nb"
fi
