"""The command: help, version, and what is told with code two."""

import pytest

from plafond import __main__ as command


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--help"], 0, "usage: plafond [-h] [--config CONFIG]"),
        (["--version"], 0, "plafond 0."),
        (["--config"], 2, "expected one argument"),
        (["--surprise"], 2, "unrecognized arguments: --surprise"),
    ],
)
def test_the_command_explains_itself(monkeypatch, capsys, arguments, code, said):
    monkeypatch.setattr("sys.argv", ["plafond", *arguments])

    with pytest.raises(SystemExit) as ended:
        command.main()

    output, errors = capsys.readouterr()
    assert (ended.value.code, said in output + errors) == (code, True)


@pytest.mark.parametrize(
    ("arguments", "environment", "sentence"),
    [
        (["--config", "nowhere.yaml"], None, "the configuration nowhere.yaml cannot be read: "),
        ([], "elsewhere.yaml", "the configuration elsewhere.yaml cannot be read: "),
        (["--config", "nowhere.yaml"], "elsewhere.yaml", "the configuration nowhere.yaml "),
        ([], None, "no configuration: give --config FILE, or set PLAFOND_CONFIG"),
    ],
)
def test_a_configuration_that_is_not_there_is_told_with_code_two(
    monkeypatch, capsys, arguments, environment, sentence
):
    monkeypatch.setattr("sys.argv", ["plafond", *arguments])
    monkeypatch.delenv("PLAFOND_CONFIG", raising=False)
    if environment is not None:
        monkeypatch.setenv("PLAFOND_CONFIG", environment)

    code = command.main()

    assert code == 2
    assert capsys.readouterr().err.startswith(f"plafond: {sentence}")
