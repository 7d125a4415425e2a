"""The example shop under the conformance suite: a Django project of its own, tested in a process of its own."""
