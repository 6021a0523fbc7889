"""Files that the app uploads: https://docs.slack.dev/messaging/working-with-files/#uploading_files."""

from tests.channels.slack.fake.messages import Message
from tests.channels.slack.fake.validation import Json, Refused
from tests.channels.slack.fake.workspace import BOT, Workspace


class Uploads:
    """The files of a workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self.base = ""
        self.announced: dict[str, tuple[str, int]] = {}
        """Names and lengths by the ids of files that are to come."""
        self.contents: dict[str, bytes] = {}
        self.shared: list[tuple[Message, str, bytes]] = []
        """Messages with a file, its name and its content."""

    def knows(self, method: str) -> bool:
        return method in {"files.getUploadURLExternal", "files.completeUploadExternal"}

    def call(self, method: str, arguments: Json) -> Json:
        """Perform a method. Raises `Refused`."""
        if "files:write" not in self._workspace.scopes.split(","):
            raise Refused("missing_scope", needed="files:write")
        if method == "files.getUploadURLExternal":
            return self._announce(arguments)
        return self._complete(arguments)

    def receive(self, name: str, content: bytes) -> int:
        """Take the content of a file. Returns the HTTP status."""
        known = self.announced.get(name)
        if known is None or known[1] != len(content):
            return 400
        self.contents[name] = content
        return 200

    def _announce(self, arguments: Json) -> Json:
        length = int(arguments.get("length", 0))
        if not arguments.get("filename") or length < 1:
            raise Refused("invalid_arguments")
        if length > 1_000_000_000:
            raise Refused("file_upload_size_restricted")
        name = f"F{len(self.announced):04}"
        self.announced[name] = (str(arguments["filename"]), length)
        return {"file_id": name, "upload_url": f"{self.base}upload/{name}"}

    def _complete(self, arguments: Json) -> Json:
        channel = self._workspace.channel_of({"channel": arguments.get("channel_id", "")})
        thread_ts = self._workspace.thread_of(channel, arguments)
        for file in arguments["files"]:
            if file["id"] not in self.contents:
                raise Refused("file_not_found")
            made = Message(channel, self._workspace.ts(), BOT, file["title"], thread_ts, [])
            self._workspace.add(made)
            name, _ = self.announced[file["id"]]
            self.shared.append((made, name, self.contents.pop(file["id"])))
        return {"files": [{"id": file["id"]} for file in arguments["files"]]}
