"""What tests of the service start from: a sandbox in a store, with its tables, and tokens to it."""

from dataclasses import dataclass
from pathlib import Path

from profile_export.catalog import Sandbox
from profile_export.sandbox import load_sandbox
from profile_export.service.store import Store, from_file, sandboxes, tokens

ORG, NAME = "acme@AcmeOrg", "prod"
OTHER_ORG, OTHER_NAME = "other@OtherOrg", "dev"
MORE = """
  - {id: crm-first, name: CRM first, version: 1, identityGraph: {type: none},
     attributeMerge: {type: dataSetPrecedence, order: [crm, sign]}}
  - {id: crm-first, name: CRM first, version: 2, identityGraph: {type: pdg},
     attributeMerge: {type: dataSetPrecedence, order: [sign, crm]}}
segments:
  - {id: vip, name: VIP, description: Who spends most., mergePolicyId: stitch}
  - {id: lapsed, name: Lapsed}
"""
"""Appended to ``small_sandbox.SANDBOX``."""


@dataclass(frozen=True)
class SmallCatalog:
    """A sandbox with tables on disk, in a store.

    Attributes:
        folder: Of the sandbox file and its tables.
        file: The sandbox file.
        sandbox: As the file says.
        sandbox_id: Its key in the store.
        tokens: ``write``; ``read`` (only); ``other_org`` (``OTHER_ORG``/``prod``);
            ``other_sandbox`` (``ORG``/``dev``); ``both`` (``prod`` and ``dev`` of ``ORG``).
    """

    folder: Path
    file: Path
    sandbox: Sandbox
    sandbox_id: int
    tokens: dict[str, str]

    def headers(self, token: str = "write", **over: str | None) -> dict[str, str]:
        """Headers of a call; ``_`` in names is ``-``, and None takes a header away."""
        org = OTHER_ORG if token == "other_org" else ORG
        name = OTHER_NAME if token == "other_sandbox" else NAME
        usual: dict[str, str | None] = {
            "authorization": f"Bearer {self.tokens[token]}",
            "x-api-key": "tests",
            "x-gw-ims-org-id": org,
            "x-sandbox-name": name,
            "content-type": "application/json",
        }
        usual |= {key.replace("_", "-"): value for key, value in over.items()}
        return {key: value for key, value in usual.items() if value is not None}


def fill(store: Store, folder: Path) -> SmallCatalog:
    """Load the sandbox of ``folder`` into a store, beside two others, and make tokens."""
    file = folder / "sandbox.yml"
    sandbox = load_sandbox(file)
    with store.write() as connection:
        sandbox_id = from_file.load(connection, sandbox, root=str(folder))
        sandboxes.ensure(connection, ORG, OTHER_NAME)
        sandboxes.ensure(connection, OTHER_ORG, NAME)
        made = {
            "write": tokens.create(connection, ORG, [NAME], can_write=True),
            "read": tokens.create(connection, ORG, [NAME], can_write=False),
            "other_org": tokens.create(connection, OTHER_ORG, [NAME], can_write=True),
            "other_sandbox": tokens.create(connection, ORG, [OTHER_NAME], can_write=True),
            "both": tokens.create(connection, ORG, [NAME, OTHER_NAME], can_write=True),
        }
    secrets = {name: secret for name, (secret, _) in made.items()}
    return SmallCatalog(folder, file, sandbox, sandbox_id, secrets)
