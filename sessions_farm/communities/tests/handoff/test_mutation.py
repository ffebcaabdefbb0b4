"""Each defence of the hand-off that is switched off turns some test red, and the check sees what is no such thing."""

import os
import queue
import sys
from types import SimpleNamespace

import pytest

from sessions_farm.communities.tests.support import mutants, mutation
from sessions_farm.communities.tests.support.mutant import ROOT, LostTextError
from sessions_farm.communities.tests.support.mutants import BY_NAME, MUTANTS

FEW = ["state-mac", "code-hashed"]
ALL_FROM = 10  # of SCALE: `make prove`


def test_mutants_have_names_of_their_own():
    assert len(BY_NAME) == len(MUTANTS) + len(mutants.CONTROLS)
    assert len(MUTANTS) >= 22


@pytest.mark.parametrize("name", BY_NAME)
def test_mutants_text_stands_in_its_module_once(name):
    mutant = BY_NAME[name]
    compile(mutant.applied_to((ROOT / mutant.module).read_text()), mutant.module, "exec")
    assert [test for test in mutant.tests if not (ROOT / test).exists()] == []


def test_text_that_was_rewritten_is_named_with_what_to_do():
    mutant = BY_NAME["state-age"]
    with pytest.raises(LostTextError, match="stands there 0 times") as lost:
        mutant.applied_to("is_stale=sealed.age(now) >= MAX_AGE")
    for said in (
        "state-age",
        "sessions_farm/communities/handoff/state.py",
        "sealed.age(now) > MAX_AGE",
        "is_stale=sealed.age(now) >= MAX_AGE",
        "mutants.py",
    ):
        assert said in str(lost.value)
    with pytest.raises(LostTextError, match="stands there 2 times"):
        mutant.applied_to("sealed.age(now) > MAX_AGE or sealed.age(now) > MAX_AGE")


@pytest.mark.usefixtures("at_proof")
def test_mutants_are_caught(capsys, scale):
    tried = [mutant.name for mutant in MUTANTS] if scale >= ALL_FROM else FEW
    assert mutation.main(tried) == 0, capsys.readouterr().out
    _, *rows, last = capsys.readouterr().out.splitlines()
    assert last == f"{len(tried)} of {len(tried)} caught"
    assert [row.split()[0] for row in rows] == tried
    assert all(" caught " in row and "::test_" in row for row in rows)


@pytest.mark.usefixtures("at_proof")
def test_control_what_harms_nobody_survives_and_what_crashes_is_no_mutant(capsys):
    assert mutation.main(["control-comment", "control-crash"]) == 1
    _, comment, crash, *why, last = capsys.readouterr().out.splitlines()
    assert comment.endswith("SURVIVED")
    assert crash.endswith("NO MUTANT")
    assert "no working code: NameError" in "".join(why)
    assert last == "0 of 2 caught"


SPEAKS_UP = "import time\nfor _ in range(4): print('.', end='', flush=True); time.sleep(0.3)"
FALLS_SILENT = "import time\nprint('.', flush=True); time.sleep(600)"


def test_program_that_hangs_is_ended(tmp_path):
    run = mutation.watched([sys.executable, "-c", FALLS_SILENT], tmp_path, os.environ, patience=1.0)
    assert run.hung
    assert run.returncode != 0
    assert run.output.strip(".\n") == ""


def test_program_that_is_slow_has_the_whole_patience_for_each_word(tmp_path, monkeypatch):
    """It takes longer than that, and only the sum counts against it: a busy machine may make any silence longer."""
    waits = []

    class Unhurried(queue.SimpleQueue):
        def get(self, timeout):
            waits.append(timeout)
            return super().get()

    monkeypatch.setattr(mutation, "queue", SimpleNamespace(SimpleQueue=Unhurried, Empty=queue.Empty))
    run = mutation.watched([sys.executable, "-c", SPEAKS_UP], tmp_path, os.environ, patience=1.0)
    assert (run.hung, run.returncode, run.output) == (False, 0, "....")
    assert len(waits) > 1
    assert set(waits) == {1.0}


def test_mutant_that_hangs_is_not_caught(capsys, monkeypatch, scale):
    if scale < ALL_FROM:
        pytest.skip("It waits for what never ends: make prove.")
    monkeypatch.setattr(mutation, "PATIENCE", 10.0)
    assert mutation.main(["control-hang"]) == 1
    said = capsys.readouterr().out
    assert "HANGS" in said
    assert said.endswith("0 of 1 caught\n")


@pytest.mark.usefixtures("at_proof")
def test_control_test_that_is_red_without_the_mutant_noticed_nothing(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(mutation, "TRIES", 1)
    project = mutation.Project(tmp_path)
    red = tmp_path / "sessions_farm" / "communities" / "tests" / "test_red.py"
    red.write_text("def test_red(): assert False\n\ndef test_green(): pass\n")
    outcomes = [
        mutation.Outcome(BY_NAME[name], 1.0, mutation.Verdict.CAUGHT, f"{red.relative_to(tmp_path)}::test_{name_of}")
        for name, name_of in zip(FEW, ("red", "green"), strict=True)
    ]
    assert mutation.controlled(outcomes, project, patience=60.0) == outcomes[:1]
    assert capsys.readouterr().out.startswith(f"{FEW[0]}: RED ANYWAY, ")


@pytest.mark.usefixtures("at_proof")
def test_control_text_that_is_lost_is_not_caught(capsys, monkeypatch):
    monkeypatch.setitem(
        BY_NAME, "lost", mutants.of("communities/handoff/paths", ("lost", "", "handoff/layers", "no text", ""))[0]
    )
    assert mutation.main(["lost"]) == 1
    said = capsys.readouterr().out
    assert "stands there 0 times" in said
    assert said.endswith("0 of 1 caught\n")


def test_control_red_tests_judge_no_mutant(capsys, monkeypatch):
    monkeypatch.setattr(mutation, "PYTEST", f"{mutation.PYTEST}usefixtures = no_such_fixture\n")
    assert mutation.main(["state-mac"]) == 1
    said = capsys.readouterr().out
    assert said.startswith("The tests are red before any defence is off")
    assert "caught" not in said


def test_unknown_name_is_said(capsys):
    assert mutation.main(["no-such-mutant"]) == 1
    assert "There is no mutant no-such-mutant" in capsys.readouterr().out
