
# Activates the environment of a project that is entered, and leaves it with the project. One that
# the user activated stays. pipguard itself says whether an environment is to be trusted.
__pipguard_place=
function __pipguard_enter {
  local result=$? folder=$PWD found='' environment=''
  if [ "$PWD" = "$__pipguard_place" ]; then return $result; fi
  __pipguard_place=$PWD
  if [ -n "${VIRTUAL_ENV-}" ] && [ "$VIRTUAL_ENV" != "$__pipguard_active" ]; then return $result; fi
  while [ -n "$folder" ] && [ "$folder" != "${HOME-}" ]; do
    if [ -e "$folder/.venv" ] || [ -f "$folder/venv/pyvenv.cfg" ] || [ -f "$folder/env/pyvenv.cfg" ]
    then
      found=$folder
      break
    fi
    folder=${folder%/*}
  done
  if [ -n "$found" ] && [ -n "${VIRTUAL_ENV-}" ] && [ "${VIRTUAL_ENV%/*}" = "$found" ]; then
    return $result
  fi
  if [ -n "$found" ] && [ -x "$__pipguard_program" ]; then
    IFS= read -r -d '' environment < <("$__pipguard_program" guard shell-init --locate) || :
  fi
  if [ -n "${VIRTUAL_ENV-}" ] && typeset -f deactivate >/dev/null; then deactivate; fi
  [ -z "$environment" ] || __pipguard_activate "$environment"
  return $result
}
