"""The contract: frozen, typed values and the one reading of them. No I/O, no clock."""
