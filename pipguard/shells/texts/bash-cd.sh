case ${PROMPT_COMMAND-} in
  *__pipguard_enter*) ;;
  *) PROMPT_COMMAND="__pipguard_enter${PROMPT_COMMAND:+;$PROMPT_COMMAND}" ;;
esac
