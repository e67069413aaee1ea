"""What a test framework has to provide; `pytest_suite.py` and `unittest_suite.py` do."""


class Suite:
    """The collected tests.

    `names`   the framework's own names, in the order of collection
    `errors`  name -> [outcome, ms, message, frames] of the files that could not be collected
    """

    kind = ""
    names = ()
    errors = {}

    def has(self, name):
        """Whether a test of this name was collected."""
        raise NotImplementedError

    def run(self, tests, reporter, quick=False):
        """Runs (number, name) pairs in this order, reporting each; stops when the reporter says so.
        `quick` allows to leave out what cannot make a difference to the outcome."""
        raise NotImplementedError

    def file_of(self, name):
        """The file that has to be collected to find this test or this failed file; None if unknown."""
        raise NotImplementedError

    def tests_within(self, name):
        """The names of the tests in a file that this name stood for when it could not be collected; None if it still cannot be."""
        raise NotImplementedError

    def error_hiding(self, name):
        """The collection error because of which this test is missing; None if there is none."""
        raise NotImplementedError


def run_fresh(suite, tests, reporter):
    """Runs tests by names that come from another collection: some may be gone, some files may have become readable."""
    known = {name for _, name in tests}
    runnable = []
    for number, name in tests:
        if suite.has(name):
            runnable.append((number, name))
            continue
        inside = suite.tests_within(name)
        if inside is None:
            missing = ["errored", None, "this test is not found any more", []]
            if reporter.result(number, suite.error_hiding(name) or missing):
                return
            continue
        reporter.result(number, ["passed", None, None, []])
        runnable.extend((reporter.found(other), other) for other in inside if other not in known)
    suite.run(runnable, reporter)
