
# Activates the environment of a project that is entered, and leaves it with the project. One that
# the user activated stays. pipguard itself says whether an environment is to be trusted.
function __pipguard_enter --on-variable PWD
    set -q VIRTUAL_ENV; and test "$VIRTUAL_ENV" != "$__pipguard_active"; and return 0
    set -l folder $PWD
    set -l found ''
    while test -n "$folder"; and test "$folder" != "$HOME"
        if test -e "$folder/.venv" -o -f "$folder/venv/pyvenv.cfg" -o -f "$folder/env/pyvenv.cfg"
            set found $folder
            break
        end
        set folder (string replace -r '/[^/]*$' '' -- $folder | string collect)
    end
    if test -n "$found"; and set -q VIRTUAL_ENV
        test "$VIRTUAL_ENV" = "$found/"(string replace -r '.*/' '' -- $VIRTUAL_ENV); and return 0
    end
    set -l environment ''
    if test -n "$found"; and test -x $__pipguard_program
        $__pipguard_program guard shell-init --locate | read -z environment
    end
    set -q VIRTUAL_ENV; and functions -q deactivate; and deactivate
    test -n "$environment"; and __pipguard_activate $environment
    return 0
end
__pipguard_enter
