"""Classic syntax, as 1.9.10 and 5.1.1 read it; the binaries are asked in tests/contract."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flb_handshake.config.reading import Syntax, read, read_text
from flb_handshake.config.words import Configuration, Kind, Property, Section, Spot
from flb_handshake.config.writing import written
from flb_handshake.errors import ConfigurationFileError

INPUT = "[INPUT]\n    Name dummy\n"


def classic(text, **environment):
    return read_text(text, name="/nowhere/x.conf", syntax=Syntax.CLASSIC, environment=environment)


def fatal(found):
    return [(one.spot.line, one.text) for one in found.refusals if one.fatal]


def place(folder, **files):
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return folder / "main.conf"


def test_each_value_knows_its_line_and_what_is_written_there():
    found = classic("# hi\n\n[OUTPUT]\n    Name http\n    TLS.CA_File ${CA}/x\n", CA="/etc")
    (output,) = found.of(Kind.OUTPUT)
    one = output.find("tls.ca_file")
    assert (one.key, one.value, one.written) == ("TLS.CA_File", "/etc/x", "${CA}/x")
    assert (output.spot, one.spot) == (Spot("/nowhere/x.conf", 3), Spot("/nowhere/x.conf", 5))


@pytest.mark.parametrize("title", ["INPUT", "input", "In", "INPUTS", "i"])
def test_a_section_is_told_by_any_beginning_of_its_name(title):
    assert classic(f"[{title}]\n    Name x\n").of(Kind.INPUT)


def test_of_a_property_twice_the_last_counts_and_of_a_name_the_first():
    (made,) = classic("[INPUT]\n    Name a\n    tls off\n    Name b\n    TLS on\n").sections
    assert (made.plugin, made.value("tls")) == ("a", "on")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("  Tag x", "indented"),
        ("      Tag x", "indented"),
        ("\tTag x", "indented"),
        ("  # a comment", "indented"),
        ("      ", "indented"),
        ("    Tag", "no value"),
        ("    Tag ", "no value"),
        ("    Tag\tx", "no value"),
        ("    <TLS>", "no word of Fluent Bit"),
        ("[FILTER\n    Name x", "bracket"),
    ],
)
def test_what_fluent_bit_stops_at_is_refused_on_its_line(line, says):
    ((number, text),) = fatal(classic(f"{INPUT}{line}\n"))
    assert number == 3
    assert says in text


def test_reading_goes_on_after_a_refusal():
    found = classic(f"{INPUT}  Tag x\n[OUTPUT]\n    Name null\n")
    assert [one.kind for one in found.sections] == [Kind.INPUT, Kind.OUTPUT]
    assert len(found.refusals) == 1


def test_what_stands_in_a_block_of_the_article_is_refused_once():
    block = "    <TLS>\n        Mode require\n        CA.File /x\n    </TLS>\n"
    found = classic(f"{INPUT}{block}    Tag x\n")
    assert len(fatal(found)) == 1
    assert "translate" in found.refusals[0].hint
    assert found.sections[0].value("tag") == "x"


def test_a_group_keeps_its_lines_to_itself():
    found = classic("[INPUT]\n    Name x\n    [GROUP] y\n        Tag inner\n    Tag outer\n")
    (made,) = found.sections
    assert not found.refusals
    assert made.value("tag") == "outer"
    assert made.sections[0].value("tag") == "inner"


def test_a_key_outside_of_any_section_is_refused():
    assert fatal(classic("    Name dummy\n"))[0][0] == 1


def test_a_variable_set_at_the_end_counts_for_the_beginning():
    found = classic(f"[INPUT]\n    Name ${{p}}\n@SET p=dummy\n{INPUT}", p="tail")
    assert [one.plugin for one in found.sections] == ["dummy", "dummy"]
    assert found.sets == (("p", "dummy"),)


def test_blanks_around_the_equals_sign_belong_to_name_and_value():
    assert classic("@SET a = b\n").sets == (("a ", " b"),)


def test_defaults_fill_in_and_what_nobody_sets_is_named():
    found = classic("[INPUT]\n    Name ${P:-dummy}\n    Tag a${NOBODY}b\n")
    assert (found.sections[0].plugin, found.sections[0].value("tag")) == ("dummy", "ab")
    assert found.unset == ("NOBODY",)


def test_an_inclusion_within_a_section_is_a_key_like_any_other():
    found = classic(f"{INPUT}    @INCLUDE x.conf\n")
    assert found.sections[0].value("@include") == "x.conf"


def test_inclusions_are_looked_for_beside_the_first_file(tmp_path):
    main = place(
        tmp_path, main_conf="@INCLUDE d/a.conf\n", d__a_conf="@include b.conf\n", b_conf=INPUT
    )
    found = read(main, environment={})
    assert not found.refusals
    assert found.sections[0].spot == Spot(str(tmp_path / "b.conf"), 1)
    assert len(found.files) == 3


def test_a_pattern_includes_in_order(tmp_path):
    main = place(tmp_path, main_conf="@INCLUDE d/*.conf\n", d__b_conf="[FILTER]\n    Name x\n")
    (tmp_path / "d" / "a.conf").write_text(INPUT)
    assert [one.kind for one in read(main).sections] == [Kind.INPUT, Kind.FILTER]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("@INCLUDE nope.conf", "cannot be read"),
        ("@INCLUDE nope*.conf", "matches no file"),
        ("@INCLUDE main.conf", "includes itself"),
        ("@INCLUDE a.conf\n@INCLUDE a.conf", "twice"),
        ("@INCLUDE  a.conf", "cannot be read"),
        ("@INCLUDE a?.conf", "cannot be read"),
        ("@INCLUDE\ta.conf", "no value"),
        ("@INCLUDE ", "names no file"),
    ],
)
def test_an_inclusion_that_fluent_bit_stops_at_is_refused(tmp_path, line, says):
    main = place(tmp_path, main_conf=f"{line}\n{INPUT}", a_conf="")
    ((_, text),) = fatal(read(main))
    assert says in text


def test_a_circle_of_inclusions_ends(tmp_path):
    main = place(tmp_path, main_conf="@INCLUDE a.conf\n", a_conf="@INCLUDE main.conf\n")
    found = read(main)
    assert [one.text for one in found.refusals] == [f"{main} includes itself"]
    assert found.refusals[0].spot == Spot(str(tmp_path / "a.conf"), 1)


def test_an_inclusion_that_leaves_the_folder_is_read_and_told(tmp_path):
    (tmp_path / "outside.conf").write_text(INPUT)
    (tmp_path / "in").mkdir()
    main = place(tmp_path / "in", main_conf="@INCLUDE ../outside.conf\n")
    found = read(main)
    (told,) = found.refusals
    assert not told.fatal
    assert "leaves the folder" in told.text
    assert found.of(Kind.INPUT)


@pytest.mark.parametrize(
    ("service", "says"),
    [
        ("Log_Level loud", "log level"),
        ("Flush 0", "flush"),
        ("Parsers_File nope.conf", "cannot be read"),
        ("Parsers_File bad.conf", "bracket"),
    ],
)
def test_what_the_service_says_wrong_is_refused(tmp_path, service, says):
    main = place(tmp_path, main_conf=f"[SERVICE]\n    {service}\n", bad_conf="[PARSER\n")
    ((_, text),) = fatal(read(main))
    assert says in text


def test_of_all_services_the_last_word_on_flushing_counts():
    assert not fatal(classic("[SERVICE]\n    Flush 0\n[SERVICE]\n    Flush 1\n"))
    assert fatal(classic("[SERVICE]\n    Flush 1\n[SERVICE]\n    Flush 0\n[SERVICE]\n"))


def test_sections_that_lack_a_name_or_stand_in_the_wrong_file_are_refused():
    found = classic("[INPUT]\n    Tag x\n[OUTPUT]\n[PARSER]\n    Name x\n")
    assert [line for line, _ in fatal(found)] == [1, 3, 4]


def test_the_nodes_of_an_upstream_file_belong_to_their_output(tmp_path):
    nodes = "[UPSTREAM]\n    Name u\n[NODE]\n    Name a\n    Host h\n    Port 1\n    tls on\n"
    output = "[OUTPUT]\n    Name forward\n    Upstream up.conf\n"
    found = read(place(tmp_path, main_conf=output, up_conf=nodes))
    (node,) = found.of(Kind.OUTPUT)[0].sections
    assert (node.kind, node.value("tls")) == (Kind.NODE, "on")
    assert node.spot == Spot(str(tmp_path / "up.conf"), 3)


@pytest.mark.parametrize(
    ("nodes", "says"),
    [
        ("", "no section"),
        ("[UPSTREAM]\n    Nam u\n[NODE]\n    Name a\n    Host h\n    Port 1\n", "no name"),
        ("[UPSTREAM]\n    Name u\n", "no nodes"),
        ("[UPSTREAM]\n    Name u\n[NODE]\n    Name a\n    Port 1\n", "no host"),
    ],
)
def test_an_upstream_file_that_no_output_starts_with_is_refused(tmp_path, nodes, says):
    output = "[OUTPUT]\n    Name forward\n    Upstream up.conf\n"
    ((_, text),) = fatal(read(place(tmp_path, main_conf=output, up_conf=nodes)))
    assert says in text


@pytest.mark.parametrize("what", ["missing.conf", ".", "/dev/zero", "nul\0.conf"])
def test_what_is_no_file_is_an_error_with_a_hint(tmp_path, what):
    with pytest.raises(ConfigurationFileError) as caught:
        read(tmp_path / what)
    assert caught.value.hint


def test_a_file_that_is_far_too_large_is_an_error(tmp_path):
    with (tmp_path / "big.conf").open("wb") as file:
        file.truncate(1 << 30)
    with pytest.raises(ConfigurationFileError, match="too large"):
        read(tmp_path / "big.conf")


def test_binary_junk_is_refused_and_can_be_told_as_utf_8(tmp_path):
    (tmp_path / "junk.conf").write_bytes(bytes(range(256)) * 8)
    found = read(tmp_path / "junk.conf")
    assert fatal(found)
    assert repr(found).encode()


LINES = st.one_of(
    st.sampled_from(
        [
            "[INPUT]",
            "[OUTPUT] x",
            "[",
            "    Name dummy",
            "    [G] x",
            "        Tag ${A:-${B}}",
            "  # x",
            "\t",
            "@SET a=b",
            "@INCLUDE *",
            "@INCLUDE \0",
            "<TLS>",
            "    </TLS>",
            "    Upstream \0",
            "    Parsers_File [*",
        ]
    ),
    st.text(max_size=30),
)


@given(lines=st.lists(LINES, max_size=20), syntax=st.sampled_from(Syntax))
def test_no_text_makes_a_reader_raise(tmp_path_factory, lines, syntax):
    name = str(tmp_path_factory.getbasetemp() / "x.conf")
    found = read_text("\n".join(lines), name=name, syntax=syntax, environment={})
    assert found.files[0] == name
    assert all(one.hint and one.spot.line > 0 for one in found.refusals)


KEYS = st.text("abcXYZ._09", min_size=1, max_size=9).filter(lambda key: key.lower() != "upstream")
VALUES = st.text(
    st.characters(blacklist_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), min_size=1, max_size=12
)


def sections(values):
    properties = st.builds(
        lambda key, value: Property(key=key, value=value, written=value, spot=Spot("", 1)),
        KEYS,
        values,
    )
    return st.lists(
        st.builds(
            lambda kind, found: Section(
                kind=kind, title=kind, properties=tuple(found), spot=Spot("", 1)
            ),
            st.sampled_from([Kind.INPUT, Kind.FILTER, Kind.OUTPUT]),
            st.lists(properties, min_size=1, max_size=4),
        ),
        max_size=4,
    )


def said(found):
    """What counts: sections with their keys and values, whatever line they stand on."""
    return [
        (one.kind, [(each.name, each.written) for each in one.properties]) for one in found.sections
    ]


@given(made=sections(VALUES))
def test_what_is_written_in_classic_syntax_is_read_again(made):
    whole = Configuration(sections=tuple(made))
    again = classic(written(whole, Syntax.CLASSIC))
    assert said(again) == said(whole)
    assert all("without a name" in text or "log level" in text for _, text in fatal(again))


def counting(section):
    """The properties that count: YAML keeps those that stand there twice together."""
    names = {one.name for one in section.properties}
    return section.kind, frozenset((name, section.find(name).written) for name in names)


TEXTS = st.text(st.characters(blacklist_categories=("Cs",)), max_size=12).map(
    lambda text: text.strip(" \t\n\v\f\r")
)


@given(made=sections(TEXTS))
def test_what_is_written_in_yaml_is_read_again(made):
    whole = Configuration(sections=tuple(made))
    text = written(whole, Syntax.YAML)
    again = read_text(text, name="/nowhere/x.yaml", syntax=Syntax.YAML, environment={})
    assert not [text for _, text in fatal(again) if "YAML" in text]
    assert {counting(one) for one in made} == {counting(one) for one in again.sections}


@pytest.mark.parametrize("name", ["tls", "tls.verify", "workers", "net.keepalive", "alias"])
def test_what_must_not_be_empty_is_refused_where_nobody_sets_its_variable(name):
    text = f"[OUTPUT]\n    Name http\n    {name} ${{NOBODY}}\n    {name} on\n    uri ${{NOBODY}}\n"
    ((line, said),) = fatal(classic(text))
    assert (line, said.split()[:3]) == (3, [name, "is", "empty"])
    assert not fatal(classic(text, NOBODY="on"))


def test_in_a_node_the_first_counts_and_few_variables_are_filled_in(tmp_path):
    (tmp_path / "up.conf").write_text(
        "[UPSTREAM]\n    Name u\n[NODE]\n    Name a\n    Host h\n    Port 1\n"
        "    tls ${ON}\n    tls.vhost ${ON}\n    tls.vhost b.test\n"
    )
    path = tmp_path / "x.conf"
    path.write_text("[OUTPUT]\n    Name forward\n    Upstream up.conf\n")
    found = read(path, environment={"ON": "on"})
    node = found.of(Kind.OUTPUT)[0].sections[0]
    assert [node.value(name) for name in ("tls", "tls.vhost")] == ["${ON}", "on"]
    assert found.unset == ()


def test_a_variable_that_is_never_closed_costs_nothing():
    """Looked for from each of its beginnings, the end of this one would take an hour."""
    found = classic("[INPUT]\n    Name x\n    Tag " + "${" * 2_000_000)
    assert found.unset == ()
