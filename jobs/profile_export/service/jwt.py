"""JWTs of an identity provider, checked against its key set (JWKS URL)."""

from profile_export.service.config import ServiceConfig


def looks_like_jwt(token: str) -> bool:
    """Three dotted parts; our own tokens have none."""
    return token.count(".") == 2


def grant_of_jwt(token: str, config: ServiceConfig) -> tuple[str, tuple[str, ...], bool] | None:
    """Organisation, sandboxes and right to write that a valid token claims; None for any other."""
    if config.jwks_url is None or not token:
        return None
    return None
