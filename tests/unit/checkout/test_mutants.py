"""Each defence of the checkout is listed with text that stands in its module, and with tests that exist."""

import pytest

from sessions_farm.communities.tests.support.mutant import ROOT
from tests.support.checkout_mutants import BY_NAME, MUTANTS


def test_mutants_have_names_of_their_own():
    assert len(BY_NAME) == len(MUTANTS)


@pytest.mark.parametrize("name", BY_NAME)
def test_mutants_text_stands_in_its_module_once(name):
    mutant = BY_NAME[name]
    compile(mutant.applied_to((ROOT / mutant.module).read_text()), mutant.module, "exec")
    assert [test for test in mutant.tests if not (ROOT / test).exists()] == []
