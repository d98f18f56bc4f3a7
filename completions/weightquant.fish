# Made by completions/generate.py; not to be edited.
function _weightquant_completion
    set -l program (commandline -opc | string match -v -r '^\w+=')[1]
    set -lx COMPLETE_BEFORE (commandline -cp | string collect)
    set -lx _WEIGHTQUANT_COMPLETE fish_complete
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

complete --command weightquant --no-files --arguments '(_weightquant_completion)'
