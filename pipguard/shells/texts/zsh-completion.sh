
function __pipguard_complete {
  compadd -- $(COMP_WORDS="$words[*]" COMP_CWORD=$((CURRENT - 1)) PIP_AUTO_COMPLETE=1 \
    "$__pipguard_program" 2>/dev/null)
  if (( CURRENT == 2 )); then compadd -- guard; fi
}
# An rc file may start the completion system after us; the first prompt comes after it.
function __pipguard_register {
  if (( $+functions[compdef] )); then compdef __pipguard_complete @COMMANDS@; fi
  add-zsh-hook -d precmd __pipguard_register
}
autoload -Uz add-zsh-hook
add-zsh-hook precmd __pipguard_register
