"""Starts pipguard from a zipapp: unpacks it once, then hands over to what it unpacked.

In: this file as `__main__.py` of a zipapp that `build_zipapp.py` made. Out: pipguard in this
process. It unpacks into the user's data folder, in one step, and asks no index.
"""

import os
import sys

DIGEST = "@digest@"
OLDEST = (3, 10)


def main():
    """Unpack where that was not done yet, and become pipguard."""
    try:
        place = locate_place()
        python = os.path.join(place, "environment", "bin", "python")
        if not os.access(python, os.X_OK):
            unpack(place)
    except (OSError, RuntimeError) as error:
        hand_over(str(error))
    start = os.path.join(place, "scripts", "start.py")
    os.execv(python, [python, "-I", start, sys.argv[0], *sys.argv[1:]])


def locate_place():
    """Return the folder of this very zipapp and Python."""
    if sys.version_info < OLDEST:
        raise RuntimeError(f"needs Python 3.10 or newer, and this is {describe_python()}")
    data = os.environ.get("XDG_DATA_HOME", "")
    if not os.path.isabs(data):
        data = os.path.join(os.environ.get("HOME") or os.path.expanduser("~"), ".local", "share")
    if not os.path.isabs(data):
        raise RuntimeError("your home folder is not known")
    return os.path.join(data, "pipguard", "zipapp", f"{DIGEST}-{describe_python()}")


def describe_python():
    """Return the version as in `3.11`."""
    return ".".join(map(str, sys.version_info[:2]))


def unpack(place):
    """Make the folder as a whole: under another name first."""
    import shutil
    import subprocess
    import tempfile
    import zipfile

    say("setting up, once: " + place)
    os.makedirs(os.path.dirname(place), exist_ok=True)
    draft = tempfile.mkdtemp(dir=os.path.dirname(place), prefix=".new-")
    try:
        with zipfile.ZipFile(os.path.dirname(os.path.abspath(__file__))) as archive:
            for name in archive.namelist():
                if name.startswith("files/"):
                    archive.extract(name, draft)
            environment = os.path.join(draft, "files", "environment")
            python = getattr(sys, "_base_executable", sys.executable)
            words = [python, "-I", "-m", "venv", "--without-pip", environment]
            if subprocess.run(words, stdout=sys.stderr.fileno(), check=False).returncode:
                raise RuntimeError("venv could not make its environment")
            library = os.path.join(environment, "lib", f"python{describe_python()}")
            site = os.path.join(library, "site-packages")
            chosen = "wheels-3.10.txt" if sys.version_info < (3, 11) else "wheels-3.11.txt"
            for name in archive.read(chosen).decode().split():
                with archive.open("wheels/" + name) as file, zipfile.ZipFile(file) as wheel:
                    wheel.extractall(site)
        if os.path.lexists(place):  # its Python is gone
            shutil.rmtree(place)
        os.rename(os.path.join(draft, "files"), place)
        remove_older(place)
    except OSError:
        # Another start of it may have been quicker.
        if not os.path.exists(os.path.join(place, "environment", "bin", "python")):
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def remove_older(place):
    """Remove what older zipapps have unpacked, but the last: a command of it may be running."""
    import shutil

    folder, name = os.path.split(place)
    ending = name.partition("-")[2]
    others = [other for other in os.listdir(folder) if other.endswith(f"-{ending}")]
    paths = [os.path.join(folder, other) for other in others if other != name]
    for path in sorted(paths, key=os.path.getmtime)[:-1]:
        shutil.rmtree(path, ignore_errors=True)


def hand_over(problem):
    """Let the real pip do it where pipguard cannot, and say why."""
    say("cannot be set up: " + problem)
    own = os.path.realpath(sys.argv[0])
    called = os.path.basename(sys.argv[0])
    name = called if called.startswith("python") else "pip"
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        path = os.path.join(folder, name)
        is_other = os.path.isabs(folder) and os.access(path, os.X_OK)
        if is_other and os.path.realpath(path) != own and sys.argv[1:2] != ["guard"]:
            say(f"so the real {name} does it, as with PIPGUARD=off")
            os.execv(path, [path, *sys.argv[1:]])
    sys.exit(1)


def say(words):
    """Tell the person who waits."""
    sys.stderr.write(f"pipguard: {words}\n")
    sys.stderr.flush()


main()
