"""Where the portal posts to when a person names the address, and where it does not."""

from __future__ import annotations

import socket
import ssl
import subprocess

import pytest

from apps.interop import outbound
from apps.interop.outbound import OutboundFailed, OutboundRefused, check_address, post
from tests.fakes.outside import web_server

LOOPBACK = ["127.0.0.0/8"]


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://127.1/",
        "https://0.0.0.0/",
        "https://10.1.2.3/",
        "https://172.16.0.1/",
        "https://192.168.1.1:8443/x",
        "https://169.254.169.254/latest/meta-data",
        "https://100.64.0.1/",
        "https://224.0.0.1/",
        "https://[::1]/",
        "https://[fe80::1]/",
        "https://[fd00::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[2002:7f00:1::]/",
        "https://[64:ff9b::a00:1]/",
        "https://localhost/",
        "http://93.184.215.14/",
        "ftp://93.184.215.14/",
        "file:///etc/passwd",
        "https://user:word@93.184.215.14/",
        "https://",
        "https://93.184.215.14:99999/",
        "https://a b/",
        "https://x/" + "a" * 600,
        "nonsense",
    ],
)
def test_private_and_strange_addresses_are_refused(url):
    with pytest.raises(OutboundRefused):
        check_address(url)


def test_the_open_internet_is_allowed_by_https():
    target = check_address("https://93.184.215.14:8443/hook?x=1")
    assert (target.port, target.path) == (8443, "/hook?x=1")


def test_a_name_is_as_good_as_every_address_it_stands_for(monkeypatch):
    def two(host, port, *_, **__):
        return [
            (socket.AF_INET, 1, 6, "", ("93.184.215.14", port)),
            (socket.AF_INET, 1, 6, "", ("10.0.0.5", port)),
        ]

    monkeypatch.setattr(socket, "getaddrinfo", two)
    with pytest.raises(OutboundRefused, match="private"):
        check_address("https://hook.example/")
    assert check_address("https://hook.example/", allowed=["10.0.0.0/24"])
    assert check_address("https://hook.example/", allowed=["hook.example"])
    with pytest.raises(OutboundRefused):
        check_address("https://hook.example/", allowed=["other.example"])


def test_a_name_is_asked_once_so_that_it_cannot_change_its_mind(monkeypatch):
    with web_server() as server:
        asked = []

        def rebinding(host, port, *_, **__):
            asked.append(host)
            first = asked.count("hook.example") == 1
            where = "127.0.0.1" if first else "10.255.255.1"
            return [(socket.AF_INET, 1, 6, "", (where, port))]

        monkeypatch.setattr(socket, "getaddrinfo", rebinding)
        monkeypatch.setattr(outbound, "_is_public", lambda address: True)
        url = f"http://hook.example:{server.port}/x"
        allowed = ["hook.example"]
        assert post(url, body=b"{}", headers={}, allowed=allowed) == 200
        # Later look-ups are of the address itself, never of the name.
        assert asked.count("hook.example") == 1
        [(path, headers, body)] = server.posts
        assert headers["Host"] == f"hook.example:{server.port}"
        assert (path, body) == ("/x", b"{}")


def test_a_redirect_is_not_followed():
    with web_server() as server, web_server() as other:
        server.status, server.location = 302, f"http://127.0.0.1:{other.port}/"
        url = f"http://127.0.0.1:{server.port}/"
        assert post(url, body=b"", headers={}, allowed=LOOPBACK) == 302
        assert other.posts == []


def test_nobody_there_is_a_failure_and_no_refusal():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(OutboundFailed):
        post(f"http://127.0.0.1:{port}/", body=b"", headers={}, allowed=LOOPBACK)


def test_a_name_that_is_not_known_is_a_failure():
    with pytest.raises(OutboundFailed):
        check_address("https://no-such-host.invalid/")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-keyout",
            key,
            "-out",
            cert,
            "-days",
            "2",
            "-subj",
            "/CN=hook.example",
            "-addext",
            "subjectAltName=DNS:hook.example",
        ],
        check=True,
        capture_output=True,
    )
    return key, cert


@pytest.mark.parametrize(
    ("host", "is_taken"), [("hook.example", True), ("x.test", False)]
)
def test_the_certificate_is_that_of_the_name(monkeypatch, certificate, host, is_taken):
    key, cert = certificate
    here = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    here.load_cert_chain(cert, key)
    believed = ssl.create_default_context(cafile=str(cert))
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, port, *_, **__: [(socket.AF_INET, 1, 6, "", ("127.0.0.1", port))],
    )
    with web_server(here) as server:
        url = f"https://{host}:{server.port}/"
        told = {"body": b"{}", "headers": {}, "allowed": LOOPBACK, "context": believed}
        if is_taken:
            assert post(url, **told) == 200
            return
        with pytest.raises(OutboundFailed):
            post(url, **told)
        assert server.posts == []
