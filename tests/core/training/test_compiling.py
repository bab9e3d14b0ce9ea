import functools

import pytest
import torch

from core.run.events import Warned


@pytest.fixture
def compile_with(monkeypatch):
    """Let torch.compile use another backend: the real one starts a C++ compiler."""
    original = torch.compile

    def arrange(backend):
        torch.compiler.reset()
        monkeypatch.setattr(torch, "compile", functools.partial(original, backend=backend))

    yield arrange
    torch.compiler.reset()


def test_where_it_cannot_be_compiled_the_run_goes_on_and_says_so_once(
    new_run, train, compile_with, result_of
):
    def no_compiler(graph, inputs):
        raise OSError("no compiler here")

    compile_with(no_compiler)
    plain, run = new_run("plain"), new_run("compiled", compile=True)
    assert train(plain) == train(run) == 0
    (warning,) = run.history().of(Warned)
    assert warning.code == "compile"
    assert "no compiler here" in warning.message
    assert "\n" not in warning.message
    assert result_of(run) == result_of(plain)


def test_training_goes_through_the_compiled_model(new_run, train, compile_with, result_of):
    graphs = []

    def backend(graph, inputs):
        graphs.append(graph)
        return graph.forward

    compile_with(backend)
    plain, run = new_run("plain"), new_run("compiled", compile=True)
    assert train(plain) == 0
    assert graphs == []
    assert train(run) == 0
    assert graphs
    assert not run.history().of(Warned)
    assert result_of(run) == result_of(plain)
