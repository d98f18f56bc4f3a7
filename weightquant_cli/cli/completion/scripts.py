"""The scripts that bash, zsh and fish run at the tab key, as click's templates.

A script passes the line up to the cursor in COMPLETE_BEFORE and, except in fish, the rest in
COMPLETE_BEHIND. bash also passes the part of the word that it will replace, COMPLETE_WORD.

It gets one item per line: `KIND<TAB>TEXT<TAB>HELP`, where KIND is plain, dir or file. A plain TEXT
replaces the word. dir and file ask for the shell's own completion, and TEXT is the part of the word
before the path (`--report=`).
"""

from __future__ import annotations

from . import VARIABLE

# Turns completion on in a running shell, wherever the program is installed.
COMPLETION_LINES = {
    "bash": f'eval "$({VARIABLE}=bash_source weightquant)"',
    "zsh": f'eval "$({VARIABLE}=zsh_source weightquant)"',
    "fish": f"{VARIABLE}=fish_source weightquant | source",
}

_ORIGIN = "# Made by completions/generate.py; not to be edited."

BASH = (
    _ORIGIN
    + r"""
%(complete_func)s() {
    local kind text
    COMPREPLY=()
    while IFS=$'\t' read -r kind text _; do
        case $kind in
            plain)
                COMPREPLY+=("$text")
                [[ $text == *= ]] && compopt -o nospace
                ;;
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
        esac
    done < <(
        COMPLETE_BEFORE=${COMP_LINE:0:COMP_POINT} COMPLETE_BEHIND=${COMP_LINE:COMP_POINT} \
            COMPLETE_WORD=$2 %(complete_var)s=bash_complete "${1/#\~/$HOME}" 2>/dev/null
    )
}

if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 404)); then
    complete -o nosort -F %(complete_func)s %(prog_name)s
else
    echo "%(prog_name)s: completion needs bash 4.4 or newer; this is $BASH_VERSION" >&2
fi
"""
)

ZSH = (
    "#compdef %(prog_name)s\n"
    + _ORIGIN
    + r"""
%(complete_func)s() {
    local before="${(j: :)words[1,CURRENT-1]} $IPREFIX$QIPREFIX$PREFIX"
    local behind="${(j: :)words[CURRENT+1,-1]}"
    local line entry
    local -a parts plain unfinished
    for line in "${(@f)$(COMPLETE_BEFORE=$before COMPLETE_BEHIND=$behind \
        %(complete_var)s=zsh_complete ${~words[1]} 2>/dev/null)}"; do
        parts=("${(@ps:\t:)line}")
        case $parts[1] in
            plain)
                entry="${parts[2]//:/\\:}${parts[3]:+:$parts[3]}"
                if [[ $parts[2] == *= ]]; then unfinished+=("$entry"); else plain+=("$entry"); fi
                ;;
            dir) compset -p ${#parts[2]}; _path_files -/ ;;
            file) compset -p ${#parts[2]}; _path_files ;;
        esac
    done
    (( $#plain )) && _describe -V '%(prog_name)s' plain
    (( $#unfinished )) && _describe -V '%(prog_name)s' unfinished -S ''
}

if [[ $funcstack[1] == _%(prog_name)s ]]; then
    %(complete_func)s "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i }
    compdef %(complete_func)s %(prog_name)s
fi
"""
)

FISH = (
    _ORIGIN
    + r"""
function %(complete_func)s
    set -l program (commandline -opc | string match -v -r '^\w+=')[1]
    set -lx COMPLETE_BEFORE (commandline -cp | string collect)
    set -lx %(complete_var)s fish_complete
    for item in ($program 2>/dev/null)
        set -l parts (string split \t -- $item)
        set -l word (string sub -s (math (string length -- "$parts[2]") + 1) -- (commandline -ct))
        switch $parts[1]
            case plain
                echo $parts[2]\t$parts[3]
            case dir
                string replace -r -- '^' $parts[2] (__fish_complete_directories "$word" '')
            case file
                string replace -r -- '^' $parts[2] (__fish_complete_path "$word")
        end
    end
end

complete --command %(prog_name)s --no-files --arguments '(%(complete_func)s)'
"""
)
