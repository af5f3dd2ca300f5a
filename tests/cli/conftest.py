"""What tests of several commands share: the credentials that they send with."""

CREDENTIALS = {"SUPRSEND_WORKSPACE_KEY": "key", "SUPRSEND_WORKSPACE_SECRET": "the-workspace-secret"}
SANDBOX = {"SUPRSEND_WORKSPACE_KEY": "sandbox-workspace-key", "SUPRSEND_WORKSPACE_SECRET": "sandbox-workspace-secret"}
