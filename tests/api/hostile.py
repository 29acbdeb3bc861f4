"""Requests as they stand on the wire: how to write one, and by name `HEADS` and `BODIES` that no honest client sends."""

import gzip

BODY = b'{"operation": "unique_issues"}'


def post(body: bytes, *headers: str, path: str = "/jobs") -> bytes:
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: localhost",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def get(target: bytes, *headers: bytes, version: bytes = b"HTTP/1.1", method: bytes = b"GET") -> bytes:
    return b"\r\n".join([method + b" " + target + b" " + version, b"Host: localhost", *headers]) + b"\r\n\r\n"


def chunked(chunks: bytes, *headers: bytes) -> bytes:
    return get(b"/jobs", b"Content-Type: application/json", b"Transfer-Encoding: chunked", *headers, method=b"POST") + chunks


DEEP = b"[" * 100_000 + b"]" * 100_000
CHUNK = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
BODIES = {
    "deep arrays": post(DEEP),
    "deep parameters": post(b'{"operation": "unique_issues", "params": {"x": ' + DEEP + b"}}"),
    "deep objects": post(b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "a number of a million digits": post(b'{"operation": "unique_issues", "timeout": ' + b"9" * 1_000_000 + b"}"),
    "an exponent": post(b'{"operation": "unique_issues", "timeout": 1e999999}'),
    "NaN": post(b'{"operation": "unique_issues", "timeout": NaN}'),
    "Infinity": post(b'{"operation": "unique_issues", "run_in": -Infinity}'),
    "half a surrogate": post(b'{"operation": "unique_issues", "id": "\\ud800"}'),
    "bytes of a surrogate": post(b'{"operation": "unique_issues", "id": "\xed\xa0\x80"}'),
    "no UTF-8": post(b'{"operation": "\xff\xfe"}'),
    "UTF-16": post(BODY.decode().encode("utf-16")),
    "another charset": post(BODY.decode().encode("utf-32"), "Content-Type: application/json; charset=utf-32"),
    "zero bytes": post(b"\x00" * 1000),
    "random bytes": post(bytes(range(256)) * 50),
    "a text": post(b'"text"'),
    "nothing": post(b""),
    "blanks": post(b" " * 10_000),
    "a million keys": post(b"{" + b",".join(b'"k%d":1' % n for n in range(100_000)) + b"}"),
    "a long key": post(b'{"' + b"k" * 1_000_000 + b'": 1}'),
    "a gzip bomb": post(gzip.compress(b" " * 50_000_000), "Content-Encoding: gzip"),
    "deflate": post(BODY, "Content-Encoding: deflate"),
    "a coding nobody knows": post(BODY, "Content-Encoding: br, gzip"),
    "form": post(b"a=b&" * 1000, "Content-Type: application/x-www-form-urlencoded"),
    "multipart without an end": post(b"--x\r\n" * 10_000, "Content-Type: multipart/form-data; boundary=x"),
    "expectations": post(BODY, "Expect: 200-maybe"),
    "too long": post(b" " * 3_000_000),
}
HEADS = {
    "both lengths": get(b"/jobs", b"Content-Length: 4", b"Transfer-Encoding: chunked", method=b"POST")
    + b"0\r\n\r\n"
    + get(b"/gone"),
    "two lengths": get(b"/jobs", b"Content-Length: 4", b"Content-Length: 5", method=b"POST") + b"12345",
    "a list of lengths": get(b"/jobs", b"Content-Length: 4, 4", method=b"POST") + b"1234",
    "a negative length": get(b"/jobs", b"Content-Length: -1", method=b"POST"),
    "a signed length": get(b"/jobs", b"Content-Length: +4", method=b"POST") + b"1234",
    "a length in hex": get(b"/jobs", b"Content-Length: 0x4", method=b"POST") + b"1234",
    "a length beyond all": get(b"/jobs", b"Content-Length: " + b"9" * 40, method=b"POST"),
    "chunked twice": get(b"/jobs", b"Transfer-Encoding: chunked, chunked", method=b"POST") + CHUNK,
    "chunked and not last": get(b"/jobs", b"Transfer-Encoding: chunked, identity", method=b"POST") + CHUNK,
    "chunked behind a tab": get(b"/jobs", b"Transfer-Encoding:\x0bchunked", method=b"POST") + CHUNK,
    "a coding of transfer": get(b"/jobs", b"Transfer-Encoding: xchunked", method=b"POST") + CHUNK,
    "blank before the colon": get(b"/jobs", b"Transfer-Encoding : chunked", method=b"POST") + CHUNK,
    "chunk of no size": chunked(b"\r\n\r\n"),
    "chunk of a size in words": chunked(b"zz\r\n12\r\n0\r\n\r\n"),
    "chunk of a negative size": chunked(b"-1\r\n12\r\n0\r\n\r\n"),
    "chunk of a size in hex": chunked(b"0x2\r\n12\r\n0\r\n\r\n"),
    "chunk with an underscore": chunked(b"1_0\r\n1234567890123456\r\n0\r\n\r\n"),
    "chunk that is longer": chunked(b"2\r\n12345\r\n0\r\n\r\n"),
    "chunk of a huge size": chunked(b"f" * 40 + b"\r\n12"),
    "a chunk's endless extension": chunked(b"1;" + b"x" * 200_000 + b"\r\n1\r\n0\r\n\r\n"),
    "endless trailers": chunked(b"0\r\n" + b"x: y\r\n" * 50_000 + b"\r\n"),
    "a folded header": get(b"/healthz", b"X: a\r\n b"),
    "a folded length": get(b"/jobs", b"Content-Length:\r\n 4", method=b"POST") + b"1234",
    "zero byte in a header": get(b"/healthz", b"X: a\x00b"),
    "controls in a header": get(b"/healthz", b"X: a\x01\x1b[31mb"),
    "carriage return in a header": get(b"/healthz", b"X: a\rY: b"),
    "a header without a name": get(b"/healthz", b": x"),
    "a header without a colon": get(b"/healthz", b"nonsense"),
    "a header of odd letters": get(b"/healthz", b"X\xff: x"),
    "a header of 70 kB": get(b"/healthz", b"X: " + b"a" * 70_000),
    "two thousand headers": get(b"/healthz", *(b"X-%d: a" % n for n in range(2_000))),
    "no host": b"GET /healthz HTTP/1.1\r\n\r\n",
    "two hosts": get(b"/healthz", b"Host: y"),
    "a host of rubbish": b'GET /healthz HTTP/1.1\r\nHost: a b"<>/\r\n\r\n',
    "bare line feeds": b"GET /healthz HTTP/1.1\nHost: localhost\n\n",
    "no version": b"GET /healthz\r\n\r\n",
    "version 2": get(b"/healthz", version=b"HTTP/2.0"),
    "version 9": get(b"/healthz", version=b"HTTP/9.9"),
    "version of words": get(b"/healthz", version=b"HTTP/x.y"),
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(200)) + b"\r\n\r\n",
    "random": bytes(range(256)) * 4 + b"\r\n\r\n",
    "a zero byte in the path": get(b"/jobs/\x00"),
    "controls in the path": get(b"/jobs/\x1b[31m"),
    "a path of 100 kB": get(b"/" + b"a" * 100_000),
    "a query of 100 kB": get(b"/jobs?search=" + b"a" * 100_000),
    "no path": b"GET  HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a path without a slash": get(b"healthz"),
    "absolute form": get(b"http://evil.example/healthz"),
    "absolute form of another scheme": get(b"gopher://evil.example/healthz"),
    "authority form": get(b"evil.example:443", method=b"CONNECT"),
    "an asterisk": get(b"*", method=b"OPTIONS"),
    "TRACE": get(b"/healthz", b"Cookie: secret=1", method=b"TRACE"),
    "a method nobody knows": get(b"/jobs", method=b"BREW"),
    "a method in small letters": get(b"/healthz", method=b"get"),
    "a method of rubbish": get(b"/healthz", method=b"G\x00T"),
    "a method of 10 kB": get(b"/healthz", method=b"G" * 10_000),
    "up": get(b"/jobs/../../../etc/passwd"),
    "up, encoded": get(b"/jobs/%2e%2e/%2e%2e/etc/passwd"),
    "up, encoded twice": get(b"/static/%252e%252e%252fapp.py"),
    "up in static files": get(b"/static/..%2f..%2fapp.py"),
    "up with backslashes": get(b"/static/..\\..\\app.py"),
    "an encoded zero byte": get(b"/jobs/a%00b"),
    "an encoded slash": get(b"/jobs/a%2fb"),
    "bytes that are no UTF-8": get(b"/jobs/%ff%fe"),
    "broken percents": get(b"/jobs/%zz%"),
    "two slashes": get(b"//evil.example/jobs"),
    "an odd range": get(b"/data/export", b"Range: bytes=-1--5,9-1"),
    "an odd Accept": get(b"/jobs", b"Accept: " + b"a/b;q=0.1," * 500),
    "an odd ETag": get(b"/openapi.json", b"If-None-Match: " + b'W/"' * 1_000),
    "an odd date": get(b"/openapi.json", b"If-Modified-Since: yesterday"),
    "an odd traceparent": get(b"/jobs", b"traceparent: " + b"0" * 5_000),
    "an odd Last-Event-ID": get(b"/jobs/x/events", b"Last-Event-ID: " + b"9" * 400),
    "an odd Authorization": get(b"/jobs", b"Authorization: Bearer \xff\xfe"),
    "odd cookies": get(b"/ui", b"Cookie: " + b"=;" * 3_000),
    "an odd forwarded address": get(b"/ui", b"X-Forwarded-For: " + b"x" * 2_000, b"X-Forwarded-Prefix: //evil.example"),
    "an upgrade": get(b"/healthz", b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Key: x"),
    "an upgrade to HTTP/2": get(b"/healthz", b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAAA"),
}
