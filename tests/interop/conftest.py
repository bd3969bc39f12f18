"""What else is in this folder is run by ctest (interop.crypto), with the program that it needs."""
import os

collect_ignore = [] if "CRYPTO_TOOL" in os.environ else ["test_crypto_openssl.py"]
