"""Runs with a tiny, random checkpoint."""

from tests.core.saved_run import save_run as save_run
