"""Runs a back end in a process of its own, so that what it does wrong costs one job and not the worker.

`host.Children` is the back end that the worker sees; `engine.Engine` is what its author writes. Neither knows what
kind of work is done, nor any library that does it.
"""
