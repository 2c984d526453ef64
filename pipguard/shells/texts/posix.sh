# pipguard in this shell: `pip` and `pip3` go through it, and what they install can be used at once.
# May be read twice, by a shell that is not interactive, and under `set -eu`.

__pipguard_program=@PROGRAM@
__pipguard_note=@NOTES@/$$-$RANDOM
__pipguard_active=${__pipguard_active-}

# A `pip` that something else has defined stays: it may check what is installed, or be another
# Python's. So does an alias that begins with our names, but that one calls our functions
# (oh-my-zsh's `noglob pip` spares `requests[socks]` its quotes).
function __pipguard_define {
  local name=$1 body words
  body=$(typeset -f "$name" 2>/dev/null) || :
  words=$(alias "$name" 2>/dev/null) || :
  words=${words#*=} words=${words#\'} words=${words%\'}
  case $body in '' | *pipguard*) ;; *) words=function ;; esac
  case ${words#noglob } in
    '' | *pipguard* | 'python -m pip' | 'python3 -m pip') unalias "$name" 2>/dev/null || : ;;
    pip | pip3 | 'pip '* | 'pip3 '*) ;;
    *)
      printf 'pipguard: `%s` is defined by something else in this shell, and stays so\n' "$name" >&2
      return
      ;;
  esac
  eval "function $name { __pipguard_call $name \"\$@\"; }"
}
__pipguard_define pip
__pipguard_define pip3

function __pipguard_call {
  local name=$1 environment='' result=0
  shift
  if [ ! -x "$__pipguard_program" ]; then
    case $name in pip*) command "$name" "$@" ;; *) command "$name" -m pip "$@" ;; esac
    return
  fi
  PIPGUARD_CALLED_AS=$name PIPGUARD_NOTE=$__pipguard_note "$__pipguard_program" "$@" || result=$?
  if [ -f "$__pipguard_note" ]; then
    IFS= read -r -d '' environment <"$__pipguard_note" || :
    command rm -f -- "$__pipguard_note"
    [ -z "$environment" ] || __pipguard_activate "$environment"
  fi
  # `guard undo` may have removed the environment that is active.
  if [ -n "$__pipguard_active" ] && [ ! -e "$__pipguard_active" ] &&
    typeset -f deactivate >/dev/null; then deactivate; fi
  return $result
}

# Does what the environment's own bin/activate would. That file is not read: older ones run what
# the name of a project's folder says. The variables are virtualenv's, so that each can undo the
# other's work.
function __pipguard_activate {
  local name=${1%/*}
  case $1 in *:*) return 0 ;; esac
  if [ -n "${VIRTUAL_ENV-}" ] && typeset -f deactivate >/dev/null; then deactivate; fi
  _OLD_VIRTUAL_PATH=$PATH
  PATH=$1/bin:$PATH
  VIRTUAL_ENV=$1
  PIPGUARD_ACTIVATED=$1
  name=${name##*/}
  VIRTUAL_ENV_PROMPT=${name//[^A-Za-z0-9._-]/_}
  export PATH VIRTUAL_ENV VIRTUAL_ENV_PROMPT PIPGUARD_ACTIVATED
  if [ -n "${PYTHONHOME+x}" ]; then
    _OLD_VIRTUAL_PYTHONHOME=$PYTHONHOME
    unset PYTHONHOME
  fi
  if [ -z "${VIRTUAL_ENV_DISABLE_PROMPT-}" ] && [ -n "${PS1+x}" ]; then
    _OLD_VIRTUAL_PS1=$PS1
    PS1="($VIRTUAL_ENV_PROMPT) $PS1"
  fi
  hash -r 2>/dev/null || :
  __pipguard_active=$1
  function deactivate {
    local own=":${VIRTUAL_ENV-}/bin:"
    if [ -n "${VIRTUAL_ENV-}" ]; then
      # Our own entry alone: others may have been added since.
      PATH=:$PATH:
      PATH=${PATH/"$own"/:}
      PATH=${PATH#:}
      PATH=${PATH%:}
      export PATH
    fi
    unset _OLD_VIRTUAL_PATH
    if [ -n "${_OLD_VIRTUAL_PYTHONHOME+x}" ]; then
      export PYTHONHOME="$_OLD_VIRTUAL_PYTHONHOME"
      unset _OLD_VIRTUAL_PYTHONHOME
    fi
    if [ -n "${_OLD_VIRTUAL_PS1+x}" ]; then
      PS1=$_OLD_VIRTUAL_PS1
      unset _OLD_VIRTUAL_PS1
    fi
    unset VIRTUAL_ENV VIRTUAL_ENV_PROMPT PIPGUARD_ACTIVATED
    __pipguard_active=
    hash -r 2>/dev/null || :
    if [ "${1-}" != nondestructive ]; then unset -f deactivate; fi
  }
}
