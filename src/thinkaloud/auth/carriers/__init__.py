"""How credentials arrive: in headers, cookies, tickets, from a proxy, or as the local key."""
