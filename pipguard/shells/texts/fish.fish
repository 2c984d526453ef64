# pipguard in this shell: `pip` and `pip3` go through it, and what they install can be used at once.
# May be read twice, and by a shell that is not interactive.

set -g __pipguard_program @PROGRAM@
set -g __pipguard_note @NOTES@/$fish_pid-(random)
set -q __pipguard_active; or set -g __pipguard_active ''

# A `pip` that something else has defined stays: it may check what is installed, or be another
# Python's. An alias that is but another name of ours does neither.
for name in pip pip3
    if functions -q $name; and not functions $name | string match -rq 'pipguard|^\s*(command )?(pip3?|python3? -m pip) \$argv'
        echo "pipguard: `$name` is defined by something else in this shell, and stays so" >&2
    else
        function $name --inherit-variable name
            __pipguard_call $name $argv
        end
    end
end

function __pipguard_call
    set -l name $argv[1]
    set -e argv[1]
    # fish's own completions for pip ask for pip's with the first Tab; with ours, pip would start
    # twice for each Tab ever after.
    if test "$argv" = 'completion --fish'; and status stack-trace | string match -q '*/completions/*'
        return 0
    end
    if not test -x $__pipguard_program
        if string match -q 'pip*' -- $name
            command $name $argv
        else
            command $name -m pip $argv
        end
        return
    end
    PIPGUARD_CALLED_AS=$name PIPGUARD_NOTE=$__pipguard_note $__pipguard_program $argv
    set -l result $status
    if test -f $__pipguard_note
        read -z -l environment <$__pipguard_note
        command rm -f -- $__pipguard_note
        test -n "$environment"; and __pipguard_activate $environment
    end
    # `guard undo` may have removed the environment that is active.
    if test -n "$__pipguard_active"; and not test -e $__pipguard_active; and functions -q deactivate
        deactivate
    end
    return $result
end

# Does what the environment's own bin/activate.fish would. That file is not read: older ones run
# what the name of a project's folder says. The variables are virtualenv's, so that each can undo
# the other's work.
function __pipguard_activate
    string match -q '*:*' -- $argv[1]; and return 0
    set -q VIRTUAL_ENV; and functions -q deactivate; and deactivate
    set -gx _OLD_VIRTUAL_PATH $PATH
    set -gx PATH $argv[1]/bin $PATH
    set -gx VIRTUAL_ENV $argv[1]
    set -gx PIPGUARD_ACTIVATED $argv[1]
    set -l parts (string split -- / (string replace -a \n _ -- $argv[1]))
    set -gx VIRTUAL_ENV_PROMPT (string replace -ar '[^A-Za-z0-9._-]' _ -- $parts[-2])
    if set -q PYTHONHOME
        set -gx _OLD_VIRTUAL_PYTHONHOME $PYTHONHOME
        set -e PYTHONHOME
    end
    if test -z "$VIRTUAL_ENV_DISABLE_PROMPT"; and functions -q fish_prompt
        functions -c fish_prompt _old_fish_prompt
        function fish_prompt
            set -l result $status
            set -l shown (_old_fish_prompt)
            printf '(%s) ' $VIRTUAL_ENV_PROMPT
            string join -- \n $shown
            return $result
        end
        set -gx _OLD_FISH_PROMPT_OVERRIDE $VIRTUAL_ENV
    end
    set -g __pipguard_active $argv[1]
    function deactivate
        # Our own entry alone: others may have been added since.
        set -q VIRTUAL_ENV; and set -gx PATH (string match -v -- $VIRTUAL_ENV/bin $PATH)
        set -e _OLD_VIRTUAL_PATH
        if set -q _OLD_VIRTUAL_PYTHONHOME
            set -gx PYTHONHOME $_OLD_VIRTUAL_PYTHONHOME
            set -e _OLD_VIRTUAL_PYTHONHOME
        end
        if set -q _OLD_FISH_PROMPT_OVERRIDE; and functions -q _old_fish_prompt
            set -l fish_function_path
            functions -e fish_prompt
            functions -c _old_fish_prompt fish_prompt
            functions -e _old_fish_prompt
            set -e _OLD_FISH_PROMPT_OVERRIDE
        end
        set -e VIRTUAL_ENV
        set -e VIRTUAL_ENV_PROMPT
        set -e PIPGUARD_ACTIVATED
        set -g __pipguard_active ''
        if test "$argv[1]" != nondestructive
            functions -e deactivate
        end
    end
end
