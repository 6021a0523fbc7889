"""The files of the fake iLink API: its CDN, whose files are encrypted."""

import base64
import hashlib
import re
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from tests.channels.wechat.fake.refusals import Refusal

_HEX = re.compile(r"[0-9a-f]{32}")


class Storage:
    """Files by their parameter, and uploads that were announced."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.whole_addresses = False
        """Whether `getuploadurl` returns the whole address, as newer servers do."""
        self._announced: dict[str, dict[str, Any]] = {}
        self._stored: dict[str, dict[str, Any]] = {}

    def announce(self, body: dict[str, Any], base: str) -> dict[str, Any]:
        """Accept what is about to be uploaded."""
        sizes = body.get("rawsize"), body.get("filesize")
        if body.get("media_type") != 3 or not body.get("to_user_id"):
            raise Refusal(-3, "media_type and to_user_id are needed")
        if not isinstance(sizes[0], int) or sizes[1] != (sizes[0] // 16 + 1) * 16:
            raise Refusal(-3, "invalid sizes")
        if not all(_HEX.fullmatch(str(body.get(name))) for name in ("filekey", "aeskey")):
            raise Refusal(-3, "invalid keys")
        parameter = f"upload {len(self._announced)}"
        self._announced[parameter] = body
        if self.whole_addresses:
            place = f"{base}/c2c/upload?encrypted_query_param={parameter}&filekey={body['filekey']}"
            return {"ret": 0, "upload_full_url": place.replace(" ", "%20")}
        return {"ret": 0, "upload_param": parameter}

    def store(self, parameter: str, filekey: str, data: bytes) -> str:
        """Store an encrypted file and return the parameter that identifies it from then on."""
        announced = self._announced.get(parameter)
        if announced is None or announced["filekey"] != filekey:
            raise Refusal(-3, "unknown upload", status=403)
        if len(data) != announced["filesize"]:
            raise Refusal(-3, "another size was announced", status=400)
        raw = decrypted(data, bytes.fromhex(announced["aeskey"]))
        if hashlib.md5(raw, usedforsecurity=False).hexdigest() != announced["rawfilemd5"]:
            raise Refusal(-3, "another content was announced", status=400)
        download = f"download {len(self._stored)}"
        self._stored[download] = announced
        self.files[download] = data
        return download

    def file_of(self, item: dict[str, Any]) -> tuple[str, bytes]:
        """Return name and content of a file in a message."""
        file = item["file_item"]
        media = file["media"]
        announced = self._stored.get(media["encrypt_query_param"])
        if announced is None or media.get("encrypt_type") != 1:
            raise Refusal(-3, "unknown file")
        key = base64.b64decode(media["aes_key"]).decode()
        if key != announced["aeskey"] or file["len"] != str(announced["rawsize"]):
            raise Refusal(-3, "another file was uploaded")
        data = self.files[media["encrypt_query_param"]]
        return file["file_name"], decrypted(data, bytes.fromhex(key))


def decrypted(data: bytes, key: bytes) -> bytes:
    """Decrypt a file and remove the padding."""
    cipher = Cipher(algorithms.AES(key), modes.ECB()).decryptor()
    padding = PKCS7(128).unpadder()
    return padding.update(cipher.update(data) + cipher.finalize()) + padding.finalize()
