"""JSON v1, continued: what `access` tells."""

from resolver.online.answers import Gate, Grant, Known, Site, TokenState, Verdict
from resolver.report.json_v1_description import Fix, Model


class AccessToken(Model):
    """The credentials that a site's client would send; `source` is a variable's or a file's name."""

    state: TokenState
    source: str | None
    account: str | None
    role: str | None


class SiteAccess(Model):
    """What one site said, what it means and what to do; `named` is false where the catalog knew the target."""

    site: Site
    target: str
    revision: str | None
    named: bool
    page: str
    host: str | None
    token: AccessToken
    exists: Known
    revision_exists: Known
    resolved: str | None
    gate: Gate
    grant: Grant
    said: str | None
    trouble: str | None
    verdict: Verdict
    message: str
    evidence: list[str]
    consequence: str
    fix: Fix


class Access(Model):
    """What `access` found out about one model."""

    reference: str
    verdict: Verdict
    sites: list[SiteAccess]
    notes: list[str]
