
# `python3 -m pip`, and nothing else of python.
function __pipguard_python
    set -l name $argv[1]
    set -e argv[1]
    if test "$argv[1]" = -m; and test "$argv[2]" = pip; and command -sq $name
        __pipguard_call $name $argv[3..-1]
    else
        command $name $argv
    end
end
