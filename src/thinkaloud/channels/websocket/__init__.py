"""The channel of web pages: many chats on one socket, many sockets on one chat."""
