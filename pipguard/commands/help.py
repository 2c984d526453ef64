"""`pip guard help [TOPIC]`: explains a verb, or what pipguard trusts, asks and keeps.

In: nothing, a verb, or `security`. Out: text on stdout.
"""

from __future__ import annotations

import argparse

from pipguard.caller import Caller
from pipguard.environments.trust import locate_records
from pipguard.history.folder import locate_log_folder
from pipguard.pip.locate import RealPip
from pipguard.system.folders import cache_folder
from pipguard.system.streams import write_output

SUMMARY = "explain a verb; `help security`: what is trusted, asked and kept"

_SECURITY = """\
WHAT IS TRUSTED
  Nothing runs from an environment that pipguard only found, unless its folder, pyvenv.cfg, bin,
  interpreter (and what that links to), lib and site-packages belong to you or root, nobody else
  may write to them, and no version control system holds any of it. A version control system that
  cannot answer counts as a no; Mercurial, Subversion, Jujutsu and others are not asked, so theirs
  is a no as well. The environments that pipguard made for you are recorded and spared that last
  question. An active environment is your own choice. `pip guard trust [PATH]` is your word for
  another one, for as long as that very folder is there; --list and --forget show and withdraw it.

WHO IS ASKED
  Only the indexes that pip's own options, variables, configuration and requirements files name.
  Undo in an environment takes the files that were kept, and asks nobody. Where there are none, and
  in `rescue`, a rebuild for another Python and the upgrade or undo of an application, exactly that
  index is asked that each distribution came from. Where nobody noted that, the configured index is
  asked, after a word about it, for wheels alone; and nobody is asked where another index was in
  use. A password comes from where pip has it each time: configuration, variables, .netrc, keyring.

WHAT IS KEPT, FOR YOU ALONE
  {log}
      the log: what was changed, and the origins without passwords; while a command runs, what it
      has begun, so that the next one can finish or reverse it
  {records}
      environments that are trusted
  {cache}
      what can be lost: answers about packages, pip's compiled modules
  .pipguard in each environment
      the files of former versions, up to 256 MiB, and once more the origins
  pipx stores the options of its pip; options that hold a password reach it as variables.

IF YOU FIND A FAULT
  Tell the maintainers in private first when a stranger's code could run or a password could show.
  `pip guard doctor --json` and `pip guard log --json` hold no passwords and help.
"""


def run(caller: Caller, real_pip: RealPip | None, words: list[str]) -> int:
    """Print the text about a topic, or the list of verbs."""
    from pipguard.commands import VERBS, describe_verbs, load_verb

    parser = argparse.ArgumentParser("pip guard help", description=SUMMARY)
    verbs = [verb for verb in VERBS if verb != "help"]
    parser.add_argument("topic", nargs="?", choices=[*verbs, "security"], metavar="TOPIC")
    topic = parser.parse_args(words).topic
    if topic in verbs:
        return load_verb(topic).run(caller, real_pip, ["--help"])
    write_output(_describe_security(caller) if topic else describe_verbs())
    return 0


def _describe_security(caller: Caller) -> str:
    return _SECURITY.format(
        log=locate_log_folder(caller),
        records=locate_records(caller.environ),
        cache=cache_folder(caller.environ),
    )
