# shellcheck shell=sh disable=SC2154
# Finds the environment of this checkout, and has it made when it is not ready.
#
# In: $checkout, an absolute path; the arguments are names of dependency groups. Out: $environment,
# a folder whose bin/python has what pyproject.toml asks for. Never starts a python when it is ready
# and never writes to standard output. To be read with `.` by a POSIX shell.

say() { printf 'pipguard: %s\n' "$*" >&2; }

locate_home() {
  name=$(id -un 2>/dev/null) || name=
  case $name in
    '' | *[!A-Za-z0-9._-]*) ;;
    *) eval "printf '%s' ~$name" ;;
  esac
}

# The folder is named for what it was made from: another pyproject.toml is another environment.
# An installed copy has its environment within it.
locate_environment() {
  environment=
  if [ -f "$checkout/installed" ]; then
    environment=$checkout/environment
    return
  fi
  data=${XDG_DATA_HOME-}
  case $data in /*) ;; *) data=${HOME:-$(locate_home)}/.local/share ;; esac
  case $data in /.local/share | [!/]*) return 1 ;; esac
  sums=$(cd "$checkout" && cksum pyproject.toml scripts/set_up.py) || return 1
  rest=${sums#*"
"}
  environment=$data/pipguard/checkouts$checkout/@${sums%% *}-${rest%% *}
  for group; do environment=$environment-$group; done
}

environment_is_ready() { [ -n "$environment" ] && [ -f "$environment/ready" ] && [ -x "$environment/bin/python" ]; }

locate_python() {
  # Our own `python3` shim would come back here.
  remaining=$PATH: without_shims=
  while [ -n "$remaining" ]; do
    entry=${remaining%%:*} remaining=${remaining#*:}
    [ -e "$entry/.pipguard-shims" ] || without_shims=$without_shims:$entry
  done
  for name in python3 python3.14 python3.13 python3.12 python3.11 python3.10; do
    # A name that a relative PATH entry gives would be whatever lies in the current folder.
    python=$(PATH=${without_shims#:} && command -v "$name") || continue
    case $python in /*) ;; *) continue ;; esac
    "$python" -I -c 'import sys, venv; sys.exit(sys.version_info < (3, 10))' \
      </dev/null >/dev/null 2>&1 && return
  done
  say "needs a python3 of version 3.10 or newer, with venv in its standard library, on PATH"
  exit 1
}

make_environment() {
  if [ -z "$environment" ]; then
    say "cannot tell where to set up; set HOME or XDG_DATA_HOME to a folder that you can write to"
    exit 1
  fi
  locate_python
  "$python" -I "$checkout/scripts/set_up.py" "$environment" "$@" </dev/null >&2 || exit
}
