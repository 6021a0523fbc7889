"""`/api/v1/chat/stream`: one message after another on one socket."""
