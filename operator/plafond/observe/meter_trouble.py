"""
Pure: what went wrong on the way to Prometheus, in a sentence that says what to do about it.

These sentences are read in conditions and Events, also by tenants. They are therefore made of our
own words, the address and numbers: never of the text of an exception or of an answer.
"""

import ssl
from collections.abc import Iterator
from http import HTTPStatus
from urllib.parse import urlsplit

from requests.exceptions import ConnectionError as NoConnectionError
from requests.exceptions import RequestException, SSLError, Timeout

_BY_CODE = {
    HTTPStatus.UNAUTHORIZED: "does not let the operator in (401); check prometheus.tokenFile",
    HTTPStatus.FORBIDDEN: "does not let the operator in (403); check prometheus.tokenFile",
    HTTPStatus.BAD_REQUEST: "refuses the query (400); try it in Prometheus' own page",
    HTTPStatus.UNPROCESSABLE_ENTITY: "cannot run the query (422); try it in Prometheus' own page",
    HTTPStatus.NOT_FOUND: "has no API there (404); check the path in prometheus.url",
    HTTPStatus.TOO_MANY_REQUESTS: "has too much to do (429); look at its load",
    HTTPStatus.SERVICE_UNAVAILABLE: "is starting or has too much to do (503); look at its load",
}
REDIRECTED = "redirects elsewhere, which is not followed; name the last address in prometheus.url"
# OpenSSL's X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH.
_WRONG_NAME = (62, 64)


def code_trouble(code: int) -> str:
    """Return what an answer with *code* means."""
    known = _BY_CODE.get(HTTPStatus(code)) if code in {*HTTPStatus} else None
    if known is not None:
        return f"Prometheus {known}"
    if code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return f"Prometheus failed ({code}); look at its log"
    return f"what answers is not Prometheus ({code}); check prometheus.url"


def late(seconds: float) -> str:
    """Return what it means that there was no whole answer within *seconds*."""
    return f"no answer within {seconds:g} s; look at Prometheus' load, or raise prometheus.timeout"


def trouble(error: Exception, url: str, timeout_seconds: float) -> str:
    """Return what *error* means for whoever configured *url*."""
    match error:
        case SSLError():
            return _tls_trouble(error, url)
        case Timeout():
            return late(timeout_seconds)
        case NoConnectionError():
            reason = _os_reason(error)
            return (
                f"{_place(url)} cannot be reached{f' ({reason})' if reason else ''}; "
                "check prometheus.url, and that Prometheus runs"
            )
        case OSError() if not isinstance(error, RequestException):
            return "prometheus.caFile cannot be read; check that it is mounted"
    return "the answer is not one of Prometheus; check prometheus.url"


def _tls_trouble(error: Exception, url: str) -> str:
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            if cause.verify_code in _WRONG_NAME:
                host = urlsplit(url).hostname
                return f"Prometheus' certificate is not for {host}; check prometheus.url"
            return (
                f"Prometheus' certificate is not trusted (OpenSSL's error {cause.verify_code}); "
                "check prometheus.caFile"
            )
    return f"{_place(url)} does not speak TLS as it should; check prometheus.url and caFile"


def _place(url: str) -> str:
    return f"{urlsplit(url).scheme}://{urlsplit(url).netloc.rpartition('@')[2]}"


def _os_reason(error: Exception) -> str:
    reasons = [c.strerror for c in _causes(error) if type(c).__module__ in {"builtins", "socket"}]
    return next((reason for reason in reasons if reason), "")


def _causes(error: BaseException) -> Iterator[OSError]:
    """Yield what *error* was raised from, as far as it comes from the operating system."""
    found: list[BaseException] = [error]
    for each in found:
        if isinstance(each, OSError):
            yield each
        inner = (each.__cause__, each.__context__, getattr(each, "reason", None), *each.args)
        found += [i for i in inner if isinstance(i, BaseException) and i not in found]
