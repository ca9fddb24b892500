"""Reports of clients of AWS, for which the output to S3 stands: it can be given an endpoint."""

from __future__ import annotations

from flb_handshake.declare import (
    HOST,
    CAFile,
    Case,
    Cleartext,
    Close,
    File,
    FileForm,
    Moment,
    Report,
    Setup,
    case,
    cut,
    output,
    refused,
    scenario,
)

_S3 = f"""\
[SERVICE]
    Flush      0.01
    Grace      0
    Log_Level  debug

[INPUT]
    Name    dummy
    Dummy   {{"log":"${{BULK}}"}}
    Rate    1000
    Samples 60

[OUTPUT]
    Name            s3
    Match           *
    Bucket          logs
    Region          us-east-1
    Endpoint        https://{{host}}:{{port}}
    Use_Put_Object  on
    Total_File_Size 1M
    Store_Dir       {{key}}.s3
    tls             on
    tls.verify      on
    tls.vhost       {HOST}
    tls.debug       1
    <ca>
"""

_STORE = File(form=FileForm.TEXT, text="its records are beside it", stem="store")
_ENVIRONMENT = (
    ("AWS_ACCESS_KEY_ID", "an-id"),
    ("AWS_SECRET_ACCESS_KEY", "a-key"),
    ("HOME", "/nonexistent"),  # 1.9.10 falls (SIGSEGV) where there is none
    ("BULK", "a megabyte is sent on at once; " * 1000),
)


def _s3(ca: str = "tls.ca_file {ca}") -> str:
    return _S3.replace("<ca>", ca)


def _to_s3() -> Setup:
    return output(plugin="s3", config=_s3(), key=_STORE, environment=_ENVIRONMENT)


@scenario
def fluent_bit_11512() -> Case:
    """The container has no CA certificates at all, as a bare image of a distribution has none."""
    setup = _to_s3().but(config=_s3("tls.ca_path /nonexistent"), ca=CAFile.UNSET)
    report = Report("https://github.com/fluent/fluent-bit/issues/11512", ("4.2.3",))
    return case(setup, refused("unknown_ca"), report=report)


@scenario
def fluent_bit_6498() -> Case:
    """The authority of AWS was not in the image for Windows; the same without any authority."""
    setup = _to_s3().but(config=_s3("tls.ca_path /nonexistent"), ca=CAFile.UNSET)
    report = Report("https://github.com/fluent/fluent-bit/issues/6498", on="2.0.14")
    return case(setup, refused("unknown_ca"), report=report)


@scenario
def fluent_bit_2986() -> Case:
    """MinIO served HTTP alone, and this output always spoke TLS; an endpoint that begins with
    `http://` (1.7) tells it not to.
    """
    return case(
        _to_s3().but(behaviour=Cleartext()),
        cut(),
        report=Report(
            "https://github.com/fluent/fluent-bit/issues/2986",
            line="[aws_client] connection initialization error",
            on="1.9.10",
        ),
    )


@scenario
def fluent_bit_5246() -> Case:
    """1.9.1 fell (SIGSEGV) over a handshake with CloudWatch that had failed; here it fails when the
    server hangs up, and the agent goes on.
    """
    return case(
        _to_s3().but(behaviour=Close(Moment.CLIENT_HELLO)),
        cut(),
        report=Report(
            "https://github.com/fluent/fluent-bit/issues/5246",
            ("1.9.1",),
            "[aws_client] connection initialization error",
        ),
    )


@scenario
def fluent_bit_7803() -> Case:
    """A service ends a connection just as a request goes into it. In the report it had been idle; a
    connection whose end is seen in time is not used again, and the request makes a new one.
    """
    return case(
        _to_s3().but(behaviour=Close(Moment.FINISHED)),
        cut(),
        report=Report(
            "https://github.com/fluent/fluent-bit/issues/7803",
            ("2.1.10", "2.2.0", "2.2.1"),
            "[http_client] broken connection to",
        ),
    )
