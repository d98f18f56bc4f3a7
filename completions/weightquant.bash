# Made by completions/generate.py; not to be edited.
_weightquant_completion() {
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
            COMPLETE_WORD=$2 _WEIGHTQUANT_COMPLETE=bash_complete "${1/#\~/$HOME}" 2>/dev/null
    )
}

if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 404)); then
    complete -o nosort -F _weightquant_completion weightquant
else
    echo "weightquant: completion needs bash 4.4 or newer; this is $BASH_VERSION" >&2
fi
