add-zsh-hook chpwd __pipguard_enter
add-zsh-hook precmd __pipguard_enter
