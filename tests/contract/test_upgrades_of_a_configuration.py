"""`diff --config`: the upgrade of one configuration, checked before it is made."""

from __future__ import annotations

import json

import pytest
from test_command import assert_one_clear_error, command

VERIFIED = "names.name[mode=verify_peer-naming=other_host]"
OUTPUT = "[OUTPUT]\n    name http\n    match *\n    host logs.example.test\n"


@pytest.fixture
def upgraded(tmp_path):
    """Compares two recorded releases, narrowed to an output that sets these lines."""

    def compared(lines, *arguments, text=OUTPUT):
        path = tmp_path / "own.conf"
        path.write_text(text + "".join(f"    {line}\n" for line in lines))
        done = command("diff", *arguments, "--recorded", "--config", path, PATH="/nowhere")
        return done, path

    return compared


def test_who_verifies_is_told_that_names_become_checked(upgraded):
    done, path = upgraded(["tls on", "tls.verify on"], "3.0.6", "3.0.7", "--json")
    assert done.returncode == 1, done.stderr
    told = json.loads(done.stdout)
    graded = {one["id"]: one["grade"] for one in told["changes"]}
    assert graded[VERIFIED] == "NOW_REFUSED"
    (concern,) = told["configuration"]["concerns"]
    assert (concern["file"], concern["line"], concern["plugin"]) == (str(path), 1, "http")
    assert {*graded} <= {*concern["scenarios"]}
    assert told["compared"] + told["not_compared"]["neither"] == len(concern["scenarios"])
    assert told["configuration"]["breaks"] is False


@pytest.mark.parametrize("lines", [["tls off"], ["tls on", "tls.verify off"]])
def test_who_verifies_nothing_hears_nothing_of_names(upgraded, lines):
    done, path = upgraded(lines, "3.0.6", "3.0.7")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"situations that concern {path}" in done.stdout
    assert "no longer let through" not in done.stdout
    assert "not in 3.0.6" not in done.stdout


def test_a_property_that_the_other_release_does_not_know_breaks_it(upgraded):
    """A patch of `diff` that compared handshakes alone would call this upgrade safe."""
    lines = ["tls on", "tls.verify on", "tls.min_version TLSv1.2"]
    done, path = upgraded(lines, "4.0.14", "3.2.10", "validity")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "found in 3.2.10 and not in 4.0.14" in done.stdout
    assert f"{path}:7: error: `tls.min_version` came to outputs with 4.0" in done.stdout
    assert "situations compared" in done.stdout
    back, _ = upgraded(lines, "3.2.10", "4.0.14", "validity", "--json")
    assert back.returncode == 0, back.stdout + back.stderr
    told = json.loads(back.stdout)["configuration"]
    assert told["found_only_in_to"] == []
    (one,) = told["found_only_in_from"]
    assert (one["rule"], one["file"], one["line"]) == ("unknown-property", str(path), 7)


def test_what_both_releases_find_is_counted_and_fails_no_upgrade(upgraded):
    """It keeps both from starting: to say nothing of it would be good news that is none."""
    done, _ = upgraded(
        ["tls on", "tls.verify on", "tls.ca_flie own.pem"], "4.0.14", "4.2.8", "usage"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "found in 4.0.14 and in 4.2.8: 1 error, " in done.stdout
    quiet, _ = upgraded(["tls off"], "4.0.14", "4.2.8", "article", "--json")
    told = json.loads(quiet.stdout)["configuration"]
    assert "unknown-property" not in {one["rule"] for one in told["found_in_both"]}


def test_patterns_narrow_further(upgraded):
    done, _ = upgraded(["tls on"], "3.0.6", "3.0.7", VERIFIED, "--json")
    assert done.returncode == 1, done.stderr
    (concern,) = json.loads(done.stdout)["configuration"]["concerns"]
    assert concern["scenarios"] == [VERIFIED]


def test_what_nothing_concerns_is_no_good_news(upgraded):
    done, path = upgraded([], "3.0.6", "3.0.7", text="[OUTPUT]\n    name stdout\n")
    assert_one_clear_error(done, 2, f"nothing that concerns {path}")


def test_a_release_that_was_not_recorded_is_told_before_anything_is_compared(upgraded):
    done, _ = upgraded(["tls on"], "3.0.6", "latest")
    assert_one_clear_error(done, 2, "nothing was recorded of Fluent Bit latest")


def test_a_configuration_that_is_not_there(tmp_path):
    path = tmp_path / "missing.conf"
    done = command("diff", "3.0.6", "3.0.7", "--recorded", "--config", path)
    assert_one_clear_error(done, 2, f"{path} cannot be read")
