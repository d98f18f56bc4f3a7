"""The notation of the tables, and the tables themselves."""

from __future__ import annotations

import pytest

from weightquant_cli.formats.pir import rules, tables
from weightquant_cli.formats.pir.applying import default
from weightquant_cli.formats.pir.rules import Attribute, Operand, Result


def test_a_line_has_operands_results_and_attributes() -> None:
    rule = rules.parse("top_k_v2 | X k:int:1/K | Out Indices | axis:int !stable:false")
    assert rule.type == "top_k_v2"
    assert rule.operands == (Operand("X"), Operand("K", Attribute("k", "k", "int", "1")))
    assert rule.results == (Result("Out"), Result("Indices"))
    assert rule.attributes == (Attribute("axis", "axis", "int"),)
    assert rule.refused == (("stable", "false"),)


def test_an_operand_can_be_a_list_of_scalars_or_none_at_all() -> None:
    rule = rules.parse("split | X axes=a:ints//List - | Out=0 - +XShape |")
    assert rule.operands[1] == Operand(None, Attribute("axes", "a", "ints"), "List")
    assert rule.operands[2] == Operand(None)
    assert rule.results == (Result("Out", 0), Result(None))
    assert rule.made == ("XShape",)


@pytest.mark.parametrize("name", sorted(tables.RULES))
def test_every_line_of_the_tables_is_well_formed(name: str) -> None:
    rule = rules.parse(tables.RULES[name])
    attributes = [each.attribute for each in rule.operands if each.attribute] + list(
        rule.attributes
    )
    for attribute in attributes:
        assert attribute.type in rules.TYPES
        if attribute.default is not None:
            default(attribute)
    slots = [each.slot for each in rule.operands if each.slot]
    assert len(slots) == len(set(slots))
    names = [attribute.name for attribute in attributes]
    assert len(names) == len(set(names))


def test_the_families_do_not_repeat_an_operation() -> None:
    families = [
        getattr(tables, name).RULES
        for name in vars(tables)
        if hasattr(getattr(tables, name), "RULES")
    ]
    assert sum(map(len, families)) == len(tables.RULES)


def test_a_variant_in_place_has_the_line_of_the_other() -> None:
    assert tables.find("pd_op.relu_") == tables.RULES["relu"]
    assert tables.find("builtin.relu") is None
    assert tables.find("pd_op.nothing_of_the_kind") is None
