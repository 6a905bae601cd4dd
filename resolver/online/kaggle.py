"""Ask Kaggle, through kagglehub, in a child process: the credentials, the account, the model, the version, the consent.

Nothing is written and no file is fetched: listing a version's files needs the same right as downloading them, and the
consent with it (kagglehub#128). kagglehub's own `whoami` says "not authenticated" also where nobody answered, and its
calls have no limit in time, so its client is asked here call by call.
"""

import base64
from collections.abc import Callable
from typing import Any, Final

from resolver.environment import Environment
from resolver.online.answers import Answer, Token
from resolver.online.calls import Refusal, Said, Silence, ask

PACKAGE: Final = "kagglehub"
HELLO: Final = ("api.v1.DiagnosticsService", "Hello")
FEW: Final = 8
UNAUTHORIZED, FORBIDDEN, NOT_FOUND = 401, 403, 404


def answer(asked: Answer, seconds: float, tell: Callable[[Answer], None]) -> Answer:
    """What Kaggle says; as `huggingface.answer`.

    Raises:
        ImportError: kagglehub is not installed.
    """
    from kagglehub.clients import build_kaggle_client  # noqa: PLC0415 - only here, and only in the child
    from kagglehub.config import get_kaggle_credentials  # noqa: PLC0415
    from kagglehub.handle import parse_model_handle  # noqa: PLC0415

    try:
        credentials = get_kaggle_credentials()
        source = _source_of(credentials)
    except (OSError, ValueError):  # its message names the file, and a broken one may hold anything
        return asked.replaced(trouble="kaggle.json cannot be read as credentials")
    version = "" if asked.revision is None else f"/{asked.revision}"
    with build_kaggle_client() as client:
        session = _Kaggle(client, parse_model_handle(f"{asked.target}{version}"), credentials, source, seconds)
        return session.answer(asked, tell)


class _Kaggle:
    """The client with what it sends and its limit."""

    def __init__(self, client: Any, handle: Any, credentials: Any, source: str, seconds: float) -> None:
        from urllib.parse import urlsplit  # noqa: PLC0415 - as its caller

        from kagglesdk.kaggle_env import get_endpoint, get_env  # noqa: PLC0415

        self.client, self.handle, self.source, self.seconds = client, handle, source, seconds
        self.host = urlsplit(get_endpoint(get_env())).hostname or "Kaggle"
        self.has_credentials = bool(credentials)
        self.secrets = _secrets_of(credentials)

    def answer(self, asked: Answer, tell: Callable[[Answer], None]) -> Answer:
        known = asked.replaced(host=self.host)
        for step in (self._token, self._model, self._version):
            known = step(known)
            tell(known)
            if known.trouble or known.token.state == "invalid" or known.exists == "no" or known.grant != "unknown":
                break
        return known

    def _ask(self, call: Callable[[], Any]) -> Said | Refusal | Silence:
        return ask(call, self.host, self.seconds, self.secrets)

    def _token(self, known: Answer) -> Answer:
        from kagglesdk.common.types.http_redirect import HttpRedirect  # noqa: PLC0415 - as its caller
        from kagglesdk.models.types.model_api_service import ApiGetModelRequest  # noqa: PLC0415

        if not self.has_credentials:
            return known.replaced(token=Token("absent"))
        call = self.client.http_client().call
        # The answer has no type of its own in the client; that of a redirect hands the response over as it is.
        found = self._ask(lambda: call(*HELLO, ApiGetModelRequest(), HttpRedirect).json())
        if isinstance(found, Said) and isinstance(found.value, dict) and found.value.get("userName"):
            return known.replaced(token=Token("valid", self.source, str(found.value["userName"])))
        if isinstance(found, Refusal) and found.status == UNAUTHORIZED:
            return known.replaced(token=Token("invalid", self.source), said=found.said)
        trouble = "" if isinstance(found, Said) else found.trouble
        return known.replaced(token=Token("unknown", self.source), trouble=trouble)

    def _model(self, known: Answer) -> Answer:
        from kagglesdk.models.types.model_api_service import ApiGetModelInstanceRequest  # noqa: PLC0415

        try:
            request = self._fill(ApiGetModelInstanceRequest())
        except ValueError:
            return known.replaced(trouble=f"kagglehub knows no framework {self.handle.framework!r}")
        found = self._ask(lambda: self.client.models.model_api_client.get_model_instance(request))
        if isinstance(found, Said):
            return known.replaced(exists="yes", resolved=str(found.value.version_number))
        if isinstance(found, Refusal) and found.status == NOT_FOUND:
            return self._alternatives(known.replaced(exists="no", said=found.said))
        return self._refused(known, found)

    def _alternatives(self, known: Answer) -> Answer:
        """What the model has in place of a variation that it does not have."""
        from kagglesdk.models.types.model_api_service import ApiGetModelRequest  # noqa: PLC0415

        request = ApiGetModelRequest()
        request.owner_slug, request.model_slug = self.handle.owner, self.handle.model
        found = self._ask(lambda: _variations(self.client.models.model_api_client.get_model(request)))
        return known.replaced(hints=found.value) if isinstance(found, Said) else known

    def _version(self, known: Answer) -> Answer:
        from kagglesdk.models.types.model_api_service import (  # noqa: PLC0415
            ApiListModelInstanceVersionFilesRequest,
        )

        newest = int(known.resolved or 0)
        if self.handle.version is not None and self.handle.version > newest:
            return known.replaced(revision_exists="no", grant="unknown")
        request = self._fill(ApiListModelInstanceVersionFilesRequest())
        request.version_number = self.handle.version or newest
        request.page_size = 1
        found = self._ask(lambda: self.client.models.model_api_client.list_model_instance_version_files(request))
        if isinstance(found, Said):
            return known.replaced(
                revision_exists="yes", grant="granted", gate="unknown" if self.has_credentials else "open"
            )
        if isinstance(found, Refusal) and found.status == NOT_FOUND:
            return known.replaced(revision_exists="no", said=found.said)
        return self._refused(known, found)

    def _refused(self, known: Answer, found: Refusal | Silence) -> Answer:
        """What 401 and 403 mean; the second also hides what is private."""
        if isinstance(found, Silence) or found.trouble:
            return known.replaced(trouble=found.trouble)
        if "consent" in found.said.lower():
            known = known.replaced(exists="yes", gate="consent", said=found.said)
            return known.replaced(grant="no-consent" if self.has_credentials else "not-signed-in")
        if found.status in (UNAUTHORIZED, FORBIDDEN):
            return known.replaced(grant="refused" if self.has_credentials else "not-signed-in", said=found.said)
        return known.replaced(trouble=f"Kaggle answered with status {found.status}", said=found.said)

    def _fill(self, request: Any) -> Any:
        request.owner_slug, request.model_slug = self.handle.owner, self.handle.model
        request.framework, request.instance_slug = self.handle.framework_enum(), self.handle.variation
        return request


def _variations(model: Any) -> tuple[str, ...]:
    """framework/variation of each that a model has."""
    named = [(each.framework.name.removeprefix("MODEL_FRAMEWORK_"), each.slug) for each in model.instances]
    return tuple(f"{framework.replace('_', '').lower()}/{slug}" for framework, slug in named[:FEW])


def _source_of(credentials: Any) -> str:
    """Where kagglehub took its credentials from; it does not say of all."""
    from kagglehub import config  # noqa: PLC0415 - as its caller
    from kagglesdk.kaggle_env import get_access_token_from_env  # noqa: PLC0415

    if not credentials:
        return ""
    if credentials.api_key:
        _, source = get_access_token_from_env()
        return "~/.kaggle/access_token" if source in (None, "access_token") else str(source)
    if "KAGGLE_KEY" in Environment.this().secrets:
        return f"{config.USERNAME_ENV_VAR_NAME} and {config.KEY_ENV_VAR_NAME}"
    return str(config.CREDENTIALS_FILENAME)


def _secrets_of(credentials: Any) -> tuple[str, ...]:
    """Every form in which the credentials travel."""
    if not credentials:
        return ()
    pair = f"{credentials.username or ''}:{credentials.key or ''}".encode()
    held = (credentials.api_key, credentials.key, base64.b64encode(pair).decode())
    return tuple(each for each in held if each)
