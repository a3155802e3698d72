"""The mutants themselves are run outside of CI's time; here, that each still has its place."""

from mutants import MUTANTS, out_of_place


def test_every_mutant_still_finds_the_line_that_it_breaks():
    assert [found for mutant in MUTANTS if (found := out_of_place(mutant))] == []
