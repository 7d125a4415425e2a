"""The same order, paid by other means than the gateway: what a shop may write, or have, in its place."""
