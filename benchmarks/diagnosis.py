"""How often the diagnosis is right, on public reports and on recorded evidence, and how fast.

    python benchmarks/diagnosis.py [reports.json]

Reports give their log lines, the release they name and their configuration, where it is one; the
category is what is to be found. The evidence of each release gives its log alone. Logs that are all
trouble are read in so many times the time of a usual one, in which one line of a hundred is.
"""

from __future__ import annotations

import io
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from flb_handshake import catalogue
from flb_handshake.config import reading
from flb_handshake.config.words import Configuration
from flb_handshake.diagnosis import release
from flb_handshake.diagnosis.causes import overall, ranked
from flb_handshake.diagnosis.configured import common, settings_behind, sided
from flb_handshake.diagnosis.gathering import Gathering, gathered
from flb_handshake.diagnosis.lines import Reader
from flb_handshake.diagnosis.vocabulary import Word
from flb_handshake.errors import HandshakeError
from flb_handshake.recorded import releases

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "evidence"))
from diagnosed import answers

_REPORTS = Path(__file__).parents[2] / "shared" / "field-reports" / "reports.json"
_SETTLED = ("confirmed", "likely")
_MEGABYTES = 200


def words_of(category: str, named: frozenset[str]) -> frozenset[str]:
    """The answers that are right; `other` is every word that no report's category names."""
    if category == "other":
        return frozenset(word.value for word in Word) - named
    return frozenset({category})


def configuration_of(report: dict[str, Any]) -> Configuration | None:
    """The configuration, where a report quotes one instead of describing it."""
    text = report["config"] or ""
    if "\n" not in text:
        return None
    if not text.lstrip().startswith(("[", "outputs:", "pipeline:")):
        text = f"[{report['direction'].upper()}]\n    Name {report['plugin']}\n{text}"
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "fluent-bit.conf"
        file.write_text(text, encoding="utf-8")
        try:
            return reading.read(file, environment={})
        except HandshakeError:
            return None


def ranking(report: dict[str, Any]) -> tuple[str, ...]:
    """What is said of a report."""
    told = release.named(report["versions"][0]) if report["versions"] else None
    stream = io.BytesIO("\n".join(report["log_lines"]).encode())
    configuration = configuration_of(report)
    each = []
    for one in gathered(Reader().read(stream), told):
        if configuration is None:
            each.append(ranked(one))
            continue
        trouble = sided(one, configuration)
        each.append(ranked(trouble, common(settings_behind(configuration, trouble))))
    return tuple(word.value for word in overall(each))


def of_reports(path: Path) -> None:
    """Prints the accuracy on the reports that have log lines."""
    every = json.loads(path.read_text(encoding="utf-8"))
    named = frozenset(one["category"] for one in every)
    spoken = [one for one in every if one["log_lines"]]
    print(f"reports: {len(every)}, with log lines {len(spoken)}")
    for title, status in (
        ("all", None),
        ("confirmed or likely", _SETTLED),
        ("confirmed", ("confirmed",)),
        ("confirmed or likely, in a category of their own", _SETTLED),
    ):
        some = [one for one in spoken if status is None or one["root_cause_status"] in status]
        if "own" in title:
            some = [one for one in some if one["category"] != "other"]
        _print_reports(title, some, named)


def _print_reports(title: str, some: Sequence[dict[str, Any]], named: frozenset[str]) -> None:
    first, third, missed = 0, 0, []
    for one in some:
        right, said = words_of(one["category"], named), ranking(one)
        first += bool(right & set(said[:1]))
        third += bool(right & set(said[:3]))
        if not right & set(said[:1]):
            missed.append(f"    {one['id']}: {one['category']}, said {', '.join(said[:3]) or '-'}")
    print(
        f"  {title}: {len(some)}; top-1 {first / len(some):.1%}, top-3 {third / len(some):.1%}; "
        "not the first:"
    )
    print("\n".join(missed))


def of_evidence() -> None:
    """Prints the accuracy on what was recorded of each release."""
    scenarios = catalogue.load()
    for version in releases():
        each = list(answers(version, scenarios))
        told = [one for one in each if one.ranking]
        missed = [one for one in told if one.truth not in one.ranking[:3]]
        first = sum(one.truth is one.ranking[0] for one in told)
        print(
            f"evidence of {version}: {len(told)} failures; top-1 {first / len(told):.1%}, top-3 "
            f"{1 - len(missed) / len(told):.1%}; {len(each) - len(told)} more are not in the log"
        )
        for (truth, said), count in Counter(
            (one.truth, one.ranking[:3]) for one in missed
        ).most_common(3):
            print(f"    {count} times {truth}, said {', '.join(said)}")


def rate(block: bytes, megabytes: int) -> float:
    """Megabytes a second of a log that repeats a block, by the CPU's time: it may be shared."""
    many = max(1, megabytes * 1_000_000 // len(block))
    stream = io.BytesIO(block * many)
    gathering = Gathering()
    began = time.process_time()
    gathering.take(Reader().read(stream))
    gathering.done()
    return len(block) * many / (time.process_time() - began) / 1e6


_INFO = (
    "[2026/11/25 12:00:{n:02d}] [ info] [output:http:http.{of}] logs.example.com:443, "
    "HTTP status=200\n"
)
_REFUSED = (
    "[2026/11/25 12:00:01.{n:03d}] [error] [tls] error: unexpected EOF\n"
    "[2026/11/25 12:00:01.{n:03d}] [error] [output:http:http.{of}] no upstream connections "
    "available to logs.example.com:443\n"
)
_RETRIED = _REFUSED + (
    "[2026/11/25 12:00:01.{n:03d}] [ warn] [engine] failed to flush chunk "
    "'1-17640{n:05d}.{n:09d}.flb', retry in {n} seconds: task_id={n}, input=dummy.0 > "
    "output=http.{of} (out_id={of})\n"
)
_TIMED_OUT = (
    "[2026/11/25 12:00:01.{n:03d}] [error] [upstream] connection #{n} to tcp://a.example.com:443 "
    "timed out after 10 seconds (connection timeout)\n"
)
_NEVER_ALIKE = "[2026/11/25 12:00:01] [error] [tls] error: unexpected EOF {n:x} of {n:o}\n"


def _lines(form: str, many: int) -> bytes:
    return "".join(form.format(n=n, of=n % 7) for n in range(many)).encode()


def _around(block: bytes, before: bytes, behind: bytes) -> bytes:
    """The same lines, as a collector of logs keeps them."""
    return b"".join(before + line + behind + b"\n" for line in block.splitlines())


def speeds() -> None:
    """Prints how fast logs are read, each beside a usual one read in the same run."""
    retried = _lines(_RETRIED, 9999)
    usual = rate(_lines(_INFO, 60) * 3 + _lines(_REFUSED, 1), _MEGABYTES)
    print(f"a log with trouble in 1 line of 100: {usual:.0f} MB/s")
    for title, block, megabytes in (
        ("the same two lines of trouble for hours", _lines(_REFUSED, 999), _MEGABYTES // 2),
        ("trouble and its retries", retried, _MEGABYTES // 2),
        (
            "the same from CRI",
            _around(retried, b"2026-11-25T12:00:01.123456789Z stderr F ", b""),
            _MEGABYTES // 2,
        ),
        (
            "the same from Docker",
            _around(
                retried,
                b'{"log":"',
                b'\\n","stream":"stderr","time":"2026-11-25T12:00:01.123456789Z"}',
            ),
            _MEGABYTES // 2,
        ),
        ("timeouts of connections", _lines(_TIMED_OUT, 99_999), _MEGABYTES // 2),
        ("trouble that is never alike", _lines(_NEVER_ALIKE, 99_999), 1),
    ):
        this = rate(block, megabytes)
        print(f"{title}: {this:.0f} MB/s, {usual / this:.1f} times as long")


def main() -> None:
    """Prints it all."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else _REPORTS
    if path.exists():
        of_reports(path)
    else:
        print(f"there are no reports at {path}")
    of_evidence()
    speeds()


if __name__ == "__main__":
    main()
