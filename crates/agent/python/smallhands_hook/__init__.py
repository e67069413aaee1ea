"""What smallhands puts beside a copy of a Python project to ask its tests many questions quickly.

The user's own test command is run unchanged; this package is let in through `PYTHONPATH` and keeps the process
after the tests were collected. Three processes share the work:

    first   the test framework is loaded, nothing of the project is        (zygote.py)
    warm    forked from it; the project is imported, its tests are collected; answers requests (server.py)
    child   forked from `warm` with an edit swapped in (hotswap.py), or from `first` where an edit
            needs a fresh import; runs tests under limits (child.py) and is watched (supervisor.py)

Only the standard library is used, from Python 3.8 on.
"""
