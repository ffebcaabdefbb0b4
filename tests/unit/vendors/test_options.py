"""Which variants options make: what is kept, what is new, what is withdrawn, and what comes back."""

from dataclasses import dataclass, field

from vendors.options import Option, combinations, make_plan, name_of, sku_of, split_values

SIZES = Option("Size", ("S", "M"), was="Size")


@dataclass(eq=False)
class Row:
    """What a plan reads of a variant."""

    name: str = ""
    option_values: dict[str, str] = field(default_factory=dict)
    withdrawn: bool = False
    position: int = 0
    pk: int = 1


def plan(before, after, *rows):
    made = make_plan(before, after, rows)
    kept = {name_of(values) for _, values in made.kept}
    restored = {name_of(values) for _, values in made.restored}
    return kept, restored, [name_of(values) for values in made.new], [row.option_values for row in made.withdrawn]


def sized(size, **more):
    return Row(option_values={"Size": size}, **more)


def test_missing_combinations_are_new_in_the_order_of_the_shop():
    colours = Option("Colour", ("Red", "Blue"))
    assert plan([], [SIZES, colours]) == (set(), set(), ["S · Red", "S · Blue", "M · Red", "M · Blue"], [])


def test_what_is_there_is_kept_and_what_no_value_needs_is_withdrawn():
    assert plan([SIZES], [Option("Size", ("S", "L"), was="Size")], sized("S"), sized("M", pk=2)) == (
        {"S"}, set(), ["L"], [{"Size": "M"}],
    )  # fmt: skip


def test_renamed_option_keeps_its_variants():
    kept, _, new, gone = plan([SIZES], [Option("Waist", ("S", "M"), was="Size")], sized("S"), sized("M", pk=2))
    assert (kept, new, gone) == ({"S", "M"}, [], [])


def test_what_is_there_takes_the_first_value_of_another_option():
    kept, _, new, gone = plan([SIZES], [SIZES, Option("Colour", ("Red", "Blue"))], sized("S"), sized("M", pk=2))
    assert (kept, new, gone) == ({"S · Red", "M · Red"}, ["S · Blue", "M · Blue"], [])


def test_without_an_option_one_of_each_is_left():
    both = [Option("Size", ("S", "M"), was="Size"), Option("Colour", ("Red", "Blue"), was="Colour")]
    rows = [Row(option_values=values, pk=pk) for pk, values in enumerate(combinations(both))]
    kept, _, new, gone = plan(both, [SIZES], *rows)
    assert (kept, new) == ({"S", "M"}, [])
    assert gone == [{"Size": "S", "Colour": "Blue"}, {"Size": "M", "Colour": "Blue"}]


def test_withdrawn_by_hand_stays_and_a_value_that_comes_back_brings_its_variant():
    by_hand = plan([SIZES], [SIZES], sized("S", withdrawn=True), sized("M", pk=2))
    assert by_hand == ({"S", "M"}, set(), [], [])
    came_back = plan([Option("Size", ("M",), was="Size")], [SIZES], sized("S", withdrawn=True), sized("M", pk=2))
    assert came_back == ({"M"}, {"S"}, [], [])


def test_variants_without_values_are_known_by_name_and_the_only_one_is_the_first():
    assert plan([], [SIZES], Row("s"), Row("Gift box", pk=2)) == ({"S"}, set(), ["M"], [])
    assert plan([], [SIZES], Row()) == ({"S"}, set(), ["M"], [])
    assert plan([], [SIZES], Row(), Row("Gift box", pk=2)) == (set(), set(), ["S", "M"], [])


def test_sku_has_the_values_at_their_places():
    values = {"Size": "Extra large", "Colour": "Red/Blue"}
    assert sku_of("TEE-{size}-{ Colour }-{Cut}", values) == "TEE-EXTRA-LARGE-RED-BLUE-{Cut}"


def test_values_are_each_there_once():
    assert split_values(" S, M,,S ,  Extra  large ") == ("S", "M", "Extra large")
