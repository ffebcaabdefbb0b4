"""A certificate authority of a test's own."""

from __future__ import annotations

import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


class Authority:
    """A certificate authority of the test's own; certificates are files in its folder."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._sign("The farm's authority", self.key, issuer=None)
        self.file = self._write("ca", self.certificate)

    def issue(self, name):
        """A certificate and key for a host; the two files."""
        key = ec.generate_private_key(ec.SECP256R1())
        return self._write(name, self._sign(name, key, issuer=self.certificate)), self._write_key(name, key)

    def _sign(self, name, key, issuer):
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        now = datetime.datetime.now(datetime.UTC)
        keys = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        draft = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.subject if issuer else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
            .add_extension(keys, critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
            .add_extension(usage(signs=issuer is None), critical=True)
        )
        if issuer:
            draft = draft.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        return draft.sign(self.key, hashes.SHA256())

    def _write(self, name, certificate):
        path = self.folder / f"{name}.pem"
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return str(path)

    def _write_key(self, name, key):
        path = self.folder / f"{name}.key"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return str(path)


def usage(*, signs):
    names = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only")
    off = dict.fromkeys([*names, "decipher_only"], False)
    return x509.KeyUsage(digital_signature=True, key_cert_sign=signs, crl_sign=signs, **off)
