"""The farm's secrets: made once, one file each, read by the containers that need them alone.

The folder is its owner's alone (0700); a container gets single files of it, which its unprivileged user may read.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from pathlib import Path

from deploy.farm import FarmError
from deploy.farm.compose import DEPLOY, SECRETS, Farm, docker, say

CATALOGUE = DEPLOY / "demo" / "catalogue"
KEPT_KEYS = 2
"""Secret keys of before that still open cookies; an older one's visitors get a new id."""
# A health check logs in as nobody and may do nothing else; the mall may do all but administer.
ACL = """user default on nopass resetkeys resetchannels -@all +ping
user mall on #{digest} ~* &* +@all -@admin -@dangerous +info +role{more}
"""
# Of a pair's servers besides: replicas copy, Sentinels look, choose and tell (redis.io, Sentinel, ACL).
PAIR_ACL = """user replica on #{replica} -@all +psync +replconf +ping
user sentinel on #{sentinel} resetkeys allchannels -@all +multi +slaveof +ping +exec +subscribe +config|rewrite +role \
+publish +info +client|setname +client|kill +script|kill
"""
# Of the Sentinels themselves: the mall asks for the primary, and Sentinels do all among themselves.
SENTINEL_ACL = """user default on nopass -@all +ping
user mall on #{mall} -@all +ping +sentinel|masters
user sentinel on #{sentinel} allchannels +@all
"""
SENTINELS = "sentinel-1:26379,sentinel-2:26379,sentinel-3:26379"


def make_secrets(farm: Farm) -> list[str]:
    """Make the secrets that are missing; return their names. Raise FarmError beside data of other secrets."""
    old = umask_folder()
    missing = not (SECRETS / "db_password").exists()
    if missing and has_volume(farm, "pg17"):
        raise FarmError(
            f"There is a database of before (volume {farm.project}_pg17), and its password is not in {SECRETS}.\n"
            "Bring the folder deploy/secrets/ of that farm back, or throw its data away: make farm-erase"
        )
    made = [name for name, value in _wanted(farm).items() if _write_missing(name, value)]
    SECRETS.chmod(0o700)
    for path in SECRETS.iterdir():
        path.chmod(0o444)
    if made and not old:
        say(f"Made {len(made)} secrets in {SECRETS}")
    return made


def umask_folder() -> bool:
    """Make the folder where it is missing; return whether it was there."""
    was_there = SECRETS.exists()
    SECRETS.mkdir(mode=0o700, exist_ok=True)
    return was_there


def has_volume(farm: Farm, name: str) -> bool:
    """Return whether the engine has a volume of this farm."""
    return f"{farm.project}_{name}" in docker("volume", "ls", "--quiet").split()


def _wanted(farm: Farm) -> dict[str, str]:
    db = _kept("db_password") or secrets.token_urlsafe(32)
    redis = _kept("redis_password") or secrets.token_urlsafe(32)
    cache = _kept("cache_password") or secrets.token_urlsafe(32)
    wanted = {
        "secret_key": secrets.token_urlsafe(64),
        "secret_key_fallbacks": "",
        "ops_token": secrets.token_urlsafe(32),
        "db_password": db,
        "database_url": f"postgres://mall:{db}@db:5432/mall",
        "redis_password": redis,
        "redis_url": f"redis://mall:{redis}@redis:6379/0",
        "broker_url": f"redis://mall:{redis}@redis:6379/1",
        "redis_acl": ACL.format(digest=digest_of(redis), more=""),
        "cache_password": cache,
        "cache_url": f"redis://mall:{cache}@cache:6379/0",
        "cache_acl": ACL.format(digest=digest_of(cache), more=" +flushdb"),
    }
    return wanted | _of_the_pairs(db, redis, cache) | (_of_the_demo() if farm.mode == "demo" else {})


def _of_the_pairs(db: str, redis: str, cache: str) -> dict[str, str]:
    """Return what a farm with HA=1 needs: other addresses, and the users of replicas and Sentinels."""
    replica = _kept("replica_password") or secrets.token_urlsafe(32)
    sentinel = _kept("sentinel_password") or secrets.token_urlsafe(32)
    asking = f"sentinel_username=mall&sentinel_password={redis}"
    more = PAIR_ACL.format(replica=digest_of(replica), sentinel=digest_of(sentinel))
    return {
        "replica_password": replica,
        "sentinel_password": sentinel,
        "database_ha_url": f"postgres://mall:{db}@db:5432,db-standby:5432/mall?target_session_attrs=read-write",
        "redis_ha_url": f"redis+sentinel://mall:{redis}@{SENTINELS}/mall/0?{asking}",
        "broker_ha_url": f"redis+sentinel://mall:{redis}@{SENTINELS}/mall/1?{asking}",
        "cache_ha_url": f"redis+sentinel://mall:{cache}@{SENTINELS}/cache/0?{asking}",
        "redis_ha_acl": ACL.format(digest=digest_of(redis), more="") + more,
        "cache_ha_acl": ACL.format(digest=digest_of(cache), more=" +flushdb") + more,
        "sentinel_acl": SENTINEL_ACL.format(mall=digest_of(redis), sentinel=digest_of(sentinel)),
    }


def _of_the_demo() -> dict[str, str]:
    keys = (
        f"{path.stem} hmac-sha256 {base64.b64encode(secrets.token_bytes(32)).decode()}"
        for path in sorted(CATALOGUE.glob("*.toml"))
    )
    return {
        "webhook_secret": f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}",
        "sftp_password": secrets.token_urlsafe(32),
        # A line for each vendor of the demo; its departments pack for several.
        "signing_keys": "\n".join(keys),
        "lanternpost_secret": secrets.token_urlsafe(32),
    }


def _kept(name: str) -> str:
    path = SECRETS / name
    return path.read_text().strip() if path.exists() else ""


def digest_of(password: str) -> str:
    """Return the digest by which an ACL knows a password."""
    return hashlib.sha256(password.encode()).hexdigest()


def _write_missing(name: str, value: str) -> bool:
    path = SECRETS / name
    if path.exists() and (path.stat().st_size or not value):
        return False
    replace_secret(name, value)
    return True


def replace_secret(name: str, value: str) -> None:
    """Write a secret; containers that run go on with the old one until they are started anew."""
    path = SECRETS / name
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(value)
    path.chmod(0o444)


def rotate_key() -> None:
    """Make a new secret key; cookies of the last ones stay good. Nodes read it at their next rollout.

    Nodes of both kinds run side by side meanwhile, and each must open the other's seals: so the key comes as a
    fallback first, at one rollout, and seals at the next.
    """
    current, others = _kept("secret_key"), [key for key in _kept("secret_key_fallbacks").split(",") if key]
    coming = others[0] if others and others[0].startswith(COMING) else ""
    if not coming:
        replace_secret("secret_key_fallbacks", ",".join([COMING + secrets.token_urlsafe(64), *others[:KEPT_KEYS]]))
        say("A new key is laid out. Roll out, run this once more, and roll out again: make farm-rollout BUILD=0")
        return
    replace_secret("secret_key", coming)
    replace_secret("secret_key_fallbacks", ",".join([current, *others[1:]][:KEPT_KEYS]))
    say("The new key seals from the next rollout on: make farm-rollout BUILD=0")


COMING = "next-"
"""How a key begins that is known already and does not seal yet."""


def fingerprints() -> dict[str, str]:
    """Return the first digits of each secret's digest, by which a backup tells whether a farm has its secrets."""
    return {path.name: digest_of(path.read_text())[:12] for path in sorted(SECRETS.iterdir())}


def read_secret(name: str) -> str:
    """Return a secret. Raise FarmError where it was never made."""
    path: Path = SECRETS / name
    if not path.exists():
        raise FarmError(f"{path} is not there: make farm-init")
    return path.read_text().strip()
