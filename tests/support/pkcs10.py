"""PKCS#10 requests made by hand, so that each part can be wrong on purpose."""
import base64

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, ed448, mldsa, padding, rsa

# --- DER -----------------------------------------------------------------------------------------


def length(count):
    if count < 0x80:
        return bytes([count])
    octets = count.to_bytes((count.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(octets)]) + octets


def tlv(tag, *parts):
    content = b"".join(parts)
    return bytes([tag]) + length(len(content)) + content


def seq(*parts):
    return tlv(0x30, *parts)


def set_of(*parts):
    return tlv(0x31, *parts)


def integer(value):
    return tlv(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def octets(content):
    return tlv(0x04, content)


def bits(content, unused=0):
    return tlv(0x03, bytes([unused]), content)


def boolean(value):
    return tlv(0x01, b"\xff" if value else b"\x00")


def utf8(text):
    return tlv(0x0C, text.encode() if isinstance(text, str) else text)


NULL = tlv(0x05)


def oid(dotted):
    first, second, *rest = [int(part) for part in dotted.split(".")]
    content = b""
    for number in [first * 40 + second, *rest]:
        encoded = bytes([number & 0x7F])
        number >>= 7
        while number:
            encoded = bytes([number & 0x7F | 0x80]) + encoded
            number >>= 7
        content += encoded
    return tlv(0x06, content)


# --- names and extensions ----------------------------------------------------------------------

ATTRIBUTES = {
    "commonName": "2.5.4.3", "country": "2.5.4.6", "locality": "2.5.4.7", "state": "2.5.4.8",
    "organization": "2.5.4.10", "organizationalUnit": "2.5.4.11",
}


def attribute(dotted, value, tag=0x0C):
    return seq(oid(dotted), tlv(tag, value.encode() if isinstance(value, str) else value))


def name(**attributes):
    return seq(*[set_of(attribute(ATTRIBUTES[key], value, 0x13 if key == "country" else 0x0C))
                 for key, value in attributes.items()])


def extension(dotted, value, critical=False):
    return seq(oid(dotted), *([boolean(True)] if critical else []), octets(value))


def alt_names(*names, critical=False):
    return extension("2.5.29.17", seq(*names), critical)


def dns_name(text):
    return tlv(0x82, text.encode() if isinstance(text, str) else text)


def ip_address(content):
    return tlv(0x87, content)


def extension_request(*extensions, dotted="1.2.840.113549.1.9.14"):
    return seq(oid(dotted), set_of(seq(*extensions)))


# --- signing -------------------------------------------------------------------------------------

RSA_OIDS = {"md5": "1.2.840.113549.1.1.4", "sha1": "1.2.840.113549.1.1.5",
            "sha256": "1.2.840.113549.1.1.11", "sha384": "1.2.840.113549.1.1.12",
            "sha512": "1.2.840.113549.1.1.13"}
ECDSA_OIDS = {"sha1": "1.2.840.10045.4.1", "sha256": "1.2.840.10045.4.3.2",
              "sha384": "1.2.840.10045.4.3.3", "sha512": "1.2.840.10045.4.3.4"}
HASHES = {"md5": hashes.MD5, "sha1": hashes.SHA1, "sha256": hashes.SHA256, "sha384": hashes.SHA384,
          "sha512": hashes.SHA512}
PLAIN_OIDS = {ed25519.Ed25519PrivateKey: "1.3.101.112", ed448.Ed448PrivateKey: "1.3.101.113",
              mldsa.MLDSA44PrivateKey: "2.16.840.1.101.3.4.3.17",
              mldsa.MLDSA65PrivateKey: "2.16.840.1.101.3.4.3.18",
              mldsa.MLDSA87PrivateKey: "2.16.840.1.101.3.4.3.19"}


def sign(key, message, digest="sha256"):
    """(AlgorithmIdentifier, signature)."""
    if isinstance(key, rsa.RSAPrivateKey):
        signature = key.sign(message, padding.PKCS1v15(), HASHES[digest]())
        return seq(oid(RSA_OIDS[digest]), NULL), signature
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return seq(oid(ECDSA_OIDS[digest])), key.sign(message, ec.ECDSA(HASHES[digest]()))
    if isinstance(key, dsa.DSAPrivateKey):
        return seq(oid("2.16.840.1.101.3.4.3.2")), key.sign(message, hashes.SHA256())
    for kind, dotted in PLAIN_OIDS.items():
        if isinstance(key, kind):
            return seq(oid(dotted)), key.sign(message)
    raise AssertionError(f"no signature for {key}")


def spki_of(key):
    return key.public_key().public_bytes(serialization.Encoding.DER,
                                         serialization.PublicFormat.SubjectPublicKeyInfo)


class Request:
    """A request whose parts are bytes that can be changed before der() or pem() signs them."""

    def __init__(self, key, subject=None, dns=(), extensions=(), digest="sha256"):
        self.key = key
        self.digest = digest
        self.version = integer(0)
        self.subject = subject if isinstance(subject, bytes) else name(**(subject or {}))
        self.spki = spki_of(key)
        asked = [*([alt_names(*map(dns_name, dns))] if dns else []), *extensions]
        self.attributes = [extension_request(*asked)] if asked else []
        self.signed_by = key

    def info(self):
        return seq(self.version, self.subject, self.spki, tlv(0xA0, *self.attributes))

    def der(self):
        info = self.info()
        algorithm, signature = sign(self.signed_by, info, self.digest)
        return seq(info, algorithm, bits(signature))

    def pem(self):
        return to_pem(self.der())


def to_pem(der, label="CERTIFICATE REQUEST"):
    text = base64.b64encode(der).decode()
    lines = "\n".join(text[i:i + 64] for i in range(0, len(text), 64))
    return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n"
