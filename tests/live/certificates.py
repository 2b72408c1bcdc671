"""Keys and certificates for live tests, by the program openssl: authorities, and whom they sign for."""

import os
import ssl
import subprocess

from live import GUARD_S, check

CONFIG = """
[ca]
default_ca = ours
[ours]
database = {folder}/index
serial = {folder}/serial
new_certs_dir = {folder}
default_md = sha256
policy = policy
[policy]
commonName = supplied
"""


def _openssl(*args):
    done = subprocess.run(("openssl", *args), capture_output=True, text=True, check=False, timeout=GUARD_S)
    check(done.returncode == 0, f"openssl {' '.join(args)}: {done.stderr}")


class Authority:
    """Signs certificates, in a folder of its own below 'folder'; all keys are of the curve P-256. Two of one name and
    folder are one."""

    def __init__(self, folder, name):
        self.folder = os.path.join(folder, f"authority-{name}")
        self.certificate = f"{self.folder}/ca.pem"
        self.key = f"{self.folder}/ca.key"
        if os.path.exists(self.folder):
            return
        os.makedirs(self.folder)
        for file, text in (("index", ""), ("serial", "01\n"), ("config", CONFIG.format(folder=self.folder))):
            with open(f"{self.folder}/{file}", "w", encoding="ascii") as made:
                made.write(text)
        self._request(name, self.key, self.certificate, "-x509", "-days", "3650")

    @staticmethod
    def _request(name, key, out, *more):
        _openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}",
                 "-keyout", key, "-out", out, *more)

    def issue(self, name, expired=False, of_itself=False):
        """Paths of a key and a certificate for it; 'of_itself': signed by nobody else."""
        base = f"{self.folder}/{name.replace(' ', '-')}"
        key, certificate = f"{base}.key", f"{base}.pem"
        if of_itself:
            self._request(name, key, certificate, "-x509", "-days", "3650")
        elif not os.path.exists(certificate):
            self._request(name, key, f"{base}.request")
            _openssl("ca", "-batch", "-notext", "-config", f"{self.folder}/config", "-keyfile", self.key,
                     "-cert", self.certificate, "-in", f"{base}.request", "-out", certificate,
                     "-startdate", "20200101000000Z", "-enddate", "20200102000000Z" if expired else "20491231000000Z")
        return key, certificate

    def context(self, pair=None, server=False):
        """For one end that trusts this authority and shows 'pair', or nothing. A server asks for the same."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(self.certificate)
        if pair:
            context.load_cert_chain(pair[1], pair[0])
        return context
