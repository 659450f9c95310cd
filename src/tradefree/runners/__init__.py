"""Runners: code that performs tasks. ``runner`` turns a function of yours into one."""

from tradefree.runners.python import PythonRunner, runner

__all__ = ["PythonRunner", "runner"]
