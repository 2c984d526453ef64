
function __pipguard_complete
    set -l words (commandline -opc)
    # The current word, which may be empty, stands at the end.
    set -lx COMP_CWORD (count $words)
    set -lx COMP_WORDS $words (commandline -ct)
    PIP_AUTO_COMPLETE=1 $__pipguard_program 2>/dev/null | string split -n -- ' '
    test $COMP_CWORD = 1; and printf '%s\n' guard
end
for name in @COMMANDS@
    complete -c $name -a '(__pipguard_complete)'
end
