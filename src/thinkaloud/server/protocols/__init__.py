"""Other ecosystems' protocols: their requests, mapped to runs. `server/wires` has their frames."""
