"""`/ws`: many chats on one socket, many sockets on one chat."""
