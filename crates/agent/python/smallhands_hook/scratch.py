"""Where tests put temporary files: one folder per process, all of them removed after each request."""

import os
import shutil


def _folder(environment):
    return os.path.join(environment.hook, "scratch")


def prepare(environment):
    """Makes the folder that holds the others."""
    os.makedirs(_folder(environment), exist_ok=True)


def own_scratch(environment):
    """The folder of this process; not made yet."""
    return os.path.join(_folder(environment), str(os.getpid()))


def clear(environment):
    """Removes what the processes of a request left."""
    for name in os.listdir(_folder(environment)):
        shutil.rmtree(os.path.join(_folder(environment), name), ignore_errors=True)
