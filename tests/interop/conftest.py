"""What else is in this folder is run by ctest (interop.crypto, interop.notify), with the programs
that it needs."""
import os

collect_ignore = [file for tool, file in (("CRYPTO_TOOL", "test_crypto_openssl.py"),
                                          ("NOTIFY_TOOL", "test_notify.py"))
                  if tool not in os.environ]
