
# `python3 -m pip`, and nothing else of python.
function __pipguard_python {
  local name=$1
  shift
  if [ "${1-}" = -m ] && [ "${2-}" = pip ] && command -v "$name" >/dev/null; then
    shift 2
    __pipguard_call "$name" "$@"
  else
    command "$name" "$@"
  fi
}
