"""Run one module of CPython's own tests and write down how each of its tests ended.

Usage: guest_tests.py MODULE OUTCOMES. This is the program that is recorded; see
test_cpython_tests.py. OUTCOMES gets one line of JSON per outcome, as soon as it is known.
"""

import json
import sys
import unittest


class Outcomes(unittest.TextTestResult):
    """Each test's outcome, by name."""

    file = None

    def note(self, test, outcome):
        print(json.dumps([test.id(), outcome]), file=self.file, flush=True)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.note(test, "passed")

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self.note(test, f"failed: {error[0].__name__}")

    def addError(self, test, error):
        super().addError(test, error)
        self.note(test, f"error: {error[0].__name__}")

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.note(test, "skipped")

    def addExpectedFailure(self, test, error):
        super().addExpectedFailure(test, error)
        self.note(test, "failed as expected")

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.note(test, "passed unexpectedly")

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error is not None:
            self.note(subtest, f"failed: {error[0].__name__}")


def main():
    module, outcomes = sys.argv[1:]
    with open(outcomes, "w", encoding="utf-8") as file:
        Outcomes.file = file
        suite = unittest.defaultTestLoader.loadTestsFromName(module)
        unittest.TextTestRunner(resultclass=Outcomes).run(suite)
        print(json.dumps(["", "ended"]), file=file)


if __name__ == "__main__":
    main()
