
function __pipguard_complete {
  local IFS=$' \t\n'
  COMPREPLY=($(COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD PIP_AUTO_COMPLETE=1 \
    "$__pipguard_program" 2>/dev/null)) || :
  if [ "$COMP_CWORD" = 1 ]; then COMPREPLY+=($(compgen -W guard -- "${COMP_WORDS[1]}")); fi
}
complete -o default -F __pipguard_complete @COMMANDS@
